// SPDX-License-Identifier: Apache-2.0
//
// Decisions and folds by themselves: what no simulated platform can be brought to do at will.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "statemachine/model/action.h"
#include "statemachine/planning/decide.h"
#include "statemachine/planning/fold.h"

namespace holdfast::planning {
namespace {

using model::Outcome;
using model::Sandbox;
using model::State;

constexpr model::UnixMillis kNow{1'000};

// A sandbox "s" under driver "sim" with one extension "net" that implements `hooks`.
class Story {
 public:
  explicit Story(std::set<std::string> hooks) {
    sandbox.id = {"s"};
    model::CreateSandbox create;
    create.spec.driver = "sim";
    create.chain = {{.name = "net",
                     .version = "1",
                     .config_digest = "",
                     .activation = "global",
                     .hooks = std::move(hooks)}};
    EXPECT_EQ(Command(create), Refusal::kNone);
    Outcome planned = Outcome::Done();
    planned.plan = model::LaunchPlan{};
    Answer(planned);
  }

  Refusal Command(decltype(model::Command::wish) wish) {
    auto decision = Decide(sandbox, {sandbox.id, "", std::move(wish)}, policy, kNow);
    EXPECT_TRUE(decision.ok()) << decision.status();
    Take(decision->events);
    return decision->refusal;
  }
  void Answer(const Outcome& outcome) {
    ASSERT_TRUE(sandbox.current.has_value());
    auto events =
        OnAnswer(sandbox, sandbox.current->intent, sandbox.current->attempt, outcome, policy, kNow);
    ASSERT_TRUE(events.ok()) << events.status();
    Take(*events);
  }
  void Take(const std::vector<model::Event>& events) {
    for (const model::Event& event : events) {
      ASSERT_TRUE(Fold(sandbox, {{sandbox.head.value + 1}, kNow, event}).ok());
    }
  }
  absl::Status Refold(const model::Event& event) const {
    Sandbox copy = sandbox;
    return Fold(copy, {{copy.head.value + 1}, kNow, event});
  }

  Sandbox sandbox;
  Policy policy;
};

TEST(Planning, KeepsTheEnvironmentOfAHookThatLeavesNothingToUndo) {
  Story story({"before_launch"});
  Outcome allocated = Outcome::Done();
  allocated.env["PROXY"] = "here";
  ASSERT_EQ(story.sandbox.current->what.action, model::action::kBeforeLaunch);
  story.Answer(allocated);

  EXPECT_EQ(story.sandbox.state, State::kProvisioning);
  EXPECT_EQ(EffectivePlan(story.sandbox).env["PROXY"], "here");
}

TEST(Planning, RefusesAStartWhileHooksOfALaunchStillRunThoughTheWorkloadEnded) {
  Story story({"after_launch_succeeded"});
  story.Answer(Outcome::Done());  // provision
  story.Answer(Outcome::Done());  // start
  ASSERT_EQ(story.sandbox.state, State::kRunning);
  auto ended = OnVanished(story.sandbox, {story.sandbox.held.back().intent, "Exited", "", 0},
                          story.policy, kNow);
  ASSERT_TRUE(ended.ok());
  story.Take(*ended);
  ASSERT_EQ(story.sandbox.state, State::kStopped);

  EXPECT_EQ(story.Command(model::StartSandbox{}), Refusal::kBusy);
}

TEST(Planning, CallsOffAStopsGraceOnlyForADeleteThatIsForced) {
  Story story({});
  story.Answer(Outcome::Done());  // provision
  story.Answer(Outcome::Done());  // start
  story.Command(model::StopSandbox{.force = false, .grace_ms = 3'600'000});
  ASSERT_EQ(story.sandbox.current->what.action, model::action::kStop);

  story.Command(model::DeleteSandbox{});
  EXPECT_FALSE(std::get<Attempt>(Due(story.sandbox)).cancel);
  story.Command(model::DeleteSandbox{.force = true});
  EXPECT_TRUE(std::get<Attempt>(Due(story.sandbox)).cancel);
}

TEST(Fold, RefusesAStepOfAnOperationThatIsNotActive) {
  Story story({});
  model::StepIntended step = story.sandbox.current->what;
  story.sandbox.current.reset();
  step.operation.value += 1;

  EXPECT_EQ(story.Refold(step).code(), absl::StatusCode::kDataLoss);
}

TEST(Fold, RefusesAnAttemptThatIsNumberedBackwards) {
  Story story({});
  const model::StepRetried back{story.sandbox.current->intent, 0, true, true};

  EXPECT_EQ(story.Refold(back).code(), absl::StatusCode::kDataLoss);
}

TEST(Fold, RefusesToBeDeletedWhileSomethingIsHeld) {
  Story story({});
  story.Answer(Outcome::Done());  // provision, which is held from now on
  story.Command(model::DeleteSandbox{});
  ASSERT_EQ(story.sandbox.state, State::kDeleting);
  const model::Transitioned deleted{model::Trigger::kDeleteCompleted, State::kDeleted, "", ""};

  EXPECT_EQ(story.Refold(deleted).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace holdfast::planning
