// SPDX-License-Identifier: Apache-2.0
//
// journal-cli checkpoint and the modes of verify.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "nlohmann/json.hpp"
#include "tests/tools/cli_fixture.h"
#include "tests/tools/cli_gateway.h"

namespace holdfast::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class JournalCliCheckpoint : public FixtureCli {
 protected:
  std::string Line() {
    std::string line = Offline({"checkpoint"}).out;
    if (!line.empty()) line.pop_back();
    return line;
  }
};

TEST_F(JournalCliCheckpoint, IsOneLine) {
  EXPECT_THAT(Offline({"checkpoint"}).out,
              MatchesRegex("holdfast-checkpoint-1 [0-9a-f]+ [0-9]+ 4 [0-9a-f]+\n"));
}

TEST_F(JournalCliCheckpoint, IsTheSameOfALiveJournal) {
  const std::string line = Line();
  FixtureJournal owner(path_);
  ViewsGateway gateway(owner.journal().reader(), path_);
  const Server server(gateway, socket_);

  EXPECT_EQ(Online({"checkpoint"}).out, line + "\n");
  EXPECT_EQ(Online({"verify", "--against", line}).code, client::kExitOk);
}

TEST_F(JournalCliCheckpoint, ProvesThatNothingWasChanged) {
  const Result proved = Offline({"verify", "--against", Line()});

  EXPECT_EQ(proved.code, client::kExitOk) << proved.err;
  EXPECT_THAT(proved.out, HasSubstr("was changed since the checkpoint was made"));
}

TEST_F(JournalCliCheckpoint, IsFoundInAFileThatIsNamed) {
  WriteFile(dir_.File("kept.txt"), "2026-11-18, read over the phone:\n" + Line() + "\n");

  const Result proved = Offline({"verify", "--against", dir_.File("kept.txt"), "-o", "json"});

  ASSERT_EQ(proved.code, client::kExitOk) << proved.err;
  EXPECT_EQ(nlohmann::json::parse(proved.out)["holds"], true);
  EXPECT_EQ(nlohmann::json::parse(proved.out)["against"], Line());
}

TEST_F(JournalCliCheckpoint, EndsWithFourWhenSomethingWasChanged) {
  const std::string line = Line();
  Damage(path_, kCharlieMessage);

  const Result proved = Offline({"verify", "--against", line});

  EXPECT_EQ(proved.code, client::kExitIntegrity);
  EXPECT_THAT(proved.out, HasSubstr("charlie"));
}

TEST_F(JournalCliCheckpoint, EndsWithFourForACheckpointOfAnotherJournal) {
  std::string line = Line();
  line.replace(22, 32, std::string(32, '0'));

  const Result proved = Offline({"verify", "--against", line});

  EXPECT_EQ(proved.code, client::kExitIntegrity);
  EXPECT_THAT(proved.out, HasSubstr("of another journal"));
}

TEST_F(JournalCliCheckpoint, EndsWithOneForWhatIsNoCheckpoint) {
  WriteFile(dir_.File("empty.txt"), "");
  for (const std::string& other :
       {std::string("holdfast-checkpoint-1 x"), dir_.File("none.txt"), dir_.File("empty.txt")}) {
    const Result refused = Offline({"verify", "--against", other});

    EXPECT_EQ(refused.code, client::kExitUsage) << other;
    EXPECT_THAT(refused.err, HasSubstr("checkpoint"));
    EXPECT_EQ(refused.err.find('\n'), refused.err.size() - 1) << refused.err;
  }
}

TEST_F(JournalCliCheckpoint, QuickAndDeepAreModesOfVerify) {
  EXPECT_EQ(Offline({"verify", "--quick"}).code, client::kExitOk);
  EXPECT_EQ(Offline({"verify", "--deep"}).out, Offline({"verify"}).out);
  EXPECT_EQ(Offline({"verify", "--quick", "--deep"}).code, client::kExitUsage);
  EXPECT_EQ(Offline({"verify", "--quick", "--against", Line()}).code, client::kExitUsage);
}

TEST_F(JournalCliCheckpoint, QuickIsAskedOfAGatewayToo) {
  FixtureJournal owner(path_);
  ViewsGateway gateway(owner.journal().reader(), path_);
  const Server server(gateway, socket_);

  EXPECT_EQ(Online({"verify", "--quick"}).out, Offline({"verify", "--quick"}).out);
}

}  // namespace
}  // namespace holdfast::testing
