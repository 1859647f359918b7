#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that no compiler checks: who may include whom, and what a file must not hold.

Each rule is a function that yields findings; a finding is printed as `file:line: rule: reason` and the
program ends with 1. docs/architecture.md section "Rooms" is the law that INCLUDE_TABLE spells out.

    house_lint.py [--root DIR]
"""

import argparse
import collections
import os
import pathlib
import re
import sys

Finding = collections.namedtuple("Finding", "path line rule reason")

SKIPPED_DIRECTORIES = re.compile(r"^(build.*|__pycache__|\.(?!ci$|github$).*)$")
CODE = (".h", ".cc")
# Rooms hold code; the first part of an include path that is one of these is an include of ours.
ROOMS = ("support", "journal", "statemachine", "drivers", "extensions", "tools", "tests")


class Tree:
    """All files of the source tree, read once."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.texts = {}  # path relative to the root, with '/', to text
        self.binary = set()
        for directory, names, files in os.walk(self.root):
            names[:] = sorted(n for n in names if not SKIPPED_DIRECTORIES.match(n))
            for name in sorted(files):
                path = pathlib.Path(directory, name)
                relative = path.relative_to(self.root).as_posix()
                try:
                    self.texts[relative] = path.read_text(encoding="utf-8")
                except (UnicodeDecodeError, FileNotFoundError):
                    self.binary.add(relative)

    def code(self):
        """What is in a room. Examples are in none: they include what is installed, as a user would."""
        return {p: t for p, t in self.texts.items() if p.endswith(CODE) and not p.startswith("examples/")}

    def exists(self, relative):
        return (self.root / relative).exists()


def lines(text):
    return enumerate(text.splitlines(), start=1)


# --- who may include whom -------------------------------------------------------------------------

# Room, as a path prefix: what it may include, as path prefixes, and why nothing else. The longest
# matching room counts. {own} is the part of the path after the room's prefix: the driver's,
# extension's or program's own folder. Everybody may include support/ and itself.
Row = collections.namedtuple("Row", "may why")
INCLUDE_TABLE = {
    "support/": Row([], "support is below every room and knows none"),
    "journal/": Row(
        ["holdfast/journal/"],
        "the journal is a library of its own: it knows records and bytes and interprets no event"),
    "statemachine/model/": Row([], "the model is the vocabulary: it depends on nobody"),
    "statemachine/lifecycle/": Row(
        ["statemachine/model/"], "the law of the lifecycle is pure and knows only the model"),
    "statemachine/planning/": Row(
        ["statemachine/model/", "statemachine/lifecycle/"],
        "planning is pure: it decides about the model and touches nothing"),
    "statemachine/codec/": Row(
        ["statemachine/model/", "journal/", "holdfast/journal/", "holdfast/lifecycle/"],
        "the codec stands between model and journal and knows only these two"),
    "statemachine/engine/": Row(
        ["statemachine/model/", "statemachine/lifecycle/", "statemachine/planning/",
         "statemachine/codec/", "journal/", "drivers/driver.h", "extensions/extension.h",
         "extensions/chain.h"],
        "the engine knows contracts only, never a backend, an extension or the wire"),
    "drivers/": Row(
        ["statemachine/model/"], "the driver contract and what drivers share know only the model"),
    "drivers/*/": Row(
        ["drivers/driver.h", "drivers/common/", "statemachine/model/", "holdfast/driver/",
         "openshell/"],
        "a driver never sees the journal, the engine, an extension or another driver"),
    "extensions/": Row(
        ["statemachine/model/", "holdfast/extension/"],
        "the extension contract and the chain know only the model"),
    "extensions/*/": Row(
        ["extensions/extension.h", "extensions/common/", "statemachine/model/",
         "holdfast/extension/", "holdfast/driver/"],
        "an extension never sees the journal, the engine, a driver or another extension"),
    "tools/": Row(
        ["journal/", "statemachine/model/", "statemachine/lifecycle/", "statemachine/planning/",
         "statemachine/codec/", "holdfast/", "tools/views/", "tools/client/"],
        "a tool reads the journal or talks to the gateway; it never runs anything itself"),
    "tools/gateway/": Row(
        ["journal/", "statemachine/", "drivers/", "extensions/", "holdfast/", "openshell/",
         "tools/views/", "tools/client/"],
        "the gateway composes everything but tests"),
    "tests/": Row([""], ""),
}

