// SPDX-License-Identifier: Apache-2.0
//
// The gateway archives finished sandboxes by itself, and nobody who asks can tell. Killed while it
// does, it loses and doubles nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

// It looks once a second; a busy machine may be slower.
constexpr std::chrono::seconds kMost{60};

const std::vector<Words>& Questions() {
  static const std::vector<Words> kQuestions = {{"ls", "--all"},
                                                {"-o", "json", "ls", "--all"},
                                                {"show", "gone"},
                                                {"-o", "json", "show", "gone"},
                                                {"-o", "json", "show", "gone-too"},
                                                {"why", "gone"},
                                                {"-o", "json", "why", "gone-too"},
                                                {"ledger", "--all"},
                                                {"-o", "json", "ledger", "gone", "--all"},
                                                {"leaks"},
                                                {"graph", "gone"},
                                                {"show", "runs"},
                                                {"verify"},
                                                {"-o", "json", "verify"},
                                                {"checkpoint"}};
  return kQuestions;
}

// `why` says how long ago something was.
std::string WithoutAges(const std::string& text) {
  static const std::regex kAge("less than a second|[0-9]+ (second|minute)s?");
  return std::regex_replace(text, kAge, "AGE");
}

class Archive : public InHouse {
 protected:
  // Takes effect with the next start.
  void ConfigureArchive(const std::string& after, const std::string& keep = "forever") {
    house_.Configure(UsualConfig() + "\n[journal]\narchive_after = \"" + after +
                     "\"\narchive_keep = \"" + keep + "\"\n");
  }
  void StartWith(const std::string& after, const std::string& keep = "forever") {
    ConfigureArchive(after, keep);
    house_.Start();
  }
  void LiveAndEnd(const std::string& id) {
    Api api = house_.Connect();
    ASSERT_TRUE(api.Submit(CreateRequest(id, Forever())).ok()) << id;
    Delete(id);
  }
  // Anew each time: a repeated request id would be the earlier delete.
  void Delete(const std::string& id) {
    lifecycle::SubmitRequest request = DeleteRequest(id);
    request.clear_request_id();
    ASSERT_EQ(house_.Connect().Submit(request).response.result().result(), "Succeeded") << id;
  }
  // Two that are finished, one that runs; nothing is archived.
  void Populate() {
    ASSERT_NO_FATAL_FAILURE(StartWith("never"));
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest("runs", Forever())).ok());
    ASSERT_NO_FATAL_FAILURE(LiveAndEnd("gone"));
    ASSERT_NO_FATAL_FAILURE(LiveAndEnd("gone-too"));
    ASSERT_EQ(Segments().size(), 0U);
  }

  json Segments() {
    return json::parse(house_.JournalCliOffline({"-o", "json", "archive", "ls"}).out);
  }
  bool WaitForSegments(std::size_t count) {
    return Eventually([&] { return Segments().size() == count; }, kMost);
  }
  std::size_t FilesInArchive() const {
    const std::filesystem::directory_iterator files(house_.journal() + ".archive");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
  // Sequences from 1 without a gap, and what was told of each.
  std::vector<std::string> History(const std::string& id) {
    const Ran shown = house_.JournalCli({"-o", "json", "show", id});
    EXPECT_EQ(shown.code, 0) << shown.err;
    std::vector<std::string> types;
    const json told = json::parse(shown.out);
    for (const json& entry : told["history"]) {
      EXPECT_EQ(entry["sequence"], types.size() + 1) << shown.out;
      types.push_back(entry["type"]);
    }
    return types;
  }
  std::map<std::string, std::string> Answers(Ran (House::*ask)(const Words&)) {
    std::map<std::string, std::string> answers;
    for (const Words& words : Questions()) {
      std::string line;
      for (const std::string& word : words) line += word + " ";
      const Ran ran = (house_.*ask)(words);
      answers[line] = WithoutAges(ran.out) + "\nexit " + std::to_string(ran.code);
    }
    return answers;
  }
  void ExpectSound(const std::string& when) {
    const Ran verify = house_.JournalCliOffline({"verify"});
    EXPECT_EQ(verify.code, 0) << when << ": " << verify.out << verify.err;
  }
};

TEST_F(Archive, IsMadeByTheGatewayWhileItRuns) {
  ASSERT_NO_FATAL_FAILURE(StartWith("1s"));
  ASSERT_TRUE(house_.Connect().Submit(CreateRequest("runs", Forever())).ok());
  ASSERT_NO_FATAL_FAILURE(LiveAndEnd("gone"));

  ASSERT_TRUE(WaitForSegments(1)) << house_.gateway().Log();

  EXPECT_EQ(Segments()[0]["sandboxes"], 1);
  EXPECT_EQ(Segments()[0]["records"], History("gone").size());
  EXPECT_EQ(house_.Connect().State("runs"), "Running");
  EXPECT_EQ(house_.Connect().State("gone"), "Deleted");
  EXPECT_EQ(house_.JournalCli({"verify"}).code, 0);
}

