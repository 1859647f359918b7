#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of Holdfast's journal, in Python's standard library alone.

Written from docs/journal-format.md, whose sections are named below in quotation marks, and the field
numbers of proto/holdfast/journal/v1/journal.proto; nothing of the journal library is used. It changes
nothing, and it may run beside the gateway that writes the journal.

    read_journal.py JOURNAL                   what it is, and its sandboxes
    read_journal.py JOURNAL show ID           the records of one sandbox
    read_journal.py JOURNAL records           all records, in order
    read_journal.py JOURNAL ledger [--all]    what is, or may be, in the world; --all: also what was
    read_journal.py JOURNAL intents           steps under which something may still be owed
    read_journal.py JOURNAL verify            every checksum, chain, pointer and projection
    read_journal.py JOURNAL checkpoint [--at POSITION]

Exit code 0: done. 1: verify found damage. 2: the command line is wrong. 3: this is not a journal that
can be read, or there is no such sandbox.
"""

import argparse
import datetime
import hashlib
import heapq
import os
import operator
import pathlib
import signal
import sqlite3
import struct
import sys
import urllib.parse
import zlib
from dataclasses import dataclass, field

APPLICATION_ID = 0x48464A4C  # "HFJL"
SEGMENT_APPLICATION_ID = 0x48464A41  # "HFJA"
EXPIRED = 3  # state of a segment whose file was removed, because the operator's retention said so
VERSIONS = (1, 2)
EVENT, INTENT, OUTCOME = 1, 2, 3
KINDS = {EVENT: "event", INTENT: "intent", OUTCOME: "outcome"}
MAYBE, HELD, RELEASED, GONE = 1, 2, 3, 4
STATUSES = {MAYBE: "maybe", HELD: "held", RELEASED: "released", GONE: "gone"}
FORWARD, UNDO = 1, 2
VERDICTS = ["?", "DONE", "FAILED", "UNKNOWN", "PRESENT", "ABSENT", "CANNOT_TELL", "VANISHED", "RELEASED",
            "ABANDONED"]
CHAIN_START = bytes(32)


# What a payload that is no Protobuf message, or names an intent that is not there, makes of the parser.
MALFORMED = (ValueError, IndexError, KeyError, TypeError)


class Unreadable(Exception):
    """Not a journal, or not one that this program can read."""


# --- what is in a record ----------------------------------------------------------------------------


@dataclass
class Record:
    position: int
    sandbox: int
    sequence: int
    previous: int
    epoch: int
    time_unix_ms: int
    kind: int
    checksum: int
    type: str
    hash: bytes
    payload: bytes

    COLUMNS = "position, sandbox, sequence, previous, epoch, time_unix_ms, kind, checksum, type, hash, payload"

    def is_whole(self, sandbox_id):
        return zlib.crc32(self.canonical(sandbox_id)) == self.checksum

    def canonical(self, sandbox_id):
        """The bytes that checksum and hash are taken over ("Canonical bytes")."""

        def text(value):
            return struct.pack("<I", len(value)) + value

        return (struct.pack("<QQQQqB", self.position, self.previous, self.sequence, self.epoch,
                            self.time_unix_ms, self.kind)
                + text(encode(sandbox_id)) + text(encode(self.type)) + text(self.payload))


def encode(text):
    return text.encode("utf-8", "surrogateescape")


def decode(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def protobuf_fields(data):
    """The fields of a Protobuf message: number and value, which is an int or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF

    while at < len(data):
        tag = varint()
        wire = tag & 7
        if wire == 0:
            value = varint()
        elif wire in (1, 2, 5):
            size = varint() if wire == 2 else 8 if wire == 1 else 4
            value = data[at:at + size]
            at += size
            if len(value) != size:
                raise ValueError("cut short")
        else:
            raise ValueError(f"wire type {wire}")
        yield tag >> 3, value


@dataclass
class Resource:
    """holdfast.journal.v1.Resource"""

    kind: str = ""
    name: str = ""
    handle: str = ""

    @classmethod
    def parse(cls, data):
        resource = cls()
        for number, value in protobuf_fields(data):
            name = {1: "kind", 2: "name", 3: "handle"}.get(number)
            if name:
                setattr(resource, name, decode(value))
        return resource


