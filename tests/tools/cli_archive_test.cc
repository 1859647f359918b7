// SPDX-License-Identifier: Apache-2.0
//
// journal-cli archive ls and archive run. Of the fixture's sandboxes only bravo is finished, an
// hour before the programs look.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"
#include "tests/tools/cli_fixture.h"
#include "tests/tools/cli_gateway.h"
#include "tools/journal-cli/run.h"

namespace holdfast::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

const std::vector<std::string> kRun = {"archive", "run", "--older-than", "30m"};

class JournalCliArchive : public FixtureCli {
 protected:
  void ArchiveBravo() {
    const Result ran = Offline(kRun);
    ASSERT_EQ(ran.code, client::kExitOk) << ran.err;
    ASSERT_THAT(ran.out, MatchesRegex("archived 1 sandboxes, [0-9]+ records, in 1 segments\n"));
  }
  json List() { return json::parse(Offline({"archive", "ls", "-o", "json"}).out); }
  std::string SegmentPath() {
    return path_ + ".archive/" + List().at(0).at("file").get<std::string>();
  }
  // As a gateway does.
  void ExpireAll() {
    FixtureJournal owner(path_);
    ASSERT_THAT(owner.journal().ExpireArchives(kNowMillis), IsOk());
    ASSERT_THAT(owner.journal().Close(), IsOk());
  }
};

TEST_F(JournalCliArchive, RunMovesWhatIsFinishedAndOldEnough) {
  const Result ran = Offline({"archive", "run", "--older-than", "30m", "-o", "json"});

  ASSERT_EQ(ran.code, client::kExitOk) << ran.err;
  const json report = json::parse(ran.out);
  EXPECT_EQ(report["journal"], path_);
  EXPECT_EQ(report["segments"], 1);
  EXPECT_EQ(report["sandboxes"], 1);
  EXPECT_GT(report["records"], 0);
  EXPECT_TRUE(std::filesystem::exists(SegmentPath()));
}

TEST_F(JournalCliArchive, RunChangesNothingThatIsRead) {
  const std::vector<std::vector<std::string>> questions = {
      {"ls", "--all"}, {"show", "bravo"},    {"why", "bravo"}, {"ledger", "--all"},
      {"leaks"},       {"graph", "bravo"},   {"verify"},       {"ledger", "bravo", "--all"},
      {"checkpoint"},  {"verify", "--quick"}};
  std::vector<Result> before;
  for (const auto& question : questions) before.push_back(Offline(question));

  ArchiveBravo();

  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Result after = Offline(questions[i]);
    EXPECT_EQ(after.out, before[i].out) << questions[i].front();
    EXPECT_EQ(after.err, before[i].err) << questions[i].front();
    EXPECT_EQ(after.code, before[i].code) << questions[i].front();
  }
}

TEST_F(JournalCliArchive, RunHasNothingToDoWhenNothingIsOldEnough) {
  const Result ran = Offline({"archive", "run", "--older-than", "2h"});

  EXPECT_EQ(ran.code, client::kExitOk) << ran.err;
  EXPECT_EQ(ran.out, "archived 0 sandboxes, 0 records, in 0 segments\n");
  EXPECT_EQ(Offline({"archive", "ls"}).out, "nothing is archived\n");
}

TEST_F(JournalCliArchive, RunHasNothingToDoASecondTime) {
  ArchiveBravo();

  const Result again = Offline(kRun);

  EXPECT_EQ(again.code, client::kExitOk) << again.err;
  EXPECT_EQ(again.out, "archived 0 sandboxes, 0 records, in 0 segments\n");
  EXPECT_EQ(List().size(), 1U);
}

TEST_F(JournalCliArchive, RunRefusesAJournalThatIsHeldInOneSentence) {
  FixtureJournal owner(path_);

  const Result refused = Offline(kRun);

  EXPECT_EQ(refused.code, client::kExitRefused);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, AllOf(HasSubstr("is held by"), HasSubstr("pid")));
  EXPECT_EQ(refused.err.find('\n'), refused.err.size() - 1) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(path_ + ".archive"));
}