TEST_F(Archive, AnswersAsTheJournalDid) {
  ASSERT_NO_FATAL_FAILURE(Populate());
  const auto before = Answers(&House::JournalCli);
  const Ran listed = house_.Holdfast({"ls", "--all"});
  const Ran got = house_.Holdfast({"-o", "json", "get", "gone"});

  ASSERT_NO_FATAL_FAILURE(StartWith("0s"));
  ASSERT_TRUE(WaitForSegments(1)) << house_.gateway().Log();

  EXPECT_EQ(Segments()[0]["sandboxes"], 2);
  EXPECT_EQ(Answers(&House::JournalCli), before);
  EXPECT_EQ(Answers(&House::JournalCliOffline), before);
  EXPECT_EQ(house_.Holdfast({"ls", "--all"}).out, listed.out);
  EXPECT_EQ(house_.Holdfast({"-o", "json", "get", "gone"}).out, got.out);
  house_.gateway().Kill();
  EXPECT_EQ(Answers(&House::JournalCliOffline), before);
  ExpectSound("after its death");
}

TEST_F(Archive, LetsAnIdGoOnWhereItsEarlierLifeEnded) {
  ASSERT_NO_FATAL_FAILURE(StartWith("0s"));
  ASSERT_NO_FATAL_FAILURE(LiveAndEnd("again"));
  ASSERT_TRUE(WaitForSegments(1)) << house_.gateway().Log();
  const std::vector<std::string> first = History("again");

  lifecycle::SubmitRequest request = CreateRequest("again", Forever());
  request.clear_request_id();
  const auto created = house_.Connect().Submit(request);
  ASSERT_EQ(created.response.sandbox().state(), "Running") << created.status.error_message();

  EXPECT_EQ(created.response.sandbox().generation(), 3U) << "its operations are counted on";
  std::vector<std::string> both = History("again");
  ASSERT_GT(both.size(), first.size());
  EXPECT_EQ(both[first.size()], first[0]) << "the second life begins like the first";
  EXPECT_EQ(std::vector<std::string>(both.begin(), both.begin() + static_cast<int>(first.size())),
            first);
  EXPECT_EQ(house_.JournalCli({"verify"}).code, 0);

  // The second life goes the way of the first, into a segment of its own.
  ASSERT_NO_FATAL_FAILURE(Delete("again"));
  both = History("again");
  ASSERT_TRUE(WaitForSegments(2)) << house_.gateway().Log();
  EXPECT_EQ(History("again"), both);
  EXPECT_EQ(
      Segments()[0]["records"].get<std::size_t>() + Segments()[1]["records"].get<std::size_t>(),
      both.size());
}

TEST_F(Archive, IsThrownAwayOnlyWhenTheOperatorSaysSo) {
  ASSERT_NO_FATAL_FAILURE(StartWith("0s", "1s"));
  ASSERT_TRUE(house_.Connect().Submit(CreateRequest("runs", Forever())).ok());
  ASSERT_NO_FATAL_FAILURE(LiveAndEnd("gone"));

  ASSERT_TRUE(Eventually(
      [&] {
        const json segments = Segments();
        return segments.size() == 1 && segments[0]["expired"] == true && FilesInArchive() == 0;
      },
      kMost))
      << house_.gateway().Log();

  EXPECT_EQ(house_.JournalCli({"show", "gone"}).code, 2);
  EXPECT_THAT(house_.JournalCli({"ls", "--all"}).out, Not(HasSubstr("gone")));
  EXPECT_EQ(house_.Connect().State("runs"), "Running");
  EXPECT_EQ(house_.JournalCli({"verify"}).code, 0);
  // Nobody remembers it: the id is new.
  lifecycle::SubmitRequest request = CreateRequest("gone", Forever());
  request.clear_request_id();
  const auto created = house_.Connect().Submit(request);
  EXPECT_EQ(created.response.sandbox().generation(), 1U) << created.status.error_message();
  EXPECT_EQ(created.response.sandbox().state(), "Running");
}

// Method: one journal, a gateway for each place, which kills itself there with SIGKILL. After each
// death everything reads as before the first.
TEST_F(Archive, LosesAndDoublesNothingWhenTheGatewayIsKilledWhileItIsMade) {
  ASSERT_NO_FATAL_FAILURE(Populate());
  house_.gateway().Kill();
  const auto before = Answers(&House::JournalCliOffline);
  const auto die_at = [&](const std::string& point) {
    const auto gateway =
        house_.Launch(house_.socket(), {{"HOLDFAST_FAILPOINT_KILL_ON", point + ":1"}});
    const auto ending = gateway->Wait();
    EXPECT_TRUE(ending && ending->signal == SIGKILL) << point << ": " << gateway->Log();
    ExpectSound("killed at " + point);
  };

  ConfigureArchive("0s");
  for (const char* point :
       {"kArchiveBeforeSeal", "kArchiveAfterSeal", "kArchiveAfterCommit", "kArchiveAfterSlice"}) {
    die_at(point);
    EXPECT_EQ(Answers(&House::JournalCliOffline), before) << "killed at " << point;
  }
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  EXPECT_EQ(Answers(&House::JournalCli), before);
  EXPECT_EQ(Segments().size(), 1U);
  EXPECT_EQ(FilesInArchive(), 1U);
  house_.gateway().Kill();

  // What is thrown away is thrown away whole, and what is not stays.
  ConfigureArchive("0s", "0s");
  die_at("kArchiveBeforeUnlink");
  EXPECT_EQ(FilesInArchive(), 1U);
  EXPECT_EQ(house_.JournalCliOffline({"show", "gone"}).code, 2);
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  EXPECT_TRUE(Eventually([&] { return FilesInArchive() == 0; }, kMost)) << house_.gateway().Log();
  EXPECT_EQ(house_.JournalCli({"show", "gone"}).code, 2);
  EXPECT_EQ(house_.Connect().State("runs"), "Running");
}

}  // namespace
}  // namespace holdfast::e2e