@dataclass
class Intent:
    """holdfast.journal.v1.Intent, as far as the projections need it."""

    kind: int = 0
    participant: str = ""
    action: str = ""
    key: str = ""
    undoes: int = 0
    claims: list = field(default_factory=list)

    @classmethod
    def parse(cls, data):
        intent = cls()
        for number, value in protobuf_fields(data):
            if number == 8:
                intent.claims.append(Resource.parse(value))
            name = {2: "kind", 4: "participant", 5: "action", 6: "key", 7: "undoes"}.get(number)
            if name:
                setattr(intent, name, decode(value))
        return intent


@dataclass
class Outcome:
    """holdfast.journal.v1.Outcome, as far as the projections need it."""

    intent: int = 0
    verdict: int = 0
    closes: int = 0
    no_effect: int = 0
    resources: list = field(default_factory=list)

    @classmethod
    def parse(cls, data):
        outcome = cls()
        for number, value in protobuf_fields(data):
            if number == 9:
                outcome.resources.append(Resource.parse(value))
            name = {1: "intent", 3: "verdict", 4: "closes", 8: "no_effect"}.get(number)
            if name:
                setattr(outcome, name, value)
        return outcome

    @property
    def verdict_name(self):
        return VERDICTS[self.verdict] if self.verdict < len(VERDICTS) else "?"


# --- projections ------------------------------------------------------------------------------------


@dataclass
class Sandbox:
    key: int
    id: str
    live: bool
    state: str
    summary: bytes
    checksum: int = 0
    position: int = 0  # of its last record
    sequence: int = 0

    def expected_checksum(self):
        def text(value):
            return struct.pack("<I", len(value)) + value

        return zlib.crc32(struct.pack("<QB", self.key, self.live) + text(encode(self.id))
                          + text(encode(self.state)) + text(self.summary))


@dataclass
class OpenIntent:
    sandbox: int
    intent: int
    position: int
    kind: int
    undoes: int
    participant: str
    action: str
    key: str
    time_unix_ms: int

    COLUMNS = "sandbox, intent, position, kind, undoes, participant, action, key, time_unix_ms"


@dataclass
class LedgerRow:
    sandbox: int
    participant: str
    kind: str
    name: str
    handle: str
    status: int
    intent: int
    key: str
    since_unix_ms: int

    COLUMNS = "sandbox, participant, kind, name, handle, status, intent, key, since_unix_ms"


class Holdings:
    """Open intents and ledger, and what each record does to them ("open_intents", "ledger")."""

    def __init__(self, open_intents=(), ledger=()):
        self.open = {(row.sandbox, row.intent): row for row in open_intents}
        self.ledger = {(row.sandbox, encode(row.participant), encode(row.kind), encode(row.name)): row
                       for row in ledger}

    def replace(self, sandboxes, other):
        """Takes what `other` says of the sandboxes for all that there is of them."""
        for mine, theirs in ((self.open, other.open), (self.ledger, other.ledger)):
            for key in [key for key in mine if key[0] in sandboxes]:
                del mine[key]
            mine.update(theirs)

    def apply(self, record, find_intent):
        """`find_intent(sandbox, sequence)` gives the Intent that an outcome answers."""
        if record.kind == INTENT:
            self.intend(record, Intent.parse(record.payload))
        elif record.kind == OUTCOME:
            outcome = Outcome.parse(record.payload)
            self.answer(record, outcome, find_intent(record.sandbox, outcome.intent))

    def intend(self, record, intent):
        self.open[record.sandbox, record.sequence] = OpenIntent(
            record.sandbox, record.sequence, record.position, intent.kind, intent.undoes,
            intent.participant, intent.action, intent.key, record.time_unix_ms)
        if intent.kind == FORWARD:
            for claim in intent.claims:
                self.set(record, intent, record.sequence, claim.kind, claim.name, "", MAYBE)

    def answer(self, record, outcome, intent):
        verdict = outcome.verdict_name
        ended, whose = None, outcome.intent
        if intent.kind == UNDO:
            whose = intent.undoes
            ended = {"DONE": RELEASED, "RELEASED": RELEASED, "ABSENT": GONE}.get(verdict)
        elif verdict in ("DONE", "PRESENT", "ABSENT", "VANISHED"):
            ended = GONE
        elif verdict == "FAILED" and outcome.no_effect:
            ended = GONE
        elif verdict == "RELEASED":
            ended = RELEASED
        if ended:
            for row in self.ledger.values():
                if (row.sandbox, row.intent) == (record.sandbox, whose) and row.status in (MAYBE, HELD):
                    row.status = ended
                    row.since_unix_ms = record.time_unix_ms
        if intent.kind == FORWARD and verdict in ("DONE", "PRESENT", "FAILED"):
            for made in outcome.resources:
                self.set(record, intent, outcome.intent, made.kind, made.name, made.handle, HELD)
        if outcome.closes:
            self.open.pop((record.sandbox, outcome.intent), None)

    def set(self, record, intent, sequence, kind, name, handle, status):
        key = (record.sandbox, encode(intent.participant), encode(kind), encode(name))
        self.ledger[key] = LedgerRow(record.sandbox, intent.participant, kind, name, handle, status,
                                     sequence, intent.key, record.time_unix_ms)


