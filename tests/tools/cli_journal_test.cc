// SPDX-License-Identifier: Apache-2.0
//
// journal-cli on a journal that an engine might have left, through a socket and from the bare file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/tools/cli_fixture.h"
#include "tests/tools/cli_gateway.h"
#include "tools/journal-cli/run.h"

namespace holdfast::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class JournalCli : public FixtureCli {};

TEST_F(JournalCli, RendersTheFixtureAsInTheGoldenFiles) {
  ExpectGolden("journal-cli_ls_all.txt", Offline({"ls", "--all"}).out);
  ExpectGolden("journal-cli_show_alpha.txt", Offline({"show", "alpha"}).out);
  ExpectGolden("journal-cli_show_charlie.txt", Offline({"show", "charlie"}).out);
  ExpectGolden("journal-cli_ledger_all.txt", Offline({"ledger", "--all"}).out);
  ExpectGolden("journal-cli_leaks.txt", Offline({"leaks"}).out);
  ExpectGolden("journal-cli_graph_alpha.txt", Offline({"graph", "alpha"}).out);
}

TEST_F(JournalCli, SaysTheSameThroughTheSocketAndFromTheFile) {
  const std::vector<std::vector<std::string>> questions = {{"ls"},
                                                           {"ls", "--all"},
                                                           {"show", "alpha"},
                                                           {"show", "bravo"},
                                                           {"show", "none"},
                                                           {"why", "charlie"},
                                                           {"why", "delta"},
                                                           {"leaks"},
                                                           {"leaks", "alpha"},
                                                           {"ledger"},
                                                           {"ledger", "alpha"},
                                                           {"ledger", "--all"},
                                                           {"verify"},
                                                           {"graph", "alpha"}};
  std::vector<Result> offline;
  for (const auto& question : questions) {
    for (const char* format : {"table", "json", "ndjson"}) {
      std::vector<std::string> args = question;
      args.insert(args.end(), {"-o", format});
      offline.push_back(Offline(args));
    }
  }
  FixtureJournal owner(path_);
  ViewsGateway gateway(owner.journal().reader());
  const Server server(gateway, socket_);

  std::size_t next = 0;
  for (const auto& question : questions) {
    for (const char* format : {"table", "json", "ndjson"}) {
      std::vector<std::string> args = question;
      args.insert(args.end(), {"-o", format});
      const Result online = Online(args);
      EXPECT_EQ(online.out, offline[next].out) << question.front() << " " << format;
      EXPECT_EQ(online.code, offline[next].code) << question.front() << " " << format;
      ++next;
    }
  }
}

TEST_F(JournalCli, ExitsWithThreeWhenSomethingIsStuck) {
  EXPECT_EQ(Offline({"ls"}).code, client::kExitFailed);
  EXPECT_EQ(Offline({"why", "charlie"}).code, client::kExitFailed);
  EXPECT_EQ(Offline({"leaks"}).code, client::kExitFailed);
}

TEST_F(JournalCli, ExitsWithZeroWhenTheSandboxAskedForIsInOrder) {
  EXPECT_EQ(Offline({"why", "alpha"}).code, client::kExitOk);
  EXPECT_EQ(Offline({"leaks", "alpha"}).code, client::kExitOk);
  EXPECT_EQ(Offline({"verify"}).code, client::kExitOk);
  EXPECT_EQ(Offline({"show", "charlie"}).code, client::kExitOk);
}

TEST_F(JournalCli, ExitsWithTwoForWhatIsNotThere) {
  EXPECT_EQ(Offline({"show", "nobody"}).code, client::kExitNotFound);
  EXPECT_EQ(Offline({"ledger", "nobody"}).code, client::kExitNotFound);
  EXPECT_EQ(RunProgram(journal_cli::Run, {"--journal", dir_.File("none.db"), "ls"}).code,
            client::kExitNotFound);
}

TEST_F(JournalCli, RefusesAFileThatIsNoJournalInOneSentence) {
  const std::string other = dir_.File("notes.txt");
  WriteFile(other, std::string(8192, 'x'));

  const Result result = RunProgram(journal_cli::Run, {"--journal", other, "ls"});

  EXPECT_EQ(result.code, client::kExitRefused) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
}

TEST_F(JournalCli, NamesTheSequenceOfADamagedRecord) {
  Damage(path_, kCharlieMessage);

  const Result result = Offline({"verify", "-o", "json"});

  EXPECT_EQ(result.code, client::kExitIntegrity);
  const auto report = nlohmann::json::parse(result.out);
  ASSERT_FALSE(report["damages"].empty());
  EXPECT_EQ(report["damages"][0]["sandbox_id"], "charlie");
  EXPECT_GT(report["damages"][0]["sequence"], 0);
}

