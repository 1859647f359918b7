// SPDX-License-Identifier: Apache-2.0
//
// Known ways in which systems like this one lose, leak, double or strand work, each played against
// the engine over simulated platforms. The numbers are those of docs/traps.md.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "statemachine/model/action.h"
#include "tests/simulation/sim_house.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using model::State;
using simulation::Fault;
using simulation::SimHouse;
using std::chrono::milliseconds;
using testing::IsOk;
using testing::StatusIs;

// The forward steps that ran, by name, and the names that were undone.
std::set<std::string> Undone(const std::vector<model::Recorded>& history) {
  std::set<std::string> names;
  for (const auto& recorded : history) {
    const auto* step = std::get_if<model::StepIntended>(&recorded.event);
    if (step != nullptr && step->kind == model::StepKind::kUndo) names.insert(step->name);
  }
  return names;
}

TEST(Trap01CrossEntityBleedOnResume, EachSandboxResumesAtItsOwnStep) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("stopping"), IsOk());
  ASSERT_THAT(house.Create("deleting"), IsOk());
  house.world().Plan("early", "provision", {Fault::kHangBefore});
  house.world().Plan("late", "start", {Fault::kHangAfter});
  house.world().Plan("stopping", "stop", {Fault::kHangBefore});
  house.world().Plan("deleting", "destroy", {Fault::kHangAfter});
  ASSERT_THAT(house.Accept(SimHouse::CreateCommand("early")), IsOk());
  ASSERT_THAT(house.Accept(SimHouse::CreateCommand("late")), IsOk());
  ASSERT_THAT(house.Accept({{"stopping"}, "", model::StopSandbox{}}), IsOk());
  ASSERT_THAT(house.Accept({{"deleting"}, "", model::DeleteSandbox{}}), IsOk());
  house.Await("early", "provision");
  house.Await("late", "start");
  house.Await("stopping", "stop");
  house.Await("deleting", "destroy");

  house.Restart();
  house.Settle();

  EXPECT_EQ(house.StateOf("early"), State::kRunning);
  EXPECT_EQ(house.StateOf("late"), State::kRunning);
  EXPECT_EQ(house.StateOf("stopping"), State::kStopped);
  EXPECT_EQ(house.StateOf("deleting"), State::kDeleted);
  EXPECT_EQ(house.world().calls("late", "provision"), 1u) << "a step of its own was run again";
  EXPECT_EQ(house.world().Things(),
            (std::set<std::string>{"box early", "workload early", "box late", "workload late",
                                   "box stopping"}));
}

TEST(Trap05UndoOfHooksThatNeverRan, OnlyWhatMayHaveTakenEffectIsUndone) {
  SimHouse house;
  house.world().Plan("s", "provision", {Fault::kFail});
  house.Open();

  auto created = house.Create("s");

  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->sandbox.state, State::kFailed);
  EXPECT_EQ(Undone(house.History("s")), (std::set<std::string>{"undo before_launch/net"}));
  EXPECT_EQ(house.world().calls("s", "destroy"), 0u);
}

// A delete arrives while each step of the create in turn is being carried out.
TEST(Trap06ReleaseLivesOnCodePaths, ADeleteAtEveryStepOfACreateLeavesNothing) {
  for (const Fault fault : {Fault::kHangBefore, Fault::kHangAfter}) {
    for (const std::string action :
         {"provision", "start", "net.before_launch", "net.after_launch_succeeded"}) {
      SCOPED_TRACE(action + (fault == Fault::kHangAfter ? " after" : " before"));
      SimHouse house;
      house.policy.driver_step_deadline = milliseconds(20);
      house.policy.hook_deadline_max = milliseconds(20);
      (action.starts_with("net.") ? house.net() : house.world()).Plan("s", action, {fault});
      house.Open();
      ASSERT_THAT(house.Accept(SimHouse::CreateCommand("s")), IsOk());
      house.Await("s", action);

      auto deleted = house.Delete("s");

      ASSERT_THAT(deleted, IsOk());
      EXPECT_EQ(deleted->sandbox.state, State::kDeleted);
      EXPECT_TRUE(house.WorldIsEmpty());
    }
  }
}