# --- the file ---------------------------------------------------------------------------------------


class File:
    """One snapshot of an SQLite file with the tables of a journal: the journal itself, or a segment."""

    def __init__(self, path, application_id):
        self.path = pathlib.Path(path)
        self.inspect(application_id)
        self.db = sqlite3.connect(self.uri(), uri=True, isolation_level=None)
        self.db.text_factory = decode
        self.db.execute("PRAGMA query_only = ON")
        self.db.execute("BEGIN")  # all that follows sees the same state
        # Once more, since a newer version's mark may still be in the WAL.
        self.version = self.check_version(self.db.execute("PRAGMA user_version").fetchone()[0])
        self.meta = dict(self.db.execute("SELECT name, value FROM meta"))
        for name in ("journal_id",) + (("flushed",) if self.version > 1 else ()):
            if name not in self.meta:
                raise Unreadable(f"{self.path} is damaged: there is no {name} in meta")

    def inspect(self, application_id):
        """What the header says, before SQLite is asked ("The files")."""
        try:
            with open(self.path, "rb") as file:
                header = file.read(100)
        except OSError as error:
            raise Unreadable(f"{self.path}: {error.strerror}") from error
        if not header.startswith(b"SQLite format 3\0") or len(header) < 100:
            raise Unreadable(f"{self.path} is not a Holdfast journal: not an SQLite file")
        if struct.unpack(">I", header[68:72])[0] != application_id:
            raise Unreadable(f"{self.path} is not a Holdfast journal: a file of another application")
        self.check_version(struct.unpack(">I", header[60:64])[0])

    def check_version(self, version):
        if version not in VERSIONS:
            raise Unreadable(f"{self.path} has format version {version}; this program reads "
                             f"{' and '.join(map(str, VERSIONS))}")
        return version

    def uri(self):
        """With a WAL, the writer's files are shared with it. A database that was copied alone, and a
        segment, has nobody who could write, and nothing may be made beside it."""
        alone = not os.path.exists(f"{self.path}-wal")
        return (f"file:{urllib.parse.quote(str(self.path.absolute()))}"
                f"?{'immutable=1' if alone else 'mode=ro'}")

    def rows(self, kind, table, rest=""):
        """Each row of the table as a `kind`."""
        for row in self.db.execute(f"SELECT {kind.COLUMNS} FROM {table} {rest}"):
            yield kind(*row)

    def records(self, after=0):
        """In the order of their positions."""
        return self.rows(Record, "records", f"WHERE position > {after} ORDER BY position")

    def record(self, position):
        row = self.db.execute(f"SELECT {Record.COLUMNS} FROM records WHERE position = ?", (position,)).fetchone()
        return Record(*row) if row else None

    def sandboxes(self):
        """By key, as the tables say."""
        query = ("SELECT s.key, s.id, s.live, s.state, s.summary, s.checksum, h.position, h.sequence "
                 "FROM sandboxes AS s LEFT JOIN heads AS h ON h.sandbox = s.key ORDER BY s.key")
        return {row[0]: Sandbox(row[0], row[1], bool(row[2]), *row[3:6], row[6] or 0, row[7] or 0)
                for row in self.db.execute(query)}

    def holdings(self):
        """As the tables say."""
        return Holdings(self.rows(OpenIntent, "open_intents"), self.rows(LedgerRow, "ledger"))