TEST_F(JournalCli, ShowsADamagedSandboxAsUnreadableAndTheOthersAsTheyAre) {
  Damage(path_, kCharlieMessage);

  const Result list = Offline({"ls"});
  const Result show = Offline({"show", "charlie"});

  EXPECT_EQ(list.code, client::kExitIntegrity);
  EXPECT_THAT(list.out, HasSubstr("(unreadable)"));
  EXPECT_THAT(list.out, HasSubstr("Running"));
  EXPECT_EQ(show.code, client::kExitIntegrity);
  EXPECT_THAT(show.out, HasSubstr("intended plan by process")) << "what can be read is shown";
  EXPECT_EQ(Offline({"why", "charlie"}).code, client::kExitIntegrity);
  EXPECT_EQ(Offline({"why", "alpha"}).code, client::kExitOk);
}

TEST_F(JournalCli, NeverChangesTheFile) {
  const std::string before = ReadFile(path_);

  for (const char* verb : {"ls", "leaks", "ledger", "verify", "status", "graph"}) Offline({verb});
  Offline({"show", "alpha"});
  Offline({"why", "charlie"});

  EXPECT_TRUE(ReadFile(path_) == before);
}

TEST_F(JournalCli, AsksTheGatewayThatAnswersAndElseReadsTheFile) {
  // The default journal is the fixture's, in a state directory of its own.
  const std::string state = dir_.File("state");
  std::filesystem::create_directories(state + "/holdfast");
  WriteFixture(state + "/holdfast/journal.db");
  const std::string runtime = dir_.File("runtime");
  std::filesystem::create_directories(runtime + "/holdfast");
  const std::string socket = runtime + "/holdfast/gateway.sock";
  const std::map<std::string, std::string> environment = {{"XDG_STATE_HOME", state},
                                                          {"XDG_RUNTIME_DIR", runtime}};

  const Result file = RunProgram(journal_cli::Run, {"-v", "ls"}, environment);
  FixtureJournal owner(path_);
  ViewsGateway gateway(owner.journal().reader());
  const Server server(gateway, socket);
  const Result live = RunProgram(journal_cli::Run, {"-v", "ls"}, environment);
  const Result silent = RunProgram(journal_cli::Run, {"ls"}, environment);

  const std::string journal = state + "/holdfast/journal.db";
  EXPECT_EQ(file.err, "reading the journal file " + journal + "\n");
  EXPECT_EQ(live.err, "asking the gateway at " + socket + "\n");
  EXPECT_EQ(silent.err, "");
  EXPECT_EQ(live.out, file.out);
}

// A backup of another journal would pass for the one that was meant.
TEST_F(JournalCli, ReadsNoOtherJournalWhenTheGatewayThatWasMeantIsGone) {
  const std::string state = dir_.File("state");
  std::filesystem::create_directories(state + "/holdfast");
  WriteFixture(state + "/holdfast/journal.db");

  const Result refused = RunProgram(journal_cli::Run, {"ls"},
                                    {{"XDG_STATE_HOME", state}, {"HOLDFAST_SOCKET", socket_}});

  EXPECT_EQ(refused.code, client::kExitRefused);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("nobody answers at " + socket_));
  EXPECT_THAT(refused.err, HasSubstr("--journal"));
}

TEST_F(JournalCli, AddsOrphansAndGhostsToLeaksWhenAGatewayAnswers) {
  FixtureJournal owner(path_);
  ViewsGateway gateway(owner.journal().reader());
  const Server server(gateway, socket_);

  EXPECT_THAT(Online({"leaks"}).err, HasSubstr("2 orphans and 1 ghosts"));
  EXPECT_THAT(Offline({"leaks"}).err, Not(HasSubstr("orphans")));
}

TEST_F(JournalCli, RefusesASocketWhereNobodyListens) {
  const Result result = Online({"ls"});

  EXPECT_EQ(result.code, client::kExitRefused);
  EXPECT_THAT(result.err, HasSubstr("start one with: holdfast-gateway"));
}

TEST_F(JournalCli, CountsSandboxesByStateInStatus) {
  const Result result = Offline({"status", "-o", "json"});

  EXPECT_EQ(result.code, client::kExitOk) << result.err;
  const auto status = nlohmann::json::parse(result.out);
  EXPECT_EQ(status["sandboxes"]["Running"], 1);
  EXPECT_EQ(status["sandboxes"]["Stuck"], 1);
  EXPECT_EQ(status["sandboxes"]["Deleted"], 1);
  EXPECT_EQ(status["online"], false);
  EXPECT_EQ(status["held"], false);
}

}  // namespace
}  // namespace holdfast::testing
