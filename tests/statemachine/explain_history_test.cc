// SPDX-License-Identifier: Apache-2.0
//
// Explanations of sandboxes that the planner really led there: whatever random participants answer,
// there are words, and they ask for an operator exactly where the planner waits for one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <variant>
#include <vector>

#include "statemachine/model/action.h"
#include "statemachine/planning/decide.h"
#include "statemachine/planning/explain.h"
#include "statemachine/planning/fold.h"

namespace holdfast::planning {
namespace {

using model::Outcome;
using model::Sandbox;
using model::State;
using model::UnixMillis;
using model::Verdict;
using ::testing::Contains;
using ::testing::HasSubstr;

// One sandbox, its planner, and a clock that is moved by hand.
class Story {
 public:
  Story() {
    sandbox_.id = {"sb-1"};
    model::CreateSandbox create;
    create.spec.driver = "process";
    model::ChainEntry ipam;
    ipam.name = "ipam";
    ipam.hooks = {std::string(model::action::kBeforeLaunch),
                  std::string(model::action::kAfterLaunchFailed),
                  std::string(model::action::kAfterDelete)};
    create.chain = {ipam};
    Command(create);
  }

  const Sandbox& sandbox() const { return sandbox_; }
  Explanation Why() const { return Explain(sandbox_, now_); }

  template <typename Wish>
  void Command(const Wish& wish) {
    auto decision = Decide(sandbox_, model::Command{{"sb-1"}, "", wish}, policy_, now_);
    ASSERT_TRUE(decision.ok()) << decision.status();
    Take(decision->events);
  }

  // Answers what is due, or lets its time come. False when nothing is due.
  template <typename Answerer>
  bool Step(Answerer answer) {
    now_.value += 10;
    const Work work = Due(sandbox_);
    if (std::holds_alternative<Nothing>(work)) return false;
    Events events;
    if (const auto* timer = std::get_if<Timer>(&work)) {
      now_ = std::max(now_, timer->due);
      events = OnTimer(sandbox_, timer->intent, timer->attempt, policy_, now_);
    } else {
      const bool probe = std::holds_alternative<Probe>(work);
      const model::Step& current = *sandbox_.current;
      const Outcome outcome = answer(current, probe);
      events = OnAnswer(sandbox_, current.intent, current.attempt, outcome, policy_, now_);
    }
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok()) return false;
    Take(*events);
    return true;
  }

 private:
  void Take(const std::vector<model::Event>& events) {
    for (const model::Event& event : events) {
      const auto folded = Fold(sandbox_, {{sandbox_.head.value + 1}, now_, event});
      ASSERT_TRUE(folded.ok()) << folded;
    }
  }

  Sandbox sandbox_;
  Policy policy_;
  UnixMillis now_{1'700'000'000'000};
};

Outcome Succeed(const model::Step& step, bool probe) {
  if (probe) return Outcome::Probed(Verdict::kPresent);
  Outcome done = Outcome::Done();
  if (step.what.action == model::action::kPlan) done.plan = model::LaunchPlan{};
  if (step.what.undo) done.resources = {{"thing", step.what.name, "h"}};
  return done;
}

TEST(ExplainHistory, ASandboxThatRunsIsHeldByNothing) {
  Story story;
  while (story.Step(Succeed)) {
  }
  ASSERT_EQ(story.sandbox().state, State::kRunning);
  EXPECT_THAT(story.Why().summary, HasSubstr("Nothing holds it"));
}

TEST(ExplainHistory, AnExtensionThatWasUnconfiguredBlocksItsUndoAndIsNamed) {
  Story story;
  while (story.Step(Succeed)) {
  }
  story.Command(model::DeleteSandbox{});
  while (story.Step([](const model::Step& step, bool probe) {
    if (step.what.participant != "ipam") return Succeed(step, probe);
    return Outcome::Failed("UndoBlocked", "extension 'ipam' is not configured any more");
  })) {
  }
  ASSERT_EQ(story.sandbox().state, State::kStuck);
  const Explanation why = story.Why();
  EXPECT_TRUE(why.needs_operator);
  EXPECT_THAT(why.summary, HasSubstr("It still holds: thing before_launch/ipam of extension "
                                     "'ipam' (#"));
  EXPECT_THAT(why.summary, HasSubstr("Only extension 'ipam' can release this: put it back"));
  EXPECT_THAT(why.commands, Contains("holdfast repair sb-1 --retry"));
  story.Command(model::Repair{});
  while (story.Step(Succeed)) {
  }
  EXPECT_THAT(story.Why().summary, HasSubstr("was deleted"));
}

TEST(ExplainHistory, AWorkloadThatEndedIsSaidToHaveEndedByItself) {
  Story story;
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

Outcome AnyAnswer(const model::Step& step, bool probe) {
  const int choice = *rc::gen::inRange(0, 8);
  if (probe) {
    if (choice < 3) return Outcome::Probed(Verdict::kPresent);
    if (choice < 6) return Outcome::Probed(Verdict::kAbsent);
    return Outcome::Probed(Verdict::kCannotTell);
  }
  if (choice < 4) return Succeed(step, probe);
  if (choice == 4) return Outcome::Unknown("DeadlineExceeded", "no answer in time");
  Outcome failed = Outcome::Failed("Broken", "it does not work.");
  failed.retryable = choice == 5;
  failed.no_effect = choice == 6;
  return failed;
}

TEST(ExplainHistory, ThereAreWordsWhateverParticipantsAnswer) {
  EXPECT_TRUE(rc::check("explain after every step", [] {
    Story story;
    for (int left = *rc::gen::inRange(0, 60); left > 0; --left) {
      if (!story.Step(AnyAnswer)) {
        switch (*rc::gen::inRange(0, 4)) {
          case 0:
            story.Command(model::StopSandbox{});
            break;
          case 1:
            story.Command(model::StartSandbox{});
            break;
          case 2:
            story.Command(model::DeleteSandbox{});
            break;
          default:
            story.Command(model::Repair{});
            break;
        }
      }
      const Explanation why = story.Why();
      RC_ASSERT(why.needs_operator == (story.sandbox().state == State::kStuck));
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
