// SPDX-License-Identifier: Apache-2.0
//
// journal-cli says the same, byte for byte, whether it asks a gateway, reads the file beside it, or
// reads what a killed gateway left.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using Words = std::vector<std::string>;

const std::vector<Words>& Questions() {
  static const std::vector<Words> kQuestions = {
      {"ls"},
      {"ls", "--all"},
      {"-o", "json", "ls", "--all"},
      {"-o", "ndjson", "ls"},
      {"show", "runs"},
      {"-o", "json", "show", "runs"},
      {"show", "gone"},
      {"why", "runs"},
      {"why", "stopped"},
      {"why", "failed"},
      {"-o", "json", "why", "gone"},
      {"ledger"},
      {"ledger", "--all"},
      {"-o", "json", "ledger", "stopped"},
      {"leaks"},
      {"-o", "json", "leaks"},
      {"verify"},
      {"-o", "json", "verify"},
      {"graph"},
      {"graph", "runs", "--format", "dot"},
      {"-o", "json", "graph", "stopped", "--format", "puml"},
      {"show", "never-was"},
  };
  return kQuestions;
}

// `why` says how long ago something was; between two askings a second may pass.
std::string WithoutAges(const std::string& text) {
  static const std::regex kAge("less than a second|[0-9]+ (second|minute)s?");
  return std::regex_replace(text, kAge, "AGE");
}

std::string Line(const Words& words) {
  std::string line = "journal-cli";
  for (const std::string& word : words) line += " " + word;
  return line;
}

class Offline : public InHouse {
 protected:
  void SetUp() override {
    std::string config = UsualConfig();
    // Room for three: the fourth create fails.
    config.replace(config.find("10.70.0.0/24"), 12, "10.70.0.1-10.70.0.3");
    house_.Configure(config);
    ASSERT_NO_FATAL_FAILURE(house_.Start());
    Api api = house_.Connect();
    for (const char* id : {"runs", "stopped", "gone", "failed"}) {
      ASSERT_TRUE(api.Submit(CreateRequest(id, Forever())).ok()) << id;
    }
    ASSERT_TRUE(api.Submit(StopRequest("stopped")).ok());
    ASSERT_TRUE(api.Submit(DeleteRequest("gone")).ok());
    ASSERT_EQ(api.State("failed"), "Failed");
  }
};

TEST_F(Offline, AnswersAreTheSameBesideTheGatewayAndAfterItsDeath) {
  std::map<std::string, Ran> online;
  for (const Words& words : Questions()) online[Line(words)] = house_.JournalCli(words);

  for (const char* when : {"beside it", "after its death"}) {
    if (std::string(when) == "after its death") house_.gateway().Kill();
    for (const Words& words : Questions()) {
      SCOPED_TRACE(Line(words) + " " + when);
      const Ran offline = house_.JournalCliOffline(words);
      EXPECT_EQ(offline.code, online[Line(words)].code) << offline.err;
      EXPECT_EQ(WithoutAges(offline.out), WithoutAges(online[Line(words)].out));
    }
  }
}

TEST_F(Offline, ReadingAJournalThatAKilledGatewayLeftChangesNoByteOfIt) {
  house_.gateway().Kill();
  const std::string before = ReadFile(house_.journal()) + ReadFile(house_.journal() + "-wal");

  for (const Words& words : Questions()) house_.JournalCliOffline(words);

  EXPECT_TRUE(before == ReadFile(house_.journal()) + ReadFile(house_.journal() + "-wal"));
}

}  // namespace
}  // namespace holdfast::e2e
