// SPDX-License-Identifier: Apache-2.0
//
// journal-cli backup and restore: what they print, and how they end.
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

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class JournalCliBackup : public FixtureCli {
 protected:
  const std::string backup_ = dir_.File("backup.db");
};

TEST_F(JournalCliBackup, MakesABackupThatEveryVerbReads) {
  const Result made = Offline({"backup", backup_});

  EXPECT_EQ(made.code, client::kExitOk) << made.err;
  EXPECT_THAT(made.out, StartsWith(backup_ + ": "));
  EXPECT_THAT(made.out, HasSubstr("of 4 sandboxes"));
  for (const char* verb : {"ls", "ledger", "leaks", "verify"}) {
    EXPECT_EQ(On(backup_, {verb}).out, Offline({verb}).out) << verb;
  }
}

TEST_F(JournalCliBackup, CopiesTheFileOfTheGatewayThatIsAsked) {
  FixtureJournal owner(path_);
  ViewsGateway gateway(owner.journal().reader(), path_);
  const Server server(gateway, socket_);

  const Result made = Online({"backup", backup_, "-o", "json"});

  ASSERT_EQ(made.code, client::kExitOk) << made.err;
  const auto report = nlohmann::json::parse(made.out);
  EXPECT_EQ(report["backup"], backup_);
  EXPECT_EQ(report["sandboxes"], 4);
  EXPECT_EQ(report["journal_id"], owner.journal().reader().journal_id());
}

TEST_F(JournalCliBackup, RefusesADestinationThatExists) {
  WriteFile(backup_, "precious");

  const Result refused = Offline({"backup", backup_});

  EXPECT_EQ(refused.code, client::kExitRefused);
  EXPECT_EQ(refused.err,
            "journal-cli: " + backup_ + " exists; a backup never goes over anything\n");
  EXPECT_EQ(ReadFile(backup_), "precious");
}

TEST_F(JournalCliBackup, RestoresWhereNothingIs) {
  ASSERT_EQ(Offline({"backup", backup_}).code, client::kExitOk);
  const std::string elsewhere = dir_.File("elsewhere.db");

  const Result restored = On(elsewhere, {"restore", backup_});

  EXPECT_EQ(restored.code, client::kExitOk) << restored.err;
  EXPECT_THAT(restored.out, StartsWith("restored " + elsewhere + ": 4 sandboxes"));
  EXPECT_EQ(On(elsewhere, {"ls", "--all"}).out, On(backup_, {"ls", "--all"}).out);
}

TEST_F(JournalCliBackup, RestoresOverAJournalOnlyWhenAskedTo) {
  ASSERT_EQ(Offline({"backup", backup_}).code, client::kExitOk);

  const Result refused = Offline({"restore", backup_});
  const Result replaced = Offline({"restore", backup_, "--replace", "-o", "json"});

  EXPECT_EQ(refused.code, client::kExitRefused);
  EXPECT_THAT(refused.err, HasSubstr("there is a journal at " + path_));
  ASSERT_EQ(replaced.code, client::kExitOk) << replaced.err;
  const std::string aside = nlohmann::json::parse(replaced.out)["set_aside"];
  EXPECT_EQ(On(aside, {"verify"}).code, client::kExitOk);
}

TEST_F(JournalCliBackup, RefusesToRestoreOverAJournalInUseAndSaysWhose) {
  ASSERT_EQ(Offline({"backup", backup_}).code, client::kExitOk);
  FixtureJournal owner(path_);

  const Result refused = Offline({"restore", backup_, "--replace"});

  EXPECT_EQ(refused.code, client::kExitRefused);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("is held by"), HasSubstr("pid")));
}

TEST_F(JournalCliBackup, EndsWithFourForADamagedBackup) {
  ASSERT_EQ(Offline({"backup", backup_}).code, client::kExitOk);
  Damage(backup_, kCharlieMessage);

  const Result refused = On(dir_.File("elsewhere.db"), {"restore", backup_});

  EXPECT_EQ(refused.code, client::kExitIntegrity);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("the backup " + backup_), HasSubstr("charlie")));
}

TEST_F(JournalCliBackup, EndsWithTwoWhenThereIsNoBackup) {
  EXPECT_EQ(On(dir_.File("elsewhere.db"), {"restore", backup_}).code, client::kExitNotFound);
}

TEST_F(JournalCliBackup, RestoreAsksNoGateway) {
  const Result refused = Online({"restore", backup_});

  EXPECT_EQ(refused.code, client::kExitUsage);
  EXPECT_THAT(refused.err, HasSubstr("--journal"));
}

TEST_F(JournalCliBackup, SaysInStatusThatAJournalWasRestored) {
  ASSERT_EQ(Offline({"backup", backup_}).code, client::kExitOk);
  const std::string elsewhere = dir_.File("elsewhere.db");
  ASSERT_EQ(On(elsewhere, {"restore", backup_}).code, client::kExitOk);

  EXPECT_THAT(On(elsewhere, {"status"}).out, ContainsRegex("\nrestored +20.*position [0-9]+\n"));
  EXPECT_THAT(Offline({"status"}).out, Not(HasSubstr("restored")));
}

}  // namespace
}  // namespace holdfast::testing
