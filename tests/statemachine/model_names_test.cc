// SPDX-License-Identifier: Apache-2.0
//
// Names are persisted: each comes back as the value it stands for, and no two are alike.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "statemachine/model/event.h"
#include "statemachine/model/outcome.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/model/state.h"

namespace holdfast::model {
namespace {

#define HOLDFAST_X(name, text) State::k##name,
const std::vector<State> kStates = {HOLDFAST_STATES(HOLDFAST_X)};
#undef HOLDFAST_X
#define HOLDFAST_X(name, text) Trigger::k##name,
const std::vector<Trigger> kTriggers = {HOLDFAST_TRIGGERS(HOLDFAST_X)};
#undef HOLDFAST_X

template <typename Enum, typename Find>
void ExpectNamesComeBack(const std::vector<Enum>& values, Find find) {
  std::set<std::string_view> names;
  for (const Enum value : values) {
    EXPECT_EQ(find(Name(value)), value) << Name(value);
    EXPECT_TRUE(names.insert(Name(value)).second) << Name(value);
  }
  EXPECT_FALSE(find("").has_value());
  EXPECT_FALSE(find("no such name").has_value());
}

TEST(ModelNames, OfStatesComeBack) { ExpectNamesComeBack(kStates, StateFromName); }

TEST(ModelNames, OfTriggersComeBack) { ExpectNamesComeBack(kTriggers, TriggerFromName); }

TEST(ModelNames, OfAgreementsComeBack) {
  ExpectNamesComeBack<Agreement>(
      {Agreement::kConsistent, Agreement::kReconciling, Agreement::kDrifted}, AgreementFromName);
}

TEST(ModelNames, OfStepPhasesComeBack) {
  ExpectNamesComeBack<StepPhase>(
      {StepPhase::kInFlight, StepPhase::kProbing, StepPhase::kWaitingRetry,
       StepPhase::kWaitingProbe, StepPhase::kParked, StepPhase::kHeld},
      StepPhaseFromName);
}

TEST(ModelNames, OfVerdictsComeBack) {
  ExpectNamesComeBack<Verdict>({Verdict::kDone, Verdict::kFailed, Verdict::kUnknown,
                                Verdict::kPresent, Verdict::kAbsent, Verdict::kCannotTell},
                               VerdictFromName);
}

TEST(ModelNames, OfOperationKindsComeBack) {
  ExpectNamesComeBack<OperationKind>(
      {OperationKind::kCreate, OperationKind::kStart, OperationKind::kStop, OperationKind::kDelete},
      OperationKindFromName);
}

TEST(ModelNames, OfOperationResultsComeBack) {
  ExpectNamesComeBack<OperationResult>(
      {OperationResult::kSucceeded, OperationResult::kFailed, OperationResult::kInterrupted},
      OperationResultFromName);
}

TEST(ModelNames, OfStepPhasesAreDistinct) {
  std::set<std::string_view> names;
  for (const StepPhase phase : {StepPhase::kInFlight, StepPhase::kProbing, StepPhase::kWaitingRetry,
                                StepPhase::kWaitingProbe, StepPhase::kParked, StepPhase::kHeld}) {
    EXPECT_TRUE(names.insert(Name(phase)).second);
  }
}

TEST(ModelNames, EveryStateAndTriggerIsDescribed) {
  for (const State state : kStates) EXPECT_FALSE(Describe(state).empty()) << Name(state);
  for (const Trigger trigger : kTriggers) EXPECT_FALSE(Describe(trigger).empty()) << Name(trigger);
}

TEST(ModelTypeName, OfATransitionIsItsTrigger) {
  EXPECT_EQ(TypeName(Transitioned{Trigger::kStopCompleted, State::kStopped, "", ""}),
            "StopCompleted");
}

TEST(ModelTypeName, OnlyTheRequestSharesItsNameWithATrigger) {
  const std::vector<Event> others = {OperationAccepted{}, OperationFinished{},  StepIntended{},
                                     StepAnswered{},      StepRetryScheduled{}, StepRetried{},
                                     StepSkipped{},       EffectVanished{},     AgreementChanged{}};
  for (const Event& event : others) {
    EXPECT_FALSE(TriggerFromName(TypeName(event)).has_value()) << TypeName(event);
  }
  EXPECT_TRUE(TriggerFromName(TypeName(SandboxRequested{})).has_value());
}

}  // namespace
}  // namespace holdfast::model