@dataclass
class Segment:
    """A row of `segments`, and its file unless that was removed ("Archive segments")."""

    number: int
    file: str
    digest: bytes
    records: int
    sandboxes: int
    first_position: int
    last_position: int
    sealed_unix_ms: int
    state: int
    opened: File = None

    COLUMNS = ("number, file, digest, records, sandboxes, first_position, last_position, sealed_unix_ms, "
               "state")

    def holds(self, position):
        return self.first_position <= position <= self.last_position


class Journal:
    """One moment of a journal: its file, the tail that is not flushed, and the archive."""

    def __init__(self, path):
        self.hot = File(path, APPLICATION_ID)
        self.db, self.version, self.meta = self.hot.db, self.hot.version, self.hot.meta
        # Up to which position the projections' tables stand ("Flushing"). Of version 1: to the end.
        self.flushed = self.meta["flushed"] if self.version > 1 else sys.maxsize
        self.segments = self.open_segments(pathlib.Path(f"{path}.archive"))
        self.sandboxes, self.holdings = self.stored()
        self.apply_tail()

    def open_segments(self, directory):
        """By number."""
        if self.version == 1:
            return []
        segments = list(self.hot.rows(Segment, "segments", "ORDER BY number"))
        for segment in segments:
            if segment.state != EXPIRED:
                segment.opened = File(directory / segment.file, SEGMENT_APPLICATION_ID)
                if segment.opened.meta["journal_id"] != self.meta["journal_id"]:
                    raise Unreadable(f"{segment.file} is a segment of another journal")
        return segments

    def files(self):
        """The archive's, in the order of their numbers, then the journal's own: the later one knows better
        what concerns a sandbox that was archived, lived again, and was perhaps archived again."""
        return [segment.opened for segment in self.segments if segment.opened] + [self.hot]

    def last_position(self):
        last = self.db.execute("SELECT max(position) FROM records").fetchone()[0] or 0
        return max([last] + [segment.last_position for segment in self.segments])

    def stored(self):
        """Sandboxes by key, and holdings, as the tables of all files say: as of `flushed`."""
        sandboxes, holdings = {}, Holdings()
        for file in self.files():
            found = file.sandboxes()
            sandboxes.update(found)
            holdings.replace(found.keys(), file.holdings())
        return sandboxes, holdings

    def pending(self):
        """What the tail's batches said of their sandboxes, by the position of each batch's last record."""
        if self.version == 1:
            return {}
        query = "SELECT position, sandbox, id, live, state, summary, checksum FROM pending"
        return {row[0]: Sandbox(row[1], row[2], bool(row[3]), *row[4:7]) for row in self.db.execute(query)}

    def snapshots(self):
        """By key: sequence and bytes of those that are whole."""
        if self.version == 1:
            return {}
        whole = {}
        for key, sequence, checksum, data in self.db.execute(
                "SELECT sandbox, sequence, checksum, bytes FROM snapshots"):
            sandbox = self.sandboxes.get(key)
            if sandbox is None or not sandbox.live or sequence > sandbox.sequence:
                continue
            name = encode(sandbox.id)
            covered = struct.pack("<I", len(name)) + name + struct.pack("<QI", sequence, len(data)) + data
            if zlib.crc32(covered) == checksum:
                whole[key] = sequence, data
        return whole

    def sealed(self):
        """By key: ciphertext."""
        return dict(self.db.execute("SELECT sandbox, bytes FROM sealed")) if self.version > 1 else {}

    def apply_tail(self):
        """Brings sandboxes and holdings from `flushed` to the last record."""
        pending = self.pending()
        ids = {said.key: said.id for said in pending.values()}
        for record in self.hot.records(self.flushed):
            sandbox = self.sandboxes.setdefault(
                record.sandbox, Sandbox(record.sandbox, ids.get(record.sandbox, ""), True, "", b""))
            whole = record.is_whole(sandbox.id)
            if not whole and (record.previous, record.sequence) != (sandbox.position, sandbox.sequence + 1):
                continue
            sandbox.position, sandbox.sequence = record.position, record.sequence
            said = pending.get(record.position)
            if said:
                sandbox.live, sandbox.state = said.live, said.state
                sandbox.summary, sandbox.checksum = said.summary, said.checksum
            if whole:
                try:
                    self.holdings.apply(record, lambda _, sequence, at=record: self.find_intent(at, sequence))
                except MALFORMED:
                    pass  # verify tells

    def find_intent(self, record, sequence):
        """The intent of the record's sandbox with that sequence."""
        while record is not None and record.sequence > sequence:
            record = self.record(record.previous)
        if record is None or record.sequence != sequence or record.kind != INTENT:
            raise KeyError(sequence)
        return Intent.parse(record.payload)

    def records(self):
        """In the order of their positions. While a segment's records are being removed from the journal,
        they are in both."""
        last = None
        for record in heapq.merge(*(file.records() for file in self.files()), key=operator.attrgetter("position")):
            if record.position != last:
                yield record
            last = record.position

    def record(self, position):
        found = self.hot.record(position)
        for segment in self.segments:
            if found is None and segment.opened and segment.holds(position):
                found = segment.opened.record(position)
        return found

    def records_of(self, sandbox):
        """Of one sandbox, first to last, found from its head along the back pointers."""
        chain = []
        position = sandbox.position
        while position:
            record = self.record(position)
            if record is None or record.sandbox != sandbox.key:
                raise Unreadable(f"sandbox {sandbox.id}: its record at position {position} is missing")
            if not record.is_whole(sandbox.id):
                raise Unreadable(f"sandbox {sandbox.id}: the checksum at position {position} is wrong")
            if chain and record.sequence != chain[-1].sequence - 1:
                raise Unreadable(f"sandbox {sandbox.id}: a gap before position {chain[-1].position}")
            chain.append(record)
            position = record.previous
        return chain[::-1]


