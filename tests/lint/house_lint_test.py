#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants one violation of each house rule in a tree of its own and expects it to be found, and only it.

A linter that finds nothing looks exactly like clean code; this is what tells the two apart.
"""

import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house_lint  # noqa: E402

LICENSE = "// SPDX-License-Identifier: Apache-2.0\n"

# A tree that keeps every rule.
CLEAN = {
    "support/check.h": LICENSE,
    "journal/journal.h": LICENSE + '#include "support/check.h"\n',
    "journal/writer.cc": LICENSE + '#include <sqlite3.h>\n#include "holdfast/journal/v1/journal.pb.h"\n',
    "statemachine/model/state.h": LICENSE + "#include <chrono>\n",
    "statemachine/lifecycle/table.cc": LICENSE + "#include <boost/msm/back/state_machine.hpp>\n",
    "statemachine/planning/decide.cc": LICENSE + '#include "statemachine/model/state.h"\n',
    "drivers/driver.h": LICENSE + '#include "statemachine/model/state.h"\n',
    "drivers/process/driver.cc": LICENSE + '#include "drivers/driver.h"\n#include "support/check.h"\n',
    "extensions/extension.h": LICENSE,
    "extensions/ipam/extension.cc": LICENSE + '#include "extensions/extension.h"\n',
    "tools/gateway/main.cc": LICENSE + '#include <grpcpp/grpcpp.h>\n#include "drivers/driver.h"\n',
    "tests/golden/matrix.txt": "x\n",
    "tests/journal/writer_test.cc": LICENSE + '#include "journal/journal.h"\n'
                                    'void Prove() { EXPECT_EQ("}", Read("golden/matrix.txt")); }\n'
                                    "TEST(Writer, Writes) { Prove(); }\n",
    "docs/architecture.md": "# The house\n\n## Who may include whom\n\n[self](#who-may-include-whom)\n",
    "README.md": "[the house](docs/architecture.md#who-may-include-whom) [web](https://example.org)\n",
}


def findings(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**CLEAN, **changes}.items():
            file = pathlib.Path(root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("{root}", root), encoding="utf-8")
        return house_lint.lint(root)[1]


class HouseLint(unittest.TestCase):

    def expect(self, rule, path, text, line=None, others=None):
        found = findings({path: text, **(others or {})})
        self.assertEqual([rule], sorted({f.rule for f in found}), found)
        self.assertEqual({path}, {f.path for f in found}, found)
        if line is not None:
            self.assertEqual([line], [f.line for f in found], found)

    def test_accepts_a_clean_tree(self):
        self.assertEqual([], findings({}))

    def test_refuses_an_include_that_the_table_does_not_have(self):
        forbidden = {
            "support/a.cc": "journal/journal.h",
            "journal/a.cc": "statemachine/model/state.h",
            "statemachine/model/a.h": "journal/journal.h",
            "statemachine/lifecycle/a.cc": "drivers/driver.h",
            "statemachine/planning/a.cc": "journal/journal.h",
            "statemachine/codec/a.cc": "drivers/driver.h",
            "statemachine/engine/a.cc": "drivers/process/driver.h",
            "drivers/process/a.cc": "journal/journal.h",
            "drivers/docker/a.cc": "drivers/process/driver.h",
            "extensions/chain.cc": "extensions/ipam/extension.h",
            "extensions/ipam/a.cc": "drivers/driver.h",
            "extensions/env/a.cc": "extensions/ipam/extension.h",
            "tools/journal-cli/a.cc": "drivers/driver.h",
            "tools/journal-cli/b.cc": "tools/gateway/server.h",
            "tools/gateway/a.cc": "tests/support/temp_dir.h",
        }
        # So that each header exists and only the table can object.
        others = {header: LICENSE for header in forbidden.values()}
        for path, header in forbidden.items():
            with self.subTest(path=path, header=header):
                self.expect("include-table", path, LICENSE + f'#include "{header}"\n', 2, others)

    def test_refuses_a_file_outside_of_every_room(self):
        self.expect("include-table", "attic/old.cc", LICENSE)

    def test_refuses_includes_that_are_relative_or_missing(self):
        self.expect("include-path", "journal/a.cc", LICENSE + '#include "writer.h"\n', 2)
        self.expect("include-path", "journal/a.cc", LICENSE + '#include "journal/none.h"\n', 2)
        self.expect("include-path", "journal/a.cc", LICENSE + "#include <journal/journal.h>\n", 2)

    def test_confines_third_party_headers(self):
        for path, header in {
            "statemachine/engine/a.cc": "sqlite3.h",
            "statemachine/engine/b.cc": "grpcpp/grpcpp.h",
            "journal/a.cc": "grpcpp/grpcpp.h",
            "statemachine/model/a.cc": "google/protobuf/message.h",
            "statemachine/planning/a.cc": "boost/optional.hpp",
            "drivers/process/a.cc": "spdlog/spdlog.h",
            "journal/b.cc": "gtest/gtest.h",
        }.items():
            with self.subTest(path=path, header=header):
                self.expect("confined-header", path, LICENSE + f"#include <{header}>\n", 2)

    def test_refuses_a_second_file_with_msm(self):
        self.expect("one-msm-file", "statemachine/lifecycle/zz.cc",
                    LICENSE + "#include <boost/msm/front/state_machine_def.hpp>\n", 1)

    def test_keeps_pure_rooms_pure(self):
        self.expect("pure", "statemachine/planning/a.cc", LICENSE + "#include <thread>\n", 2)
        self.expect("pure", "statemachine/planning/a.cc",
                    LICENSE + "auto t = std::chrono::system_clock::now();\n", 2)

    def test_refuses_headers_that_the_compiler_lacks(self):
        for header in ("format", "expected"):
            self.expect("absent-header", "journal/a.cc", LICENSE + f"#include <{header}>\n", 2)

    def test_asks_for_the_license_line(self):
        for path in ("journal/a.cc", "journal/CMakeLists.txt", "proto/a.proto", "tools/a.sh"):
            with self.subTest(path=path):
                self.expect("license-line", path, "\n\n", 1)

    def test_refuses_names_that_say_nothing(self):
        self.expect("banned-name", "journal/journal_" + "util.cc", LICENSE, 1)
        self.expect("banned-name", "journal/a.h", LICENSE + "class Lane" + "Manager {};\n", 2)

    def test_refuses_names_of_workplaces(self):
        self.expect("workplace", "README.md", "see {root}/journal\n", 1)
        self.expect("workplace", "README.md", "see /ho" + "me/ann/journal\n", 1)
        self.expect("workplace", "README.md", "fixes iss" + "ue 12\n", 1)

    def test_refuses_a_test_that_asserts_nothing(self):
        self.expect("test-without-assertion", "tests/journal/a_test.cc",
                    LICENSE + "// EXPECT_EQ(1, 1);\nTEST(A, DoesNothing) {\n  Run(\"EXPECT_TRUE(x)\");\n}\n", 3)

    def test_refuses_a_silent_skip(self):
        self.expect("silent-skip", "tests/journal/a_test.cc",
                    LICENSE + "TEST(A, Skips) {\n  if (x) GTEST_" + "SKIP();\n  EXPECT_TRUE(y);\n}\n", 3)

    def test_refuses_a_golden_file_that_nobody_reads(self):
        self.expect("unused-golden", "tests/golden/forgotten.txt", "x\n")

    def test_asks_each_failpoint_to_be_where_it_belongs(self):
        header = {"support/failpoint.h": LICENSE + '  X(kJournalBeforeCommit, "x")\n'}
        use = LICENSE + "HF_FAILPOINT(kJournalBeforeCommit);\n"

        self.assertEqual([], findings({**header, "journal/a.cc": use}))
        self.expect("failpoint", "support/failpoint.h", header["support/failpoint.h"], 2)
        self.expect("failpoint", "drivers/process/a.cc", use, 2, {**header, "journal/a.cc": use})

    def test_refuses_dead_links(self):
        self.expect("dead-link", "docs/a.md", "[x](none.md)\n", 1)
        self.expect("dead-link", "docs/a.md", "[x](architecture.md#none)\n", 1)
        self.expect("dead-link", "journal/a.h", LICENSE + "// see docs/none.md\n", 2)

    def test_holds_the_traps_to_their_tests(self):
        row = {"docs/traps.md": "| 3 | x | y | `tests/journal` |\n"}
        test = LICENSE + "TEST(Trap03Swallowed, IsTold) { EXPECT_TRUE(x); }\n"

        self.assertEqual([], findings({**row, "tests/journal/a_test.cc": test}))
        self.expect("trap", "docs/traps.md", row["docs/traps.md"], 1)
        self.expect("trap", "docs/traps.md", "none\n", 1, {"tests/journal/a_test.cc": test})

    def test_ends_with_an_error_and_a_line_for_each_finding(self):
        with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(io.StringIO()) as out:
            pathlib.Path(root, "attic").mkdir()
            pathlib.Path(root, "attic/a.cc").write_text(LICENSE, encoding="utf-8")
            sys.argv = ["house_lint.py", "--root", root]
            self.assertEqual(1, house_lint.main())
        self.assertIn("attic/a.cc:1: include-table: ", out.getvalue())


if __name__ == "__main__":
    unittest.main()