# Third-party headers that only some rooms may see.
Confined = collections.namedtuple("Confined", "header rooms why")
CONFINED = [
    Confined(r"sqlite3\.h", ["journal/", "tests/"], "only the journal knows how it is stored"),
    Confined(r"grpc(pp|\+\+)?/|.*\.grpc\.pb\.h",
             ["tools/", "tests/", "drivers/external/", "extensions/remote/"],
             "the wire ends at the programs"),
    Confined(r"google/protobuf/|.*\.pb\.h",
             ["journal/", "statemachine/codec/", "drivers/", "extensions/", "tools/", "tests/"],
             "bytes are the codec's and the edges' concern"),
    Confined(r"boost/(?!asio)", ["statemachine/lifecycle/"], "Boost.MSM is for the transition table alone"),
    Confined(r"boost/asio", ["statemachine/engine/", "drivers/", "tools/", "tests/"],
             "what waits for the world lives in the engine and at the edges"),
    Confined(r"spdlog/", ["tools/", "statemachine/engine/", "tests/"],
             "libraries return statuses; programs log"),
    Confined(r"(gtest|gmock|benchmark|rapidcheck)(/|\.h)", ["tests/"], "production code knows no tests"),
]

# Calls and headers that would make a pure room impure.
PURE_ROOMS = ("statemachine/model/", "statemachine/lifecycle/", "statemachine/planning/",
              "statemachine/codec/")
IMPURE_HEADERS = {"thread", "mutex", "shared_mutex", "condition_variable", "future", "atomic",
                  "random", "fstream", "iostream", "filesystem", "ctime", "time.h", "unistd.h",
                  "fcntl.h", "sys/stat.h"}
IMPURE_CALLS = re.compile(r"_clock::now\b|\bgettimeofday\(|\bstd::time\(|\btime\((nullptr|NULL|0)\)|"
                          r"\brand\(\)|\bgetenv\(|\babsl::Now\(")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def row_of(path):
    """The longest room of the table that holds the path, and its own prefix."""
    best = None
    for room in INCLUDE_TABLE:
        pattern = "^" + re.escape(room).replace(r"\*", "[^/]+")
        match = re.match(pattern, path)
        if match and (best is None or room.count("/") > best[0].count("/")):
            best = (room, match.group(0))
    return best


def is_own(path, header):
    """A file may include its own room; in tools its own folder. The contracts of drivers and
    extensions lie beside folders that they must not know."""
    room, prefix = row_of(path)
    if room == "tools/":
        prefix = "/".join(path.split("/")[:2]) + "/"
    if room in ("drivers/", "extensions/"):
        return os.path.dirname(path) == os.path.dirname(header)
    return header.startswith(prefix)


def includes_of(text):
    for number, line in lines(text):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_include_table(tree):
    for path, text in tree.code().items():
        found = row_of(path)
        if found is None:
            yield Finding(path, 1, "include-table", "is in no room; see docs/architecture.md")
            continue
        room, _ = found
        row = INCLUDE_TABLE[room]
        for number, quote, header in includes_of(text):
            first = header.split("/")[0]
            ours = "/" in header and (first in ROOMS or first in ("holdfast", "openshell"))
            if not ours:
                if quote == '"' and "/" not in header:
                    yield Finding(path, number, "include-path",
                                  f'"{header}": ours are included with their full path from the root')
                continue
            if quote == "<":
                yield Finding(path, number, "include-path", f"<{header}>: ours are included in quotes")
            if first in ROOMS and not tree.exists(header):
                yield Finding(path, number, "include-path", f'"{header}" does not exist')
            if first == "tests" and not path.startswith("tests/"):
                yield Finding(path, number, "include-table",
                              f'"{header}": production code knows no tests')
                continue
            may = ("support/", *row.may)
            if not is_own(path, header) and not header.startswith(may):
                yield Finding(path, number, "include-table", f'"{header}": {row.why}')


def check_confined_headers(tree):
    for path, text in tree.code().items():
        for number, _, header in includes_of(text):
            for rule in CONFINED:
                if re.match(rule.header, header) and not path.startswith(tuple(rule.rooms)):
                    yield Finding(path, number, "confined-header", f"<{header}>: {rule.why}")


