// SPDX-License-Identifier: Apache-2.0
//
// The world went on after the backup: what a restored journal makes of it. It trusts nothing that
// it does not find, and destroys nothing that it does not know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "journal/backup.h"
#include "tests/simulation/sim_house.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::simulation {
namespace {

using holdfast::testing::IsOk;
using model::State;
using ::testing::Contains;
using ::testing::HasSubstr;

class EngineRestore : public ::testing::Test {
 protected:
  void BackUp() { ASSERT_THAT(journal::Backup(house_.journal_path(), backup_), IsOk()); }
  // The host's disk was lost and came back from the backup; the platform knows nothing of that.
  void LoseAndRestore() {
    house_.Close();
    RestoreAndStart();
  }
  void RestoreAndStart() {
    ASSERT_THAT(journal::Restore(
                    {.backup = backup_, .journal_path = house_.journal_path(), .replace = true}),
                IsOk());
    house_.Open();
    house_.Settle();
  }

  testing::TempDir dir_;
  const std::string backup_ = dir_.File("backup.db");
  SimHouse house_;
};

TEST_F(EngineRestore, FindsWhatWasDeletedSinceToBeGoneAndCanDeleteIt) {
  house_.Open();
  ASSERT_THAT(house_.Create("kept"), IsOk());
  ASSERT_THAT(house_.Create("deleted"), IsOk());
  BackUp();
  ASSERT_THAT(house_.Delete("deleted"), IsOk());

  LoseAndRestore();

  EXPECT_GT(house_.engine().startup_report().ghosts, 0U);
  EXPECT_EQ(house_.engine().startup_report().orphans, 0U);
  EXPECT_NE(house_.StateOf("deleted"), State::kRunning) << "its workload is not there";
  auto deleted = house_.engine().Get({"deleted"});
  ASSERT_THAT(deleted, IsOk());
  EXPECT_EQ(deleted->sandbox.agreement, model::Agreement::kDrifted);
  EXPECT_EQ(house_.StateOf("kept"), State::kRunning);
  ASSERT_THAT(house_.Delete("deleted"), IsOk());
  EXPECT_EQ(house_.StateOf("deleted"), State::kDeleted);
}

TEST_F(EngineRestore, ReportsWhatWasMadeSinceAsOrphansAndTouchesNoneOfIt) {
  house_.Open();
  ASSERT_THAT(house_.Create("kept"), IsOk());
  BackUp();
  ASSERT_THAT(house_.Create("later"), IsOk());
  const std::set<std::string> things = house_.world().Things();
  const std::size_t calls = house_.world().calls("later", "start");

  LoseAndRestore();

  const engine::StartupReport report = house_.engine().startup_report();
  EXPECT_EQ(report.orphans, 3U) << "its box, its workload and its net";
  EXPECT_EQ(report.ghosts, 0U);
  EXPECT_THAT(report.findings, Contains(HasSubstr("of sandbox 'later'")));
  EXPECT_EQ(house_.world().Things(), things);
  EXPECT_EQ(house_.world().calls("later", "start"), calls);
}

TEST_F(EngineRestore, AsksAboutAStepThatWasInFlightInsteadOfDoingItAgain) {
  house_.Open();
  house_.world().Plan("s", "start", {Fault::kHangAfter});
  ASSERT_THAT(house_.Accept(SimHouse::CreateCommand("s")), IsOk());
  house_.Await("s", "start");
  BackUp();  // the intent is in it, and no outcome

  LoseAndRestore();

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
  EXPECT_EQ(house_.world().calls("s", "start"), 1U) << "it was found, not done again";
}

TEST_F(EngineRestore, DoesAStepThatWasInFlightAgainWhenItsEffectIsGone) {
  house_.Open();
  house_.world().Plan("s", "start", {Fault::kHangAfter});
  ASSERT_THAT(house_.Accept(SimHouse::CreateCommand("s")), IsOk());
  house_.Await("s", "start");
  BackUp();
  house_.Close();
  house_.world().Remove("workload", "s");  // somebody stopped it

  RestoreAndStart();

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
  EXPECT_TRUE(house_.world().Has("workload", "s"));
  EXPECT_EQ(house_.world().doubled(), 0U);
}

TEST_F(EngineRestore, GivesTheWorldTokensThatTheLostLifeCannotHaveUsed) {
  house_.Open();
  BackUp();
  for (int i = 0; i < 3; ++i) house_.Restart();
  const std::uint64_t lost = house_.journal().epoch();

  LoseAndRestore();

  EXPECT_GT(house_.journal().epoch(), lost);
}

}  // namespace
}  // namespace holdfast::simulation