TEST(Trap07BackendHasItStoreDoesNot, AnOrphanIsReportedAndNotTouched) {
  SimHouse house;
  house.world().PlantOrphan("foreign");

  house.Open();

  EXPECT_EQ(house.engine().startup_report().orphans, 1u);
  EXPECT_TRUE(house.world().Has("box", "foreign"));
}

TEST(Trap08SweepPageLimit, AThousandAndMoreSandboxesAreAllRecovered) {
  constexpr int kSandboxes = 1'203;
  SimHouse house;
  house.Open();
  for (int i = 0; i < kSandboxes; ++i) {
    ASSERT_THAT(house.Accept(SimHouse::CreateCommand("s" + std::to_string(i))), IsOk());
  }
  house.Settle();

  house.Restart();

  const engine::StartupReport report = house.engine().startup_report();
  EXPECT_EQ(report.total, static_cast<std::uint64_t>(kSandboxes));
  EXPECT_EQ(report.restored, static_cast<std::uint64_t>(kSandboxes));
  EXPECT_EQ(report.orphans + report.ghosts, 0u);
  auto live = house.engine().ListLive();
  ASSERT_THAT(live, IsOk());
  EXPECT_EQ(live->size(), static_cast<std::size_t>(kSandboxes));
}

TEST(Trap09NameReuse, AnExitOfAnOlderIncarnationIsOldNews) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  ASSERT_THAT(house.Delete("s"), IsOk());
  auto again = house.Create("s");
  ASSERT_THAT(again, IsOk());

  house.world().Report(
      {{{"s"}, model::Generation{1}}, {"workload", "s", "s"}, 1, "Exited", "late"});
  house.Settle();

  EXPECT_EQ(house.StateOf("s"), State::kRunning);
  EXPECT_EQ(house.world().doubled(), 0u);
}

TEST(Trap10RecoveryRacingAPredecessor, ASecondOwnerOfTheJournalIsRefused) {
  SimHouse house;
  house.Open();
  journal::Options options;
  options.path = house.journal_path();

  auto second = journal::Journal::Open(std::move(options));

  ASSERT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_NE(second.status().message().find(std::to_string(getpid())), std::string::npos)
      << second.status();
}

TEST(Trap11QueryErrorIsNotAbsence, APlatformThatDoesNotAnswerLosesNothing) {
  SimHouse house;
  house.policy.probes_max = 2;
  house.sim.steps_idempotent = house.sim.undo_idempotent = false;
  house.world().Plan("s", "provision", {Fault::kUnknownAfter});
  house.world().Plan("s", "probe", {Fault::kCannotTell, Fault::kCannotTell});
  house.Open();

  auto created = house.Create("s");

  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->sandbox.state, State::kStuck);
  auto ledger = house.reader().ReadLedger("s", false);
  ASSERT_THAT(ledger, IsOk());
  bool box_is_maybe = false;
  for (const auto& row : *ledger) {
    box_is_maybe |= row.kind == "box" && row.status == journal::LedgerStatus::kMaybe;
  }
  EXPECT_TRUE(box_is_maybe);
}

TEST(Trap12HookThatNeverReturns, StartUpIsReadyAndOthersGoOn) {
  SimHouse house;
  house.policy.hook_deadline_max = milliseconds(30);
  house.Open();
  ASSERT_THAT(house.Create("hung"), IsOk());
  house.net().Plan("hung", "net.before_delete", {Fault::kHangBefore});
  ASSERT_THAT(house.Accept({{"hung"}, "", model::DeleteSandbox{}}), IsOk());
  house.Await("hung", "net.before_delete");

  house.Restart();
  auto other = house.Create("other");

  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->sandbox.state, State::kRunning);
  house.Settle();
  EXPECT_EQ(house.StateOf("hung"), State::kDeleted);
}