TEST_F(JournalCliArchive, RunLeavesTheNextGatewayToFindOutAboutAReboot) {
  ASSERT_EQ(json::parse(Offline({"status", "-o", "json"}).out)["online"], false);
  ArchiveBravo();

  HF_ASSERT_OK_AND_ASSIGN(const auto reader, journal::Reader::Open(path_));
  HF_ASSERT_OK_AND_ASSIGN(const journal::Ownership last, reader->ReadOwnership());

  EXPECT_EQ(last.owner, "journal-cli archive");
  EXPECT_EQ(last.boot_id, "boot") << "what the fixture's owner said";
}

TEST_F(JournalCliArchive, RunLeavesADamagedSandboxWhereItIsAndEndsWithFour) {
  Damage(path_, "handle-of-bravo-1");

  const Result ran = Offline(kRun);

  EXPECT_EQ(ran.code, client::kExitIntegrity);
  EXPECT_EQ(ran.out, "archived 0 sandboxes, 0 records, in 0 segments\n");
  EXPECT_THAT(ran.err, AllOf(HasSubstr("journal-cli: not archived: "), HasSubstr("bravo")));
  EXPECT_EQ(Offline({"archive", "ls"}).out, "nothing is archived\n");
}

TEST_F(JournalCliArchive, RunNeedsAJournal) {
  const std::string none = dir_.File("none.db");
  std::vector<std::string> args = kRun;

  const Result refused = On(none, args);

  EXPECT_EQ(refused.code, client::kExitNotFound);
  EXPECT_THAT(refused.err, HasSubstr(none));
  EXPECT_FALSE(std::filesystem::exists(none));
  EXPECT_FALSE(std::filesystem::exists(none + ".archive"));
}

TEST_F(JournalCliArchive, RunNeedsAFileThatIsAJournal) {
  const std::string other = dir_.File("notes.txt");
  WriteFile(other, std::string(8192, 'x'));

  const Result refused = On(other, kRun);

  EXPECT_EQ(refused.code, client::kExitRefused) << refused.err;
  EXPECT_EQ(refused.err.find('\n'), refused.err.size() - 1) << refused.err;
  EXPECT_EQ(ReadFile(other), std::string(8192, 'x'));
}

TEST_F(JournalCliArchive, RunAsksNoGateway) {
  const Result refused = Online(kRun);

  EXPECT_EQ(refused.code, client::kExitUsage);
  EXPECT_EQ(refused.err, "journal-cli: archive run works on a file; name it with --journal\n");
}

TEST_F(JournalCliArchive, RefusesABadLineInOneSentence) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"archive"},
                                               {"archive", "dance"},
                                               {"archive", "ls", "surplus"},
                                               {"archive", "run"},
                                               {"archive", "run", "--older-than"},
                                               {"archive", "run", "--older-than", ""},
                                               {"archive", "run", "--older-than", "30"},
                                               {"archive", "run", "--older-than", "-1s"},
                                               {"archive", "run", "--older-than", "soon"},
                                               {"archive", "run", "--older-than", "99999999999d"},
                                               {"archive", "run", "30m"}}) {
    const Result refused = Offline(args);

    EXPECT_EQ(refused.code, client::kExitUsage) << args.back();
    EXPECT_EQ(refused.out, "") << args.back();
    EXPECT_EQ(refused.err.find('\n'), refused.err.size() - 1) << refused.err;
  }
  EXPECT_FALSE(std::filesystem::exists(path_ + ".archive"));
}

TEST_F(JournalCliArchive, SaysWhatADurationLooksLike) {
  EXPECT_THAT(Offline({"archive", "run", "--older-than", "30"}).err,
              HasSubstr("\"30\" is not a duration like 500ms, 5s, 10m, 720h or 30d"));
}

