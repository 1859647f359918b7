// SPDX-License-Identifier: Apache-2.0
//
// What operators read, word for word. The sandboxes are written down as values: explaining needs no
// history, only what was folded from it.
#include "statemachine/planning/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "statemachine/model/action.h"

namespace holdfast::planning {
namespace {

using model::OperationKind;
using model::OperationResult;
using model::Sandbox;
using model::State;
using model::Step;
using model::StepKind;
using model::StepPhase;
using model::UnixMillis;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr UnixMillis kNow{1'700'000'000'000};  // 2023-11-14T22:13:20Z

UnixMillis Ago(std::int64_t milliseconds) { return {kNow.value - milliseconds}; }

Sandbox InState(State state) {
  Sandbox s;
  s.id = {"sb-1"};
  s.head = {20};
  s.state = state;
  s.state_since = Ago(3 * kMinute);
  s.spec.driver = "process";
  return s;
}

Step Make(std::uint64_t intent, std::string name, std::string participant,
          std::uint64_t operation) {
  Step step;
  step.intent = {intent};
  step.what.operation = {operation};
  step.what.name = std::move(name);
  step.what.participant = std::move(participant);
  step.what.deadline_ms = 2 * kMinute;
  step.since = Ago(20 * kSecond);
  return step;
}

Step Held(std::uint64_t intent, std::string name, std::string participant, model::Resource made) {
  Step step = Make(intent, std::move(name), std::move(participant), 1);
  step.phase = StepPhase::kHeld;
  step.certain = true;
  step.resources = {std::move(made)};
  return step;
}

Step UndoOf(std::uint64_t intent, const Step& held, std::uint64_t operation) {
  Step step = Make(intent, "undo " + held.what.name, held.what.participant, operation);
  step.what.kind = StepKind::kUndo;
  step.what.undoes = held.intent;
  return step;
}

Step HeldLease() {
  return Held(5, "before_launch/ipam", "ipam", {"lease", "10.0.0.7", "lease-77"});
}
Step HeldDirectory() { return Held(8, "provision", "process", {"directory", "sb-1", "inode-4"}); }

model::Operation Active(std::uint64_t id, OperationKind kind) {
  model::Operation operation;
  operation.id = {id};
  operation.kind = kind;
  operation.since = Ago(3 * kMinute);
  return operation;
}

model::FinishedOperation Finished(std::uint64_t id, OperationKind kind, OperationResult result) {
  model::FinishedOperation finished;
  finished.id = {id};
  finished.kind = kind;
  finished.result = result;
  return finished;
}

TEST(Explain, AHealthyRunningSandboxIsHeldByNothing) {
  Sandbox s = InState(State::kRunning);
  s.finished = {Finished(1, OperationKind::kCreate, OperationResult::kSucceeded)};
  const Explanation e = Explain(s, kNow);
  EXPECT_FALSE(e.needs_operator);
  EXPECT_EQ(e.summary,
            "Sandbox 'sb-1' has been Running for 3 minutes. Nothing holds it: no operation is "
            "active, and every step is done.");
  EXPECT_THAT(e.evidence, ElementsAre("state Running since 2023-11-14T22:10:20Z",
                                      "operation 1: create Succeeded"));
  EXPECT_THAT(e.commands,
              ElementsAre("holdfast stop sb-1", "holdfast delete sb-1", "journal-cli show sb-1"));
}

TEST(Explain, AnIdThatWasNeverUsedIsSaidToBeUnknown) {
  Sandbox s;
  s.id = {"ghost"};
  const Explanation e = Explain(s, kNow);
  EXPECT_EQ(e.summary, "The journal has no sandbox 'ghost'.");
  EXPECT_TRUE(e.evidence.empty());
  EXPECT_TRUE(e.commands.empty());
}

TEST(Explain, AWorkloadThatEndedByItselfIsToldFromAStop) {
  Sandbox s = InState(State::kStopped);
  s.finished = {Finished(1, OperationKind::kCreate, OperationResult::kSucceeded)};
  s.held = {HeldDirectory()};
  s.exit_code = 137;
  EXPECT_EQ(Explain(s, kNow).summary,
            "Sandbox 'sb-1' has been Stopped for 3 minutes. Its workload ended by itself with exit "
            "code 137. It keeps: directory sb-1 of driver 'process' (#8). Nothing holds it: start "
            "it, or delete it.");
  s.finished.push_back(Finished(2, OperationKind::kStop, OperationResult::kSucceeded));
  EXPECT_EQ(
      Explain(s, kNow).summary,
      "Sandbox 'sb-1' has been Stopped for 3 minutes. It was stopped (operation 2). It keeps: "
      "directory sb-1 of driver 'process' (#8). Nothing holds it: start it, or delete it.");
}

TEST(Explain, AWorkloadThatVanishedWithoutAnExitCodeGetsNoneInvented) {
  Sandbox s = InState(State::kStopped);
  s.finished = {Finished(1, OperationKind::kCreate, OperationResult::kSucceeded)};
  s.reason = "HostRebooted";
  s.message = "The host was started anew.";
  EXPECT_EQ(
      Explain(s, kNow).summary,
      "Sandbox 'sb-1' has been Stopped for 3 minutes. Its workload is gone, and nobody stopped "
      "it: The host was started anew (HostRebooted). Nothing holds it: start it, or delete "
      "it.");
}

TEST(Explain, AStartThatFailedIsNotTakenForAnExit) {
  Sandbox s = InState(State::kStopped);
  auto failed = Finished(3, OperationKind::kStart, OperationResult::kFailed);
  failed.reason = s.reason = "NoImage";
  failed.message = s.message = "the image is gone";
  s.finished = {failed};
  s.exit_code = 1;  // of an earlier run
  EXPECT_EQ(
      Explain(s, kNow).summary,
      "Sandbox 'sb-1' has been Stopped for 3 minutes. It was stopped before, and could not be "
      "started again. Its last operation, start (operation 3), failed: the image is gone "
      "(NoImage). Nothing holds it: start it, or delete it.");
}

TEST(Explain, AStepInFlightNamesWhoHasToAnswerAndUntilWhen) {
  Sandbox s = InState(State::kProvisioning);
  s.operation = Active(1, OperationKind::kCreate);
  s.current = Make(8, "provision", "process", 1);
  const Explanation e = Explain(s, kNow);
  EXPECT_FALSE(e.needs_operator);
  EXPECT_EQ(
      e.summary,
      "Sandbox 'sb-1' has been Provisioning for 3 minutes: create (operation 1), accepted 3 "
      "minutes ago, is under way. It waits for driver 'process' to answer step provision (#8), "
      "attempt 1, begun 20 seconds ago; an attempt may take 2 minutes.");
  EXPECT_THAT(e.evidence,
              ElementsAre("state Provisioning since 2023-11-14T22:10:20Z",
                          "operation 1: create since 2023-11-14T22:10:20Z",
                          "#8 provision by driver 'process': InFlight, attempt 1, intended "
                          "2023-11-14T22:13:00Z"));
}

TEST(Explain, AStepThatWaitsForItsRetrySaysWhyAndWhen) {
  Sandbox s = InState(State::kPreparing);
  s.operation = Active(1, OperationKind::kCreate);
  s.current = Make(5, "before_launch/ipam", "ipam", 1);
  s.current->phase = StepPhase::kWaitingRetry;
  s.current->attempt = 2;
  s.current->due = {kNow.value + 4 * kSecond};
  s.current->reason = "PoolExhausted";
  s.current->message = "the pool has no free address";
  EXPECT_THAT(
      Explain(s, kNow).summary,
      HasSubstr(" Step before_launch/ipam (#5) of extension 'ipam' did not succeed: the pool "
                "has no free address (PoolExhausted). Attempt 2 is made in 4 seconds."));
  s.current->due = Ago(kSecond);
  EXPECT_THAT(Explain(s, kNow).summary, HasSubstr("Attempt 2 is made now."));
}

TEST(Explain, AnUnknownOutcomeIsCalledUnknown) {
  Sandbox s = InState(State::kStarting);
  s.operation = Active(1, OperationKind::kCreate);
  s.current = Make(9, "start", "process", 1);
  s.current->phase = StepPhase::kProbing;
  s.current->reason = "GatewayRestarted";
  s.current->message = "the gateway's process ended while this attempt was in flight";
  EXPECT_THAT(
      Explain(s, kNow).summary,
      HasSubstr(" Nobody knows whether step start (#9) of driver 'process' took effect: the "
                "gateway's process ended while this attempt was in flight (GatewayRestarted). The "
                "driver 'process' is being asked."));
  s.current->phase = StepPhase::kWaitingProbe;
  s.current->probes = 2;
  s.current->due = {kNow.value + 3 * kSecond};
  EXPECT_THAT(Explain(s, kNow).summary,
              HasSubstr(" The driver 'process' could not tell when asked (2 times so far) and is "
                        "asked again in 3 seconds."));
}

TEST(Explain, RollingBackSaysWhatFailedWhatIsUndoneAndWhatFollows) {
  Sandbox s = InState(State::kRollingBack);
  s.operation = Active(1, OperationKind::kCreate);
  s.operation->failure_reason = "NoImage";
  s.operation->failure_message = "start by process failed: the image is gone.";
  s.held = {HeldLease(), HeldDirectory()};
  s.current = UndoOf(12, s.held.back(), 1);
  EXPECT_EQ(
      Explain(s, kNow).summary,
      "Sandbox 'sb-1' has been RollingBack for 3 minutes: create (operation 1) failed: start "
      "by process failed: the image is gone (NoImage). What it did is being undone, newest "
      "first. It waits for driver 'process' to answer step undo provision (#12), attempt 1, "
      "begun 20 seconds ago; an attempt may take 2 minutes. Then follow, in this order: lease "
      "10.0.0.7 of extension 'ipam' (#5).");
}

TEST(Explain, AFailedStartUndoesItselfOnly) {
  Sandbox s = InState(State::kRollingBack);
  s.operation = Active(3, OperationKind::kStart);
  s.operation->failure_reason = "NoImage";
  s.held = {HeldDirectory()};
  Step start = Held(17, "start", "process", {"process", "sb-1", "4711"});
  start.what.operation = {3};
  s.held.push_back(start);
  s.current = UndoOf(19, start, 3);
  EXPECT_THAT(Explain(s, kNow).summary,
              AllOf(HasSubstr("start (operation 3) failed: NoImage."),
                    HasSubstr("Nothing else is left to undo."), Not(HasSubstr("directory"))));
}

TEST(Explain, DeletingListsWhatIsLeftInTheOrderOfRelease) {
  Sandbox s = InState(State::kDeleting);
  s.operation = Active(2, OperationKind::kDelete);
  s.chain.resize(2);
  s.chain[0].name = "ipam";
  s.chain[1].name = "volumes";
  // The order of release is that of the chain, whatever the order of the intents.
  s.held = {Held(4, "before_launch/volumes", "volumes", {"volume", "v1", ""}), HeldLease(),
            HeldDirectory(), Held(9, "start", "process", {"process", "sb-1", "4711"})};
  s.current = UndoOf(15, s.held.back(), 2);
  const Explanation e = Explain(s, kNow);
  EXPECT_EQ(
      e.summary,
      "Sandbox 'sb-1' has been Deleting for 3 minutes: delete (operation 2), accepted 3 "
      "minutes ago, releases everything that it holds. It waits for driver 'process' to answer "
      "step undo start (#15), attempt 1, begun 20 seconds ago; an attempt may take 2 minutes. "
      "Then follow, in this order: directory sb-1 of driver 'process' (#8); volume v1 of "
      "extension 'volumes' (#4); lease 10.0.0.7 of extension 'ipam' (#5).");
  EXPECT_THAT(e.commands, ElementsAre("journal-cli show sb-1"));
}

TEST(Explain, AStepThatADeleteOvertookIsSaidToBelongToItsOwnOperation) {
  Sandbox s = InState(State::kDeleting);
  s.operation = Active(2, OperationKind::kDelete);
  s.current = Make(8, "provision", "process", 1);
  EXPECT_THAT(
      Explain(s, kNow).summary,
      HasSubstr(" That step belongs to operation 1, which the delete overtook: its answer is "
                "waited for, and what it did is released with the rest."));
}

Sandbox StuckOnLease() {
  Sandbox s = InState(State::kStuck);
  s.operation = Active(2, OperationKind::kDelete);
  s.parked_in = State::kDeleting;
  s.held = {HeldLease()};
  s.current = UndoOf(12, s.held.back(), 2);
  s.current->phase = StepPhase::kParked;
  s.current->attempt = 8;
  return s;
}

TEST(Explain, StuckSaysWhatIsParkedWhatIsHeldAndWhatToType) {
  Sandbox s = StuckOnLease();
  s.reason = s.current->reason = "PermissionDenied";
  s.message = "undo before_launch/ipam by ipam failed after 8 attempts: /var/leases is read-only";
  s.current->message = "/var/leases is read-only";
  const Explanation e = Explain(s, kNow);
  EXPECT_TRUE(e.needs_operator);
  EXPECT_EQ(
      e.summary,
      "Sandbox 'sb-1' has been Stuck for 3 minutes: nothing happens until an operator acts. It "
      "was Deleting when step undo before_launch/ipam (#12) of extension 'ipam' was parked: "
      "undo before_launch/ipam by ipam failed after 8 attempts: /var/leases is read-only "
      "(PermissionDenied). It still holds: lease 10.0.0.7 of extension 'ipam' (#5). Remove the "
      "cause and retry; or make sure by hand that nothing of it is left, and attest that.");
  EXPECT_THAT(e.commands,
              ElementsAre("holdfast repair sb-1 --retry",
                          "holdfast repair sb-1 --mark-released --note \"who looked, and what was "
                          "found\"",
                          "journal-cli show sb-1"));
  EXPECT_THAT(
      e.evidence,
      ElementsAre("state Stuck since 2023-11-14T22:10:20Z, parked in Deleting",
                  "operation 2: delete since 2023-11-14T22:10:20Z",
                  "#12 undo before_launch/ipam by extension 'ipam': Parked, attempt 8, intended "
                  "2023-11-14T22:13:00Z, undoes #5; last answer: /var/leases is read-only "
                  "(PermissionDenied)",
                  "#5 before_launch/ipam by extension 'ipam': in the world, lease 10.0.0.7 "
                  "(lease-77), since 2023-11-14T22:13:00Z"));
}

TEST(Explain, AnUndoBlockedByAMissingExtensionSaysToPutItBack) {
  Sandbox s = StuckOnLease();
  s.parked_in = State::kRollingBack;
  s.reason = s.current->reason = "UndoBlocked";
  s.message = s.current->message = "extension 'ipam' is not configured any more";
  const Explanation e = Explain(s, kNow);
  EXPECT_THAT(
      e.summary,
      HasSubstr(" Only extension 'ipam' can release this: put it back into the gateway's "
                "configuration, restart the gateway and retry. If it cannot come back, make "
                "sure by hand that nothing of it is left, and attest that."));
  // A delete would need the same extension.
  EXPECT_THAT(e.commands, Not(Contains("holdfast delete sb-1")));
}

TEST(Explain, StuckBecauseNobodyCanTellAdvisesAgainstGuessing) {
  Sandbox s = InState(State::kStuck);
  s.operation = Active(1, OperationKind::kCreate);
  s.parked_in = State::kProvisioning;
  s.reason = "CannotTell";
  s.message = "nobody can tell whether provision by process took effect";
  s.current = Make(8, "provision", "process", 1);
  s.current->phase = StepPhase::kParked;
  s.current->what.claims = {{"directory", "sb-1"}};
  s.current->what.undo = model::Undo{"process", "destroy", "", false};
  const Explanation e = Explain(s, kNow);
  EXPECT_THAT(e.summary,
              HasSubstr(" It still holds: perhaps directory sb-1 of driver 'process' (#8). Once "
                        "driver 'process' can be asked again, retry. If nothing of it is in the "
                        "world, attest that. Deleting the sandbox releases everything that it "
                        "holds."));
  EXPECT_THAT(e.commands, Contains("holdfast delete sb-1"));
}

TEST(Explain, FailedSaysWhyAndThatNothingIsLeft) {
  Sandbox s = InState(State::kFailed);
  s.reason = "NoImage";
  s.message = "the image is gone";
  const Explanation e = Explain(s, kNow);
  EXPECT_FALSE(e.needs_operator);
  EXPECT_EQ(
      e.summary,
      "Sandbox 'sb-1' has been Failed for 3 minutes: it could not be created: the image is "
      "gone (NoImage). What had been done for it is undone, and nothing of it is left. Delete "
      "it, which frees its id, or create another one.");
}

TEST(Explain, FailedDoesNotClaimThatNothingIsLeftWhenSomethingIs) {
  Sandbox s = InState(State::kFailed);
  s.held = {HeldLease()};
  EXPECT_THAT(Explain(s, kNow).summary,
              AllOf(HasSubstr("It still holds: lease 10.0.0.7"), Not(HasSubstr("nothing of it"))));
}

TEST(Explain, DeletedIsDone) {
  const Explanation e = Explain(InState(State::kDeleted), kNow);
  EXPECT_EQ(
      e.summary,
      "Sandbox 'sb-1' was deleted 3 minutes ago. Nothing of it is left, and its id may be used "
      "again.");
}

TEST(Explain, ADriftedSandboxIsNotCalledHealthy) {
  Sandbox s = InState(State::kRunning);
  s.agreement = model::Agreement::kDrifted;
  s.agreement_message = "The directory sb-1 is not there.";
  const Explanation e = Explain(s, kNow);
  EXPECT_TRUE(e.needs_operator);
  EXPECT_EQ(
      e.summary,
      "Sandbox 'sb-1' has been Running for 3 minutes. No operation is active. It differs from "
      "the world: The directory sb-1 is not there.");
}

TEST(Explain, ConditionsAreToldWithTheNewestInFull) {
  Sandbox s = InState(State::kRunning);
  s.conditions = {{"after_start/metrics", "HookFailed", "no socket", Ago(5 * kMinute)}};
  EXPECT_THAT(Explain(s, kNow).summary,
              HasSubstr(" One condition stops nothing but should be known: after_start/metrics: no "
                        "socket (HookFailed)."));
  s.conditions.push_back({"after_start/audit", "", "disk full", Ago(kMinute)});
  const Explanation e = Explain(s, kNow);
  EXPECT_THAT(e.summary, HasSubstr(" 2 conditions stop nothing but should be known; the newest: "
                                   "after_start/audit: disk full."));
  EXPECT_THAT(e.evidence,
              Contains("condition after_start/metrics since 2023-11-14T22:08:20Z: no socket "
                       "(HookFailed)"));
}

TEST(Explain, SpansAreRoundedDownToTheLargestUnit) {
  Sandbox s = InState(State::kDeleted);
  const std::vector<std::pair<std::int64_t, std::string>> spans = {
      {-5, "less than a second"},    {999, "less than a second"}, {kSecond, "1 second"},
      {59 * kSecond, "59 seconds"},  {kMinute, "1 minute"},       {47 * 60 * kMinute, "47 hours"},
      {72 * 60 * kMinute, "3 days"},
  };
  for (const auto& [span, words] : spans) {
    s.state_since = Ago(span);
    EXPECT_THAT(Explain(s, kNow).summary, HasSubstr("deleted " + words + " ago"));
  }
}

TEST(Explain, EveryStateHasWordsEvenWithoutAnOperationOrAStep) {
#define HOLDFAST_X(name, text) State::k##name,
  for (const State state : {HOLDFAST_STATES(HOLDFAST_X)}) {
#undef HOLDFAST_X
    const Explanation e = Explain(InState(state), kNow);
    EXPECT_THAT(e.summary, AllOf(HasSubstr("Sandbox 'sb-1' "), Not(HasSubstr("..")),
                                 Not(HasSubstr("  ")), testing::EndsWith(".")));
    EXPECT_EQ(e.needs_operator, state == State::kStuck);
  }
}

}  // namespace
}  // namespace holdfast::planning
