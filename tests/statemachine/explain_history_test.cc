// SPDX-License-Identifier: Apache-2.0
//
// Explanations of sandboxes that the planner really led there: whatever random participants answer,
// there are words, and they ask for an operator exactly where the planner waits for one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "statemachine/planning/decide.h"
#include "statemachine/planning/explain.h"
#include "statemachine/planning/fold.h"
#include "tests/statemachine/planned_sandbox.h"

namespace holdfast::planning {
namespace {

using model::Outcome;
using model::Sandbox;
using model::State;
using ::testing::Contains;
using ::testing::HasSubstr;
using tests::PlannedSandbox;
using tests::Succeed;

Explanation Why(const PlannedSandbox& planned) { return Explain(planned.sandbox(), planned.now()); }

TEST(ExplainHistory, ASandboxThatRunsIsHeldByNothing) {
  PlannedSandbox story;
  while (story.Step(Succeed)) {
  }
  ASSERT_EQ(story.sandbox().state, State::kRunning);
  EXPECT_THAT(Why(story).summary, HasSubstr("Nothing holds it"));
}

TEST(ExplainHistory, AnExtensionThatWasUnconfiguredBlocksItsUndoAndIsNamed) {
  PlannedSandbox story;
  while (story.Step(Succeed)) {
  }
  story.Command(model::DeleteSandbox{});
  while (story.Step([](const model::Step& step, bool probe) {
    if (step.what.participant != "ipam") return Succeed(step, probe);
    return Outcome::Failed("UndoBlocked", "extension 'ipam' is not configured any more");
  })) {
  }
  ASSERT_EQ(story.sandbox().state, State::kStuck);
  const Explanation why = Why(story);
  EXPECT_TRUE(why.needs_operator);
  EXPECT_THAT(why.summary, HasSubstr("It still holds: thing before_launch/ipam of extension "
                                     "'ipam' (#"));
  EXPECT_THAT(why.summary, HasSubstr("Only extension 'ipam' can release this: put it back"));
  EXPECT_THAT(why.commands, Contains("holdfast repair sb-1 --retry"));
  story.Command(model::Repair{});
  while (story.Step(Succeed)) {
  }
  EXPECT_THAT(Why(story).summary, HasSubstr("was deleted"));
}

TEST(ExplainHistory, AWorkloadThatEndedIsSaidToHaveEndedByItself) {
  PlannedSandbox story;
  while (story.Step(Succeed)) {
  }
  Sandbox s = story.sandbox();
  const model::IntentId start = s.held.back().intent;
  const auto events =
      OnVanished(s, {start, "WorkloadExited", "the command returned", 3}, Policy{}, s.changed);
  ASSERT_TRUE(events.ok());
  for (const model::Event& event : *events) {
    ASSERT_TRUE(Fold(s, {{s.head.value + 1}, s.changed, event}).ok());
  }
  EXPECT_THAT(Explain(s, s.changed).summary,
              HasSubstr("Its workload ended by itself with exit code 3: the command returned "
                        "(WorkloadExited)."));
}

TEST(ExplainHistory, ThereAreWordsWhateverParticipantsAnswer) {
  EXPECT_TRUE(rc::check("explain after every step", [] {
    PlannedSandbox story;
    for (int left = *rc::gen::inRange(0, 60); left > 0; --left) {
      tests::LiveOn(story);
      const Explanation why = Why(story);
      const bool drifted = story.sandbox().agreement == model::Agreement::kDrifted;
      RC_ASSERT(why.needs_operator == (story.sandbox().state == State::kStuck ||
                                       (drifted && !story.sandbox().operation)));
      RC_ASSERT(why.summary.ends_with('.'));
      RC_ASSERT(why.summary.find("..") == std::string::npos);
      RC_ASSERT(why.summary.find(": .") == std::string::npos);
      RC_ASSERT(!why.evidence.empty());
      // A sandbox that holds something is never said to hold nothing.
      if (!story.sandbox().held.empty()) {
        RC_ASSERT(why.summary.find("and nothing of it is left.") == std::string::npos);
        RC_ASSERT(why.summary.find("Nothing of it is left") == std::string::npos);
      }
    }
  }));
}

}  // namespace
}  // namespace holdfast::planning