def check_msm_in_one_file(tree):
    users = [(p, n) for p, t in tree.code().items() for n, _, h in includes_of(t)
             if h.startswith("boost/msm/")]
    for path, number in users:
        if not path.endswith(".cc"):
            yield Finding(path, number, "one-msm-file", "Boost.MSM in a header is paid for by everybody")
    files = sorted({p for p, _ in users})
    for path in files[1:]:
        yield Finding(path, 1, "one-msm-file", f"{files[0]} already includes Boost.MSM; one file only")


def check_purity(tree):
    for path, text in tree.code().items():
        if not path.startswith(PURE_ROOMS):
            continue
        for number, quote, header in includes_of(text):
            if quote == "<" and header in IMPURE_HEADERS:
                yield Finding(path, number, "pure", f"<{header}>: no I/O, clock, thread or randomness here")
        for number, line in lines(text):
            if IMPURE_CALLS.search(line.split("//")[0]):
                yield Finding(path, number, "pure", "time and chance reach this room inside its inputs")


def check_absent_headers(tree):
    for path, text in tree.code().items():
        for number, _, header in includes_of(text):
            if header in ("format", "expected"):
                yield Finding(path, number, "absent-header",
                              f"<{header}> is not in g++ 12's C++20; use fmt or absl::StatusOr")


# --- what files and names look like ---------------------------------------------------------------

LICENSED = (".h", ".cc", ".proto", ".cmake", ".py", ".sh", ".toml")
LICENSED_NAMES = ("CMakeLists.txt", "Makefile")
SPDX = "SPDX-License-Identifier: Apache-2.0"


def check_license_line(tree):
    for path, text in tree.texts.items():
        if not (path.endswith(LICENSED) or path.split("/")[-1] in LICENSED_NAMES or path == ".ci/run"):
            continue
        first = text.splitlines()[:2] + ["", ""]
        if SPDX not in (first[1] if first[0].startswith("#!") else first[0]):
            yield Finding(path, 1, "license-line", f'the first line is "{SPDX}"')


BANNED_WORDS = {"manager", "helper", "helpers", "util", "utils", "utility", "utilities"}
TYPE = re.compile(r"^\s*(?:class|struct|enum(?:\s+(?:class|struct))?|using|message|service)\s+(\w+)")


