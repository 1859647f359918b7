#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""examples/read_journal.py reads what the journal library wrote, and reads of it the same.

    python_reader_test.py READER SAMPLES MAKE_SAMPLE [unittest's arguments]

READER is the program under test, SAMPLES the directory of tests/data/journals, MAKE_SAMPLE the program that
writes a sample with the library as it is now.
"""

import gzip
import importlib.util
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

READER, SAMPLES, MAKE_SAMPLE = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])


def load_reader():
    spec = importlib.util.spec_from_file_location("read_journal", READER)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


reader = load_reader()


def unpack(sample, directory):
    for packed in sorted(sample.rglob("*.gz")):
        target = directory / packed.relative_to(sample).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.decompress(packed.read_bytes()))
    return directory / "journal.db"


def dump(journal):
    """What DumpAll() of tests/journal/sample.cc writes."""
    sandboxes = journal.sandboxes
    lines = []
    for record in journal.records():
        lines.append(f"record {record.position} {sandboxes[record.sandbox].id} {record.sequence} {record.epoch} "
                     f"{record.time_unix_ms} {record.kind} {record.type} {record.payload.hex()}")
    for sandbox in sorted(sandboxes.values(), key=lambda s: reader.encode(s.id)):
        lines.append(f"sandbox {sandbox.id} {sandbox.sequence} {sandbox.position} {sandbox.state} "
                     f"{'true' if sandbox.live else 'false'} {sandbox.summary.hex()}")
    holdings = journal.holdings
    for _, row in sorted(holdings.open.items()):
        lines.append(f"open {sandboxes[row.sandbox].id} {row.intent} {row.position} {row.key} {row.participant} "
                     f"{row.action} {row.time_unix_ms}")
    for _, row in sorted(holdings.ledger.items()):
        lines.append(f"ledger {sandboxes[row.sandbox].id} {row.participant} {row.kind} {row.name} {row.handle} "
                     f"{row.status} {row.intent} {row.key} {row.since_unix_ms}")
    snapshots, sealed = journal.snapshots(), journal.sealed()
    for sandbox in sorted(sandboxes.values(), key=lambda s: reader.encode(s.id)):
        if sandbox.key in snapshots:
            sequence, fold = snapshots[sandbox.key]
            lines.append(f"snapshot {sandbox.id} {sequence} {fold.hex()}")
        if sandbox.key in sealed:
            lines.append(f"sealed {sandbox.id} {sealed[sandbox.key].hex()}")
    return "".join(line + "\n" for line in lines)


def run(*arguments):
    return subprocess.run([sys.executable, "-B", READER, *arguments], capture_output=True, text=True, check=False)


class PythonReader(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        """What the library writes now, in each way that a journal can be left."""
        temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temp.cleanup)
        cls.made = pathlib.Path(temp.name) / "made"
        for end in ("closed", "killed", "archived", "segments"):
            subprocess.run([MAKE_SAMPLE, "all", end, cls.made / end], check=True)

    def setUp(self):
        self.temp = tempfile.TemporaryDirectory()
        self.addCleanup(self.temp.cleanup)
        self.directory = pathlib.Path(self.temp.name)

    def samples(self):
        """Each that is kept, and those that the library writes now: name, path of the journal, dump."""
        kept = sorted(path for path in SAMPLES.glob("v*/*") if path.is_dir())
        self.assertTrue(kept)
        for sample in kept + sorted(self.made.iterdir()):
            directory = self.directory / "unpacked" / sample.parent.name / sample.name
            yield f"{sample.parent.name}/{sample.name}", unpack(sample, directory), (
                sample / "dump.txt").read_text("utf-8")

    def checkpoints(self, name):
        """The lines that were kept with the sample of that name."""
        for root in (SAMPLES, self.made.parent):
            if (root / name).exists():
                lines = (root / name / "checkpoints.txt").read_text().splitlines(keepends=True)
                self.assertEqual(len(lines), 2, name)
                return lines
        raise FileNotFoundError(name)

    def segments(self):
        """A journal with a segment in each state, as the library leaves it now: its path."""
        return unpack(self.made / "segments", self.directory / "with segments")

    def sample(self):
        return unpack(sorted(SAMPLES.glob("v*"))[-1] / "closed", self.directory / "one")

    def test_reads_what_the_library_reads(self):
        for name, path, golden in self.samples():
            self.assertEqual(dump(reader.Journal(path)), golden, name)

    def test_finds_every_sandbox_by_its_back_pointers(self):
        for name, path, _ in self.samples():
            journal = reader.Journal(path)
            sandboxes = journal.sandboxes
            found = [record for sandbox in sandboxes.values() for record in journal.records_of(sandbox)]
            self.assertEqual(sorted(record.position for record in found),
                             [record.position for record in journal.records()], name)

    def test_calls_what_the_library_wrote_sound(self):
        for name, path, _ in self.samples():
            ran = run(path, "verify")
            self.assertEqual((ran.returncode, ran.stderr), (0, ""), f"{name}: {ran.stdout}")
            self.assertIn("read: sound", ran.stdout)

    def test_makes_the_same_checkpoints(self):
        for name, path, _ in self.samples():
            for kept in self.checkpoints(name):
                self.assertEqual(run(path, "checkpoint", "--at", kept.split()[2]).stdout, kept, name)

    def test_changes_nothing(self):
        for name, path, _ in self.samples():
            before = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
            run(path, "verify")
            for file, data in before.items():
                self.assertTrue(file.read_bytes() == data, f"{name}: {file}")

    def test_makes_no_file_beside_a_database_that_was_copied_alone(self):
        path = self.sample()
        for side in ("-wal", "-shm"):
            pathlib.Path(f"{path}{side}").unlink(missing_ok=True)

        self.assertEqual(run(path, "verify").returncode, 0)

        self.assertEqual([file.name for file in path.parent.iterdir()], ["journal.db"])

    def test_answers_every_command(self):
        path = self.sample()
        for command in (["sandboxes"], ["show", "takes over"], ["records"], ["ledger"], ["ledger", "--all"],
                        ["intents"], ["checkpoint"], []):
            ran = run(path, *command)
            self.assertEqual((ran.returncode, ran.stderr), (0, ""), command)
            self.assertTrue(ran.stdout.strip(), command)
        self.assertLess(len(run(path, "ledger").stdout), len(run(path, "ledger", "--all").stdout))

    def test_finds_a_change_in_any_column_of_a_record(self):
        path = self.sample()
        for column in ("sandbox", "sequence", "previous", "epoch", "time_unix_ms", "kind", "checksum", "type",
                       "hash", "payload"):
            with self.subTest(column=column):
                with sqlite3.connect(path) as db:
                    old = db.execute(f"SELECT {column} FROM records WHERE position = 20").fetchone()[0]
                    new = old + 1 if isinstance(old, int) else old[:-1] + old[:1]
                    db.execute(f"UPDATE records SET {column} = ? WHERE position = 20", (new,))
                ran = run(path, "verify")
                self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
                self.assertIn("position 20", ran.stdout)
                with sqlite3.connect(path) as db:
                    db.execute(f"UPDATE records SET {column} = ? WHERE position = 20", (old,))
        self.assertEqual(run(path, "verify").returncode, 0)

    def test_finds_a_missing_record_and_a_false_projection(self):
        for change in ("DELETE FROM records WHERE position = 20", "UPDATE ledger SET handle = 'other'",
                       "DELETE FROM open_intents", "UPDATE sandboxes SET live = 1 - live",
                       "UPDATE heads SET sequence = sequence + 1", "DELETE FROM heads"):
            with self.subTest(change=change):
                path = self.sample()
                with sqlite3.connect(path) as db:
                    db.execute(change)
                self.assertEqual(run(path, "verify").returncode, 1)

    def test_knows_each_state_of_a_segment(self):
        journal = reader.Journal(self.segments())
        states = {segment.state: segment for segment in journal.segments}
        self.assertEqual(sorted(states), [1, 2, 3])
        self.assertIsNone(states[3].opened)
        twice = {record.position for record in states[1].opened.records()} & {
            record.position for record in journal.hot.records()}
        self.assertTrue(0 < len(twice) < states[1].records, "some are removed, some are not")
        positions = [record.position for record in journal.records()]
        self.assertEqual(len(positions), len(set(positions)))

    def test_reads_a_sandbox_that_is_being_moved_once(self):
        journal = reader.Journal(self.segments())
        moved = next(sandbox for sandbox in journal.sandboxes.values() if sandbox.id == "being moved")
        self.assertEqual([record.sequence for record in journal.records_of(moved)],
                         list(range(1, moved.sequence + 1)))

    def test_reads_both_lives_of_a_sandbox_that_came_back(self):
        ran = run(self.segments(), "show", "kept and back")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertEqual([line.split()[1] for line in ran.stdout.splitlines()], [f"#{i}" for i in range(1, 7)])

    def test_reads_the_same_however_much_is_removed(self):
        path = self.segments()
        before = dump(reader.Journal(path))
        with sqlite3.connect(path) as db:
            first, last = db.execute("SELECT first_position, last_position FROM segments WHERE state = 1").fetchone()
            removed = db.execute("DELETE FROM records WHERE position BETWEEN ? AND ? AND sandbox NOT IN "
                                 "(SELECT key FROM sandboxes)", (first, last)).rowcount
        self.assertGreater(removed, 0)
        self.assertEqual(dump(reader.Journal(path)), before)
        self.assertEqual(run(path, "verify").returncode, 0)

    def test_does_not_know_what_has_expired(self):
        path = self.segments()
        self.assertIn("removed for its age", run(path).stdout)
        self.assertEqual(run(path, "show", "thrown away").returncode, 3)
        self.assertEqual(run(path, "verify").returncode, 0)

    def test_finds_a_change_in_the_archive(self):
        for change in ("UPDATE records SET payload = x'00' WHERE position = (SELECT max(position) FROM records)",
                       "DELETE FROM records WHERE position = (SELECT max(position) FROM records)",
                       "UPDATE heads SET sequence = sequence + 1", "DELETE FROM sandboxes",
                       "UPDATE ledger SET handle = 'other'"):
            with self.subTest(change=change):
                path = self.segments()
                segment = min(path.with_name("journal.db.archive").iterdir())
                with sqlite3.connect(segment) as db:
                    db.execute(change)
                self.assertEqual(run(path, "verify").returncode, 1)

    def test_finds_a_change_in_what_is_said_of_the_archive(self):
        for change in ("UPDATE segments SET digest = zeroblob(32) WHERE state = 2",
                       "UPDATE segments SET records = records + 1 WHERE state = 3",
                       "UPDATE segments SET state = 3 WHERE state = 2"):
            with self.subTest(change=change):
                path = self.segments()
                with sqlite3.connect(path) as db:
                    db.execute(change)
                self.assertEqual(run(path, "verify").returncode, 1)

    def test_names_a_segment_that_is_missing_or_another_one(self):
        for bytes_there in (None, b"", b"not a segment" * 100):
            path = self.segments()
            segment = min(path.with_name("journal.db.archive").iterdir())
            segment.unlink()
            if bytes_there is not None:
                segment.write_bytes(bytes_there)
            ran = run(path)
            self.assertEqual(ran.returncode, 3, ran.stdout)
            self.assertIn(segment.name, ran.stderr)

    def test_refuses_what_it_cannot_read(self):
        path = self.sample()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        before = path.read_bytes()
        self.assertIn("format version 99", run(path).stderr)
        self.assertEqual(run(path).returncode, 3)
        self.assertEqual(path.read_bytes(), before)
        for text in (b"", b"not a journal" * 100):
            path.write_bytes(text)
            self.assertEqual(run(path).returncode, 3)
        self.assertEqual(run(path.with_name("none")).returncode, 3)

    def test_says_that_there_is_no_such_sandbox(self):
        self.assertEqual(run(self.sample(), "show", "nobody").returncode, 3)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
