#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the inputs from which the fuzzers start: one of each kind of record, one of each kind of damage.

    make_corpus.py          adds them to corpus/; what is there already stays

What a fuzzer found is added by hand, under a name that says what it broke.
"""

import hashlib
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "codec_v1.txt"
# Step of damage.cc.
(WRITE_FILE, WRITE_WAL, CUT_FILE, CUT_WAL, COPY_PAGE, SET_VALUE, DELETE_ROW, COPY_ROW, MAKE_IT_MATCH,
 SET_VERSION) = range(10)
NUMBER, SMALL, TEXT, BLOB, NULL, OTHER = range(6)  # Value of damage.cc
BASES = range(4)
# The base with an archive of which two segments are there, and what a step of it is done to; FileStep of damage.cc.
ARCHIVED = 4
JOURNAL, KEPT, BEING_MOVED, DIRECTORY = range(4)
# Tables by their names' order: archived, records, segments; and heads, ledger, meta, records, sandboxes.
ABOUT_SEGMENTS, IN_SEGMENTS = (0, 6, 9), (1, 2, 3, 6, 7)
REMOVE, SWAP, COPY_TO, DRAFT, AS_DIRECTORY, LINK, FOREIGN, NO_ARCHIVE = range(8)
TABLES = range(12)  # taken modulo their number


def add(target, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("seed-" + hashlib.sha1(data).hexdigest()[:12])).write_bytes(data)


def text(data):
    return bytes([len(data)]) + data


def offset(number):
    return struct.pack("<I", number)[:3]


def decode():
    for line in GOLDEN.read_text().splitlines():
        kind, name, *payload = line.split(" ")
        data = bytes.fromhex("".join(payload))
        add("decode", bytes([int(kind)]) + struct.pack("<H", 40) + text(name.encode()) + data)
    add("decode", bytes([4]) + b"\x0a\x03sh\x00")
    add("decode", bytes([5]) + snapshot())
    box = b"\x01\x01k" + bytes(12) + b"ciphertext" + bytes(16)
    for cut in (len(box), 20, 3, 1):
        add("decode", bytes([6]) + box[:cut])
    add("decode", bytes([7]) + b"# keys\n\n2026-a " + b"0f" * 32 + b"\nold " + b"QUJD" * 10 + b"QUI=\n")


def field(number, value):
    """Of a Protobuf message; short texts and small numbers only."""
    if isinstance(value, int):
        return bytes([number << 3 & 0x7F | 0x80, number >> 4, value]) if number > 15 else bytes([number << 3, value])
    tag = number << 3 | 2
    tag = bytes([tag & 0x7F | 0x80, tag >> 7]) if number > 15 else bytes([tag])
    return tag + bytes([len(value)]) + value


def snapshot():
    """One that DecodeSnapshot takes, with an operation and a step in flight."""
    step = (field(1, 5) + field(2, field(2, 1) + field(3, b"start") + field(4, b"process") + field(6, b"s/1/start"))
            + field(3, b"InFlight") + field(4, 1) + field(13, field(1, b"A") + field(2, b"b")))
    operation = field(1, 1) + field(2, b"create") + field(3, b"r") + field(7, b"start")
    return (field(1, 1) + field(2, b"s") + field(3, 7) + field(4, 1) + field(8, b"Running")
            + field(12, b"Consistent") + field(17, operation) + field(18, step) + field(19, step)
            + field(20, field(1, b"ipam") + field(2, field(1, 1) + field(2, b"state")))
            + field(21, b"ipam") + field(22, 1) + field(24, 3)
            + field(25, field(1, 1) + field(2, b"create") + field(4, b"Succeeded"))
            + field(26, field(1, b"Ready") + field(2, b"r")))


def damage():
    for base in BASES:
        start = bytes([base])
        add("open", start)
        for at in (18, 24, 28, 60, 100, 4096, 4100, 8192 + 5, 12288 + 20):
            add("open", start + bytes([WRITE_FILE]) + offset(at) + text(b"\x7f\xff\x00\x01"))
            add("open", start + bytes([WRITE_WAL]) + offset(at) + text(b"\x7f\xff\x00\x01"))
        for step in (CUT_FILE, CUT_WAL):
            add("open", start + bytes([step]) + offset(9000))
        add("open", start + bytes([COPY_PAGE, 3, 5]))
        add("open", start + bytes([SET_VERSION, 99]))
    start = bytes([BASES[-1]])
    for table in TABLES:
        for column, value in ((0, bytes([NUMBER]) + b"\xff" * 8), (3, bytes([SMALL, 3])),
                              (8, bytes([TEXT]) + text(b"odd")),
                              (10, bytes([BLOB]) + text(b"\x08\x01\x1a\x01p"))):
            change = bytes([SET_VALUE, table, 1, 0, column]) + value
            add("open", start + change + bytes([MAKE_IT_MATCH]))
        add("open", start + bytes([DELETE_ROW, table, 0, 0, MAKE_IT_MATCH]))
        add("open", start + bytes([COPY_ROW, table, 0, 0, 0, SMALL, 77, MAKE_IT_MATCH]))


def damage_archive():
    start = bytes([ARCHIVED])
    add("open", start)
    for target, tables in ((JOURNAL, ABOUT_SEGMENTS), (KEPT, IN_SEGMENTS), (BEING_MOVED, IN_SEGMENTS)):
        step = start + bytes([target])
        for at in (18, 60, 68, 4096 + 5, 8192 + 5):
            add("open", step + bytes([WRITE_FILE]) + offset(at) + text(b"\x7f\xff\x00\x01"))
        for length in (9000, 0):
            add("open", step + bytes([CUT_FILE]) + offset(length))
        add("open", step + bytes([COPY_PAGE, 3, 5]))
        add("open", step + bytes([SET_VERSION, 99]))
        match = bytes([target, MAKE_IT_MATCH])
        for table in tables:
            for column, value in ((0, bytes([NUMBER]) + b"\xff" * 8), (3, bytes([SMALL, 3])),
                                  (8, bytes([SMALL, 2]))):
                add("open", step + bytes([SET_VALUE, table, 1, 0, column]) + value + match)
            add("open", step + bytes([DELETE_ROW, table, 0, 0]) + match)
            add("open", step + bytes([COPY_ROW, table, 0, 0, 0, SMALL, 77]) + match)
    step = start + bytes([DIRECTORY])
    for change in ([REMOVE, 0], [REMOVE, 1], [SWAP, 0, 1], [COPY_TO, 0, 1], [COPY_TO, 1, 9], [AS_DIRECTORY, 1],
                   [LINK, 0], [NO_ARCHIVE]):
        add("open", step + bytes(change))
    add("open", step + bytes([DRAFT, 4]) + text(b"half a segment"))
    add("open", step + bytes([FOREIGN]) + text(b"a shopping list"))


if __name__ == "__main__":
    decode()
    damage()
    damage_archive()