def words_of(name):
    return {w.lower() for part in re.split(r"[_\-.]", name)
            for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", part)}


def check_banned_names(tree):
    why = "is a word for things that have no name yet; say what it does"
    for path, text in tree.texts.items():
        if not path.endswith(CODE + (".proto", ".py", ".sh", ".cmake")):
            continue
        for part in path.split("/"):
            for word in sorted(words_of(part) & BANNED_WORDS):
                yield Finding(path, 1, "banned-name", f'"{word}" in the file\'s name {why}')
        if path.endswith(CODE + (".proto",)):
            for number, line in lines(text):
                match = TYPE.match(line)
                for word in sorted(words_of(match.group(1)) & BANNED_WORDS if match else ()):
                    yield Finding(path, number, "banned-name", f'"{word}" in {match.group(1)} {why}')


COMMON_TOP_DIRECTORIES = {"/", "/tmp", "/usr", "/var", "/srv", "/opt", "/mnt"}
HOME = re.compile(r"(?<![\w./:$}-])/(?:home|root|Users)/[\w.]+")
TRACKER = re.compile(r"\b(?:issue|ticket|pull request|PR)s?\s+#?\d+\b", re.IGNORECASE)


def check_workplaces(tree):
    """The tree must read the same wherever it was written."""
    here = [str(tree.root)]
    top = "/" + tree.root.parts[1] if len(tree.root.parts) > 1 else "/"
    if top not in COMMON_TOP_DIRECTORIES and not re.match("/(home|root|Users)$", top):
        here.append(top + "/")
    for path, text in tree.texts.items():
        if path == "LICENSE":
            continue
        for number, line in lines(text):
            for place in here:
                if re.search(r"(?<![\w./-])" + re.escape(place) + r"(?![\w-])|" +
                             r"(?<![\w./-])" + re.escape(place.rstrip("/")) + r"/\w", line):
                    yield Finding(path, number, "workplace", "names the directory this tree was written in")
                    break
            if HOME.search(line) and not path.startswith("tests/"):  # made-up ones are test data
                yield Finding(path, number, "workplace", "names somebody's home directory")
            if TRACKER.search(line):
                yield Finding(path, number, "workplace",
                              "names a tracker's number, which readers of the source cannot open; say what it is about")


# --- tests ----------------------------------------------------------------------------------------

TEST_CASE = re.compile(r"^[ \t]*(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)"
                       r"\s*\(\s*(\w+)\s*,\s*(\w+)", re.MULTILINE)
ASSERTION = re.compile(r"\b(?:EXPECT_\w+|ASSERT_\w+|RC_ASSERT\w*|RC_FAIL|HF_ASSERT_\w+|FAIL|ADD_FAILURE|ADD_FAILURE_AT|"
                       r"GTEST_FAIL|RC_LOG_ASSERT)\s*\(|\brc::check\s*\(")
FUNCTION = re.compile(r"\b([A-Za-z_]\w*)\s*\(([^;{}]*)\)\s*(?:(?:const|noexcept|override|final)\s*|->\s*[^;{}]*)*\{")
NOT_FUNCTIONS = {"if", "for", "while", "switch", "catch", "return", "sizeof", "TEST", "TEST_F", "TEST_P"}
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*(?:<[^;(){}]*>)?\s*\(")


def body_at(text, start):
    """From the first '{' at or after start to its matching '}'."""
    begin = text.find("{", start)
    depth = 0
    for i in range(begin, len(text)):
        if text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return text[begin:i + 1]
    return text[begin:]


BLANKED = re.compile(r'R"(?P<tag>\w*)\((?:.|\n)*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*(?:.|\n)*?\*/')


def without_strings_and_comments(text):
    """The same text with the same lines, so that braces in strings and words in comments do not count."""
    return BLANKED.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def check_tests_assert(tree):
    tests = {p: without_strings_and_comments(t) for p, t in tree.code().items() if p.startswith("tests/")}
    bodies = [(m.group(1), body_at(t, m.end() - 1)) for t in tests.values() for m in FUNCTION.finditer(t)
              if m.group(1) not in NOT_FUNCTIONS]
    asserting = set()
    while True:  # a function asserts when it, or one that it calls, does
        more = {name for name, body in bodies if name not in asserting and
                (ASSERTION.search(body) or set(CALL.findall(body)) & asserting)}
        if not more:
            break
        asserting |= more
    for path, text in tests.items():
        for match in TEST_CASE.finditer(text):
            body = body_at(text, match.end())
            if not ASSERTION.search(body) and not set(CALL.findall(body)) & asserting:
                yield Finding(path, text.count("\n", 0, match.start()) + 1, "test-without-assertion",
                              f"{match.group(1)}.{match.group(2)} can only fail by crashing")


def check_skips_say_why(tree):
    for path, text in tree.code().items():
        for number, line in lines(text):
            if path.startswith("tests/") and re.search(r"\bGTEST_SKIP\(\)\s*;", line):
                yield Finding(path, number, "silent-skip", "a skip says loudly why and what to install")


def check_goldens_are_used(tree):
    """A golden file that no test reads proves nothing."""
    sources = "\n".join(t for p, t in tree.texts.items()
                        if p.startswith("tests/") and p.endswith(CODE + (".py", ".sh", "CMakeLists.txt")))
    for path in sorted(set(tree.texts) | tree.binary):
        parts = path.split("/")
        if parts[0] != "tests" or "golden" not in parts[:-1] or path.endswith(".md"):
            continue
        name = parts[-1]
        stem = name.split(".")[0]
        folder = "/".join(parts[parts.index("golden"):-1]) + "/"
        by_name = re.search(r'["/\w]*\b' + re.escape(name) + r'"', sources)
        by_stem = re.search(r'"' + re.escape(stem) + r'"', sources)
        # A test that walks a whole folder names it with its '/': "golden/cli/".
        by_folder = folder != "golden/" and folder in sources
        if not (by_name or by_stem or by_folder):
            yield Finding(path, 1, "unused-golden", "no test names this golden file; remove it or test it")


# --- failpoints -----------------------------------------------------------------------------------

FAILPOINT_ROOMS = {"kJournal": "journal/", "kArchive": "journal/", "kEngine": "statemachine/engine/",
                   "kProcess": "drivers/process/", "kIpam": "extensions/ipam/"}


def check_failpoints(tree):
    header = "support/failpoint.h"
    if header not in tree.texts:
        return
    listed = {m.group(1): n for n, line in lines(tree.texts[header])
              for m in [re.match(r"\s*X\((k\w+)\s*,", line)] if m}
    uses = collections.defaultdict(list)
    for path, text in tree.code().items():
        for number, line in lines(text):
            for name in re.findall(r"\bHF_FAILPOINT\((k\w+)\)", line):
                uses[name].append((path, number))
    for name, number in listed.items():
        rooms = [room for prefix, room in FAILPOINT_ROOMS.items() if name.startswith(prefix)]
        if not rooms:
            yield Finding(header, number, "failpoint", f"{name} belongs to no room; add it to FAILPOINT_ROOMS")
            continue
        if not any(path.startswith(rooms[0]) for path, _ in uses[name]):
            yield Finding(header, number, "failpoint",
                          f"{name} is nowhere in {rooms[0]}; a sweep over it proves nothing")
        for path, line in uses[name]:
            if not path.startswith((rooms[0], "tests/")):
                yield Finding(path, line, "failpoint", f"{name} belongs into {rooms[0]}")


# --- documents ------------------------------------------------------------------------------------

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
DOCUMENT = re.compile(r"(?<![\w/.-])((?:docs|examples)/[\w./-]+\.\w+)")


def anchors_of(text):
    seen = collections.Counter()
    fenced = False
    for _, line in lines(text):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        match = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if match and not fenced:
            slug = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", match.group(1)).lower()).replace(" ", "-")
            yield slug if not seen[slug] else f"{slug}-{seen[slug]}"
            seen[slug] += 1


def check_document_links(tree):
    for path, text in tree.texts.items():
        if not path.endswith(".md"):
            continue
        fenced = False
        for number, line in lines(text):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            if fenced:
                continue
            for match in LINK.finditer(line):
                target = match.group(1) or match.group(2)
                if re.match(r"[a-z][a-z0-9+.-]*:", target):
                    continue
                file, _, anchor = target.partition("#")
                resolved = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                if not tree.exists(resolved):
                    yield Finding(path, number, "dead-link", f"{target} does not exist")
                elif anchor and resolved in tree.texts and anchor not in set(anchors_of(tree.texts[resolved])):
                    yield Finding(path, number, "dead-link", f"{resolved} has no heading #{anchor}")


def check_named_documents(tree):
    """Sources send readers to documents; those must be there."""
    for path, text in tree.texts.items():
        if path.startswith("tests/lint/") or not path.endswith(LICENSED + (".md", "CMakeLists.txt", "Makefile")):
            continue
        for number, line in lines(text):
            for named in DOCUMENT.findall(line):
                beside = os.path.join(os.path.dirname(path), named)
                if not tree.exists(named) and not tree.exists(beside):
                    yield Finding(path, number, "dead-link", f"{named} does not exist")


TRAP_ROW = re.compile(r"\| (\d+) \|.*\| ([^|]*) \|$")


def check_traps(tree):
    """docs/traps.md says where each trap is played; a test whose name has its number must be there."""
    document = "docs/traps.md"
    if document not in tree.texts:
        return
    played = collections.defaultdict(set)
    for path, text in tree.code().items():
        for number in re.findall(r"\bTrap(\d\d)", text) if path.startswith("tests/") else ():
            played[int(number)].add(path)
    listed = set()
    for number, line in lines(tree.texts[document]):
        match = TRAP_ROW.match(line)
        if not match:
            continue
        trap = int(match.group(1))
        listed.add(trap)
        for room in re.findall(r"`([^`]+)`", match.group(2)):
            if room != "tests/scenario" and not any(p.startswith(room + "/") for p in played[trap]):
                yield Finding(document, number, "trap", f"no test named Trap{trap:02} is in {room}")
    for trap in sorted(set(played) - listed):
        yield Finding(document, 1, "trap", f"Trap{trap:02} has tests and no row")


RULES = [check_include_table, check_confined_headers, check_msm_in_one_file, check_purity,
         check_absent_headers, check_license_line, check_banned_names, check_workplaces,
         check_tests_assert, check_skips_say_why, check_goldens_are_used, check_failpoints,
         check_document_links, check_named_documents,
         check_traps]


def lint(root):
    tree = Tree(root)
    findings = [finding for rule in RULES for finding in rule(tree)]
    return len(tree.texts) + len(tree.binary), sorted(set(findings))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    files, findings = lint(parser.parse_args().root)
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.rule}: {finding.reason}")
    print(f"house lint: {files} files, {len(findings)} findings")
    return 1 if findings or not files else 0


if __name__ == "__main__":
    sys.exit(main())