# --- verify -----------------------------------------------------------------------------------------


class Verifier:
    """Everything of "What a reader checks". `damages` is a list of sentences."""

    def __init__(self, journal):
        self.journal = journal
        self.damages = []
        self.sandboxes = journal.sandboxes
        self.last = {}  # the last record of each sandbox, by key
        self.intents = {}  # (key, sequence) to Intent
        self.holdings = Holdings()  # folded anew
        self.count = 0

    def run(self):
        epoch = position = missing = 0
        flushed = False
        for record in self.journal.records():
            if not flushed and record.position > self.journal.flushed:
                flushed = self.check_flushed()
            self.count += 1
            for absent in range(position + 1, record.position):
                missing += 1
                if not any(s.state == EXPIRED and s.holds(absent) for s in self.journal.segments):
                    self.say(record, f"gap: nothing at position {absent}")
                    break
            position = record.position
            if record.epoch < epoch:
                self.say(record, f"epoch {record.epoch} after epoch {epoch}")
            epoch = max(epoch, record.epoch)
            self.check_record(record)
        if not flushed:
            self.check_flushed()
        missing += self.journal.last_position() - position
        expired = sum(segment.records for segment in self.journal.segments if segment.state == EXPIRED)
        if missing != expired:
            self.damages.append(f"{missing} positions are missing; {expired} records were removed for their age")
        self.check_sandboxes()
        for segment in self.journal.segments:
            if segment.opened:
                self.check_segment(segment)
        return self.damages

    def check_segment(self, segment):
        """That it holds what was sealed."""
        parts = {}  # by key: how many records, and the last one
        for record in segment.opened.records():
            parts[record.sandbox] = (parts.get(record.sandbox, (0,))[0] + 1, record)
        digest = hashlib.sha256()
        sandboxes = segment.opened.sandboxes()
        for key, (count, last) in sorted(parts.items()):
            name = encode(sandboxes[key].id) if key in sandboxes else b""
            digest.update(struct.pack("<QI", key, len(name)) + name + struct.pack("<Q", last.sequence)
                          + last.hash + struct.pack("<Q", count))
        if digest.digest() != segment.digest or sandboxes.keys() != parts.keys():
            self.damages.append(f"{segment.file} does not hold what was sealed")

    def check_flushed(self):
        """The tables, when as many records were read as they were written after."""
        sandboxes, stored = self.journal.stored()
        for table, said, found in (("open_intents", stored.open, self.holdings.open),
                                   ("ledger", stored.ledger, self.holdings.ledger)):
            if said != found:
                self.damages.append(f"{table} is not what follows from the records")
        for sandbox in sandboxes.values():
            last = self.last.get(sandbox.key)
            if last is None or (sandbox.position, sandbox.sequence) != (last.position, last.sequence):
                self.damages.append(f"sandbox {sandbox.id}: its head is not its last record")
            if sandbox.checksum != sandbox.expected_checksum():
                self.damages.append(f"sandbox {sandbox.id}: the checksum of its row is wrong")
        return True

    def say(self, record, what):
        sandbox = self.sandboxes.get(record.sandbox)
        whose = f"sandbox {sandbox.id}" if sandbox else f"unknown sandbox {record.sandbox}"
        self.damages.append(f"position {record.position}, {whose}, sequence {record.sequence}: {what}")

    def check_record(self, record):
        sandbox = self.sandboxes.get(record.sandbox)
        if sandbox is None:
            return self.say(record, "its sandbox has no row")
        before = self.last.get(record.sandbox)
        if before is None and record.sandbox != record.position:
            self.say(record, "the sandbox's first record is missing")
        if record.sequence != (before.sequence if before else 0) + 1:
            self.say(record, "not the next sequence")
        if record.previous != (before.position if before else 0):
            self.say(record, f"its back pointer leads to {record.previous}")
        canonical = record.canonical(sandbox.id)
        if zlib.crc32(canonical) != record.checksum:
            self.say(record, "checksum: its bytes are not those that were written")
        if hashlib.sha256((before.hash if before else CHAIN_START) + canonical).digest() != record.hash:
            self.say(record, "chain: it, or a record before it, was changed")
        self.last[record.sandbox] = record
        try:
            if record.kind == INTENT:
                self.intents[record.sandbox, record.sequence] = Intent.parse(record.payload)
            self.holdings.apply(record, lambda *key: self.intents[key])
        except MALFORMED:
            self.say(record, f"its payload is not an {KINDS.get(record.kind, 'unknown kind')}")
        return None

    def check_sandboxes(self):
        """As they are with the tail."""
        for key, sandbox in self.sandboxes.items():
            last = self.last.get(key)
            if last is None or (sandbox.position, sandbox.sequence) != (last.position, last.sequence):
                self.damages.append(f"sandbox {sandbox.id}: its records do not lead to its head")
        for said in self.journal.pending().values():
            if said.checksum != said.expected_checksum():
                self.damages.append(f"sandbox {said.id}: the checksum of its row in pending is wrong")