TEST_F(JournalCliArchive, LsSaysThatNothingIsArchived) {
  EXPECT_EQ(Offline({"archive", "ls"}).out, "nothing is archived\n");
  EXPECT_EQ(List(), json::array());
}

TEST_F(JournalCliArchive, LsShowsWhatIsInASegment) {
  const json report = json::parse([&] {
    std::vector<std::string> args = kRun;
    args.insert(args.end(), {"-o", "json"});
    return Offline(args).out;
  }());

  const json segments = List();

  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0]["number"], 1);
  EXPECT_THAT(segments[0]["file"].get<std::string>(),
              MatchesRegex("segment-000001-[0-9a-f]+\\.hfj"));
  EXPECT_EQ(segments[0]["records"], report["records"]);
  EXPECT_EQ(segments[0]["sandboxes"], 1);
  EXPECT_LT(segments[0]["first_position"], segments[0]["last_position"]);
  EXPECT_THAT(segments[0]["digest"].get<std::string>(), MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(segments[0]["expired"], false);
  EXPECT_THAT(Offline({"archive", "ls"}).out,
              AllOf(HasSubstr("segment-000001-"), HasSubstr("kept"), Not(HasSubstr("removed"))));
}

TEST_F(JournalCliArchive, LsSaysTheSameThroughTheSocket) {
  ArchiveBravo();
  const Result offline = Offline({"archive", "ls"});
  FixtureJournal owner(path_);
  ViewsGateway gateway(owner.journal().reader(), path_);
  const Server server(gateway, socket_);

  EXPECT_EQ(Online({"archive", "ls"}).out, offline.out);
}

TEST_F(JournalCliArchive, LsStillShowsASegmentThatWasRemovedForItsAge) {
  ArchiveBravo();
  ExpireAll();

  EXPECT_EQ(List()[0]["expired"], true);
  EXPECT_THAT(Offline({"archive", "ls"}).out, HasSubstr("removed"));
  EXPECT_FALSE(std::filesystem::exists(SegmentPath()));
}

TEST_F(JournalCliArchive, LeavesAJournalThatIsSoundWhenASegmentWasRemovedForItsAge) {
  ArchiveBravo();
  ExpireAll();

  EXPECT_EQ(Offline({"verify"}).code, client::kExitOk) << Offline({"verify"}).out;
  EXPECT_EQ(Offline({"show", "bravo"}).code, client::kExitNotFound);
  EXPECT_THAT(Offline({"ls", "--all"}).out, Not(HasSubstr("bravo")));
}

TEST_F(JournalCliArchive, VerifyNamesASegmentThatIsMissing) {
  ArchiveBravo();
  std::filesystem::remove(SegmentPath());

  const Result verified = Offline({"verify"});

  EXPECT_EQ(verified.code, client::kExitIntegrity);
  EXPECT_THAT(verified.out, HasSubstr("segment-000001-"));
  EXPECT_EQ(Offline({"show", "bravo"}).code, client::kExitIntegrity);
  EXPECT_EQ(Offline({"why", "alpha"}).code, client::kExitOk) << "the others are read as ever";
}

TEST_F(JournalCliArchive, ListsSayWhichSegmentTheyCouldNotRead) {
  ArchiveBravo();
  std::filesystem::remove(SegmentPath());

  const std::vector<std::vector<std::string>> questions = {
      {"ls", "--all"}, {"ledger", "--all"}, {"archive", "ls"}};
  for (const auto& question : questions) {
    SCOPED_TRACE(question.front());
    const Result told = Offline(question);
    EXPECT_EQ(told.code, client::kExitIntegrity);
    EXPECT_THAT(told.err, AllOf(HasSubstr("1 sandboxes"), HasSubstr("segment-000001-")));
    EXPECT_THAT(told.out, Not(HasSubstr("bravo")));
  }
  EXPECT_EQ(Offline({"ls"}).err, "") << "only what lists the archived ones";
}

}  // namespace
}  // namespace holdfast::testing