TEST(Trap13OverBroadFingerprint, ABenignConfigEditDoesNotBlockRecovery) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());

  house.net_config_digest = "another";
  house.plan_limits.launcher_args_allowed = {"--new"};
  house.Restart();
  auto deleted = house.Delete("s");

  ASSERT_THAT(deleted, IsOk());
  EXPECT_EQ(deleted->sandbox.state, State::kDeleted);
  EXPECT_TRUE(house.WorldIsEmpty());
}

TEST(Trap15DeleteAckedBeforeCleanup, TheAnswerToAWaitedDeleteComesAfterTheTerminalRecord) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());

  auto deleted = house.Delete("s");

  ASSERT_THAT(deleted, IsOk());
  ASSERT_TRUE(deleted->result.has_value());
  EXPECT_TRUE(house.WorldIsEmpty());
  auto row = house.reader().FindSandbox("s");
  ASSERT_THAT(row, IsOk());
  EXPECT_EQ(row->projection.state, "Deleted");
}

TEST(Trap16SummaryHidesParkedWork, TheStartUpReportCountsEverySandboxOnce) {
  SimHouse house;
  house.policy.undo_attempts_max = 1;
  house.Open();
  for (const char* id : {"idle", "parked", "resumed", "undone"})
    ASSERT_THAT(house.Create(id), IsOk());
  house.world().Plan("parked", "destroy", {Fault::kFail});
  ASSERT_THAT(house.Delete("parked"), IsOk());
  house.world().Plan("resumed", "stop", {Fault::kHangBefore});
  house.world().Plan("undone", "destroy", {Fault::kHangBefore});
  ASSERT_THAT(house.Accept({{"resumed"}, "", model::StopSandbox{}}), IsOk());
  ASSERT_THAT(house.Accept({{"undone"}, "", model::DeleteSandbox{}}), IsOk());
  house.Await("resumed", "stop");
  house.Await("undone", "destroy");

  house.Restart();

  const engine::StartupReport report = house.engine().startup_report();
  EXPECT_EQ(report.total, 4u);
  EXPECT_EQ(report.restored, 1u);
  EXPECT_EQ(report.parked, 1u);
  EXPECT_EQ(report.resumed, 1u);
  EXPECT_EQ(report.undone, 1u);
}

TEST(Trap17UnwindingAnUnknownOutcome, IsAskedForFirstAndUndoneOnlyThen) {
  SimHouse house;
  house.policy.probes_max = 2;
  house.sim.steps_idempotent = house.sim.undo_idempotent = false;
  house.world().Plan("s", "provision", {Fault::kUnknownAfter});
  house.world().Plan("s", "probe", {Fault::kCannotTell, Fault::kCannotTell});
  house.Open();
  auto created = house.Create("s");
  ASSERT_THAT(created, IsOk());
  ASSERT_EQ(created->sandbox.state, State::kStuck);
  EXPECT_EQ(house.world().calls("s", "destroy"), 0u) << "undone blindly";

  auto deleted = house.Delete("s");

  ASSERT_THAT(deleted, IsOk());
  EXPECT_EQ(deleted->sandbox.state, State::kDeleted);
  EXPECT_EQ(house.world().calls("s", "destroy"), 1u);
  EXPECT_TRUE(house.WorldIsEmpty());
}

TEST(Trap18ReturnedBeforeTheHolderIsDead, ReleasesFollowTheDeathOfTheWorkload) {
  SimHouse house;
  house.policy.undo_attempts_max = 1;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  house.world().Plan("s", "stop", {Fault::kFail});

  ASSERT_THAT(house.Delete("s"), IsOk());

  EXPECT_EQ(house.StateOf("s"), State::kStuck);
  EXPECT_TRUE(house.net().Has("net", "s")) << "released while its holder lives";
}

TEST(Trap20HistoryGrowthLoop, RestartsAppendNothingForIdleSandboxes) {
  SimHouse house;
  house.Open();
  for (const char* id : {"a", "b", "c"}) ASSERT_THAT(house.Create(id), IsOk());
  ASSERT_THAT(house.Stop("b"), IsOk());
  const auto before = house.reader().LastPosition();

  for (int i = 0; i < 5; ++i) house.Restart();

  EXPECT_EQ(*house.reader().LastPosition(), *before);
}

}  // namespace
}  // namespace holdfast