def checkpoint(journal, position):
    """The line that proves later that nothing up to the position was changed ("Checkpoints")."""
    digest = hashlib.sha256(b"holdfast-checkpoint-1\n" + encode(journal.meta["journal_id"])
                            + struct.pack("<Q", position))
    count = 0
    for key, sandbox in sorted(journal.sandboxes.items()):
        if key > position:
            continue
        record = journal.record(sandbox.position)
        while record is not None and record.position > position:
            record = journal.record(record.previous)
        if record is None or record.sandbox != key:
            raise Unreadable(f"sandbox {sandbox.id}: its records do not lead back to position {position}")
        name = encode(sandbox.id)
        digest.update(struct.pack("<QI", key, len(name)) + name + struct.pack("<Q", record.sequence)
                      + record.hash)
        count += 1
    return f"holdfast-checkpoint-1 {journal.meta['journal_id']} {position} {count} {digest.hexdigest()}"


# --- the command line -------------------------------------------------------------------------------


def when(time_unix_ms):
    try:
        time = datetime.datetime.fromtimestamp(time_unix_ms / 1000, datetime.timezone.utc)
        return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{time_unix_ms} ms"


def printable(text):
    return encode(text).decode("utf-8", "backslashreplace")


def name_of(journal, key):
    sandbox = journal.sandboxes.get(key)
    return printable(sandbox.id) if sandbox else f"(unknown sandbox {key})"


