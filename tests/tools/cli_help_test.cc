// SPDX-License-Identifier: Apache-2.0
//
// What people read first. A change of a help text shows in review as a change of a file.
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/cli_fixture.h"
#include "tools/holdfast/run.h"
#include "tools/journal-cli/run.h"

namespace holdfast::testing {
namespace {

class JournalCliHelp : public ::testing::TestWithParam<const char*> {};

void ExpectHelp(Program program, const std::string& name, const std::string& verb) {
  const Result result =
      verb.empty() ? RunProgram(program, {"--help"}) : RunProgram(program, {verb, "--help"});

  EXPECT_EQ(result.code, client::kExitOk);
  EXPECT_EQ(result.err, "");
  ExpectGolden(name + (verb.empty() ? "" : "_" + verb) + "_help.txt", result.out);
}

TEST_P(JournalCliHelp, IsAsInItsGoldenFile) {
  ExpectHelp(journal_cli::Run, "journal-cli", GetParam());
}
INSTANTIATE_TEST_SUITE_P(Verbs, JournalCliHelp,
                         ::testing::Values("", "ls", "show", "why", "leaks", "ledger", "verify",
                                           "graph", "status", "checkpoint", "backup", "restore",
                                           "key", "archive"));

class HoldfastHelp : public ::testing::TestWithParam<const char*> {};
TEST_P(HoldfastHelp, IsAsInItsGoldenFile) { ExpectHelp(command_line::Run, "holdfast", GetParam()); }
INSTANTIATE_TEST_SUITE_P(Verbs, HoldfastHelp,
                         ::testing::Values("", "create", "start", "stop", "delete", "get", "ls",
                                           "watch", "repair", "status"));

TEST(CommandLine, SaysItsNameAndVersionInOneLine) {
  const auto version = [](Program program) {
    const Result result = RunProgram(program, {"--version"});
    EXPECT_EQ(result.code, client::kExitOk);
    EXPECT_EQ(result.err, "");
    return result.out;
  };

  EXPECT_EQ(version(journal_cli::Run), "journal-cli " HOLDFAST_VERSION "\n");
  EXPECT_EQ(version(command_line::Run), "holdfast " HOLDFAST_VERSION "\n");
}

TEST(CommandLine, AnswersAnErrorWithOneSentenceAndExitOne) {
  for (const Program program : {&journal_cli::Run, &command_line::Run}) {
    for (const std::vector<std::string>& args : {std::vector<std::string>{},
                                                 {"dance"},
                                                 {"ls", "--dance"},
                                                 {"-o", "xml", "ls"},
                                                 {"status", "surplus"}}) {
      const Result result = RunProgram(program, args);

      EXPECT_EQ(result.code, client::kExitUsage) << result.err;
      EXPECT_EQ(result.out, "");
      EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    }
  }
}

}  // namespace
}  // namespace holdfast::testing