def print_record(record, sandbox_id=None):
    whose = f" {sandbox_id}" if sandbox_id is not None else ""
    print(f"{record.position:>8}{whose} #{record.sequence} epoch {record.epoch} {when(record.time_unix_ms)} "
          f"{KINDS.get(record.kind, record.kind)} {printable(record.type)} ({len(record.payload)} bytes)")


def print_overview(journal):
    print(f"journal {journal.meta['journal_id']}, format {journal.version}, epoch {journal.meta.get('epoch', '?')}")
    for segment in journal.segments:
        print(f"{segment.file}: {segment.records} records of {segment.sandboxes} sandboxes, sealed "
              f"{when(segment.sealed_unix_ms)}{'' if segment.opened else ', removed for its age'}")
    snapshots, sealed = journal.snapshots(), journal.sealed()
    for sandbox in sorted(journal.sandboxes.values(), key=lambda s: encode(s.id)):
        beside = f", snapshot at #{snapshots[sandbox.key][0]}" if sandbox.key in snapshots else ""
        beside += f", {len(sealed[sandbox.key])} bytes sealed" if sandbox.key in sealed else ""
        print(f"{printable(sandbox.id)}: {printable(sandbox.state)}, {'live' if sandbox.live else 'ended'}, "
              f"{sandbox.sequence} records{beside}")


def print_ledger(journal, everything):
    for _, row in sorted(journal.holdings.ledger.items()):
        if everything or row.status in (MAYBE, HELD):
            print(f"{name_of(journal, row.sandbox)}: {STATUSES.get(row.status, row.status)} "
                  f"{row.kind} {printable(row.name)} by {row.participant}, intent #{row.intent}, "
                  f"since {when(row.since_unix_ms)} {printable(row.handle)}".rstrip())


def print_intents(journal):
    for _, row in sorted(journal.holdings.open.items()):
        undoes = f", undoes #{row.undoes}" if row.kind == UNDO else ""
        print(f"{name_of(journal, row.sandbox)}: #{row.intent} {row.action} by {row.participant}"
              f"{undoes}, key {printable(row.key)}, since {when(row.time_unix_ms)}")


def run(arguments):
    journal = Journal(arguments.journal)
    if arguments.command == "show":
        found = [sandbox for sandbox in journal.sandboxes.values() if sandbox.id == arguments.id]
        if not found:
            raise Unreadable(f"there is no sandbox {arguments.id}")
        for record in journal.records_of(found[0]):
            print_record(record)
    elif arguments.command == "records":
        for record in journal.records():
            print_record(record, name_of(journal, record.sandbox))
    elif arguments.command == "ledger":
        print_ledger(journal, arguments.all)
    elif arguments.command == "intents":
        print_intents(journal)
    elif arguments.command == "checkpoint":
        print(checkpoint(journal, arguments.at or journal.last_position()))
    elif arguments.command == "verify":
        verifier = Verifier(journal)
        for damage in verifier.run():
            print(printable(damage))
        sound = "sound" if not verifier.damages else f"{len(verifier.damages)} damages"
        print(f"{verifier.count} records of {len(journal.sandboxes)} sandboxes read: {sound}")
        return 1 if verifier.damages else 0
    else:
        print_overview(journal)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", help="the database file")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("sandboxes")
    commands.add_parser("show").add_argument("id")
    commands.add_parser("records")
    commands.add_parser("ledger").add_argument("--all", action="store_true")
    commands.add_parser("intents")
    commands.add_parser("verify")
    commands.add_parser("checkpoint").add_argument("--at", type=int)
    try:
        return run(parser.parse_args())
    except Unreadable as error:
        print(printable(str(error)), file=sys.stderr)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: of a damaged schema's names
        print(f"SQLite: {error}", file=sys.stderr)
    return 3


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main())
