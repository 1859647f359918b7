// SPDX-License-Identifier: Apache-2.0
#include "tests/statemachine/planned_sandbox.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "statemachine/model/action.h"
#include "statemachine/planning/fold.h"

namespace holdfast::tests {

using model::Outcome;
using model::Verdict;

PlannedSandbox::PlannedSandbox() {
  // Few, so that random lives are stuck often.
  policy_.forward_attempts_max = policy_.undo_attempts_max = policy_.probes_max = 2;
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

bool PlannedSandbox::Step(const Answerer& answer) {
  now_.value += 10;
  const planning::Work work = planning::Due(sandbox_);
  if (std::holds_alternative<planning::Nothing>(work)) return false;
  if (const auto* timer = std::get_if<planning::Timer>(&work)) {
    now_ = std::max(now_, timer->due);
    Take(planning::OnTimer(sandbox_, timer->intent, timer->attempt, policy_, now_));
    return true;
  }
  const bool probe = std::holds_alternative<planning::Probe>(work);
  const model::Step& current = *sandbox_.current;
  Take(planning::OnAnswer(sandbox_, current.intent, current.attempt, answer(current, probe),
                          policy_, now_));
  return true;
}

void PlannedSandbox::Vanish() {
  for (const model::Step& held : sandbox_.held) {
    if (held.what.action != model::action::kStart) continue;
    Take(planning::OnVanished(sandbox_,
                              {held.intent, "WorkloadExited", "the workload ended by itself", 3},
                              policy_, now_));
    return;
  }
}

void PlannedSandbox::Compare(model::Agreement agreement) {
  Take(planning::OnCompared(sandbox_, agreement, "looked", now_));
}

void PlannedSandbox::Recover() { Take(planning::Recover(sandbox_, policy_, now_)); }

void PlannedSandbox::Take(planning::Events events) {
  ASSERT_TRUE(events.ok()) << events.status();
  for (model::Event& event : *events) {
    model::Recorded recorded{{sandbox_.head.value + 1}, now_, std::move(event)};
    const auto folded = planning::Fold(sandbox_, recorded);
    ASSERT_TRUE(folded.ok()) << folded;
    history_.push_back(std::move(recorded));
  }
}

Outcome Succeed(const model::Step& step, bool probe) {
  if (probe) return Outcome::Probed(Verdict::kPresent);
  Outcome done = Outcome::Done();
  if (step.what.action == model::action::kPlan) done.plan = model::LaunchPlan{};
  if (step.what.undo) done.resources = {{"thing", step.what.name, "h"}};
  return done;
}

Outcome AnyAnswer(const model::Step& step, bool probe) {
  const int choice = *rc::gen::inRange(0, 8);
  if (probe) {
    if (choice < 3) return Outcome::Probed(Verdict::kPresent, {{"thing", "found", "h"}});
    if (choice < 6) return Outcome::Probed(Verdict::kAbsent);
    return Outcome::Probed(Verdict::kCannotTell);
  }
  if (choice < 4) {
    Outcome done = Succeed(step, probe);
    if (done.plan) done.plan->labels = {{"team", "a"}};
    if (step.what.participant == "ipam") {
      done.state = model::StateBlob{1, step.what.key};
      done.env = {{"ADDRESS", "10.0.0.7"}};
    }
    return done;
  }
  if (choice == 4) return Outcome::Unknown("DeadlineExceeded", "no answer in time");
  Outcome failed = Outcome::Failed("Broken", "it does not work.");
  failed.retryable = choice == 5;
  failed.no_effect = choice == 6;
  return failed;
}

void LiveOn(PlannedSandbox& planned) {
  // Mostly the work that is due; now and then something happens beside it.
  const int chance = *rc::gen::inRange(0, 12);
  if (chance == 0) return planned.Recover();
  if (chance == 1) return planned.Command(model::DeleteSandbox{});
  if (planned.Step(AnyAnswer)) return;
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      return planned.Command(model::StopSandbox{});
    case 1:
      return planned.Command(model::StartSandbox{});
    case 2:
      return planned.Command(model::DeleteSandbox{});
    case 3: {
      model::CreateSandbox again;
      again.spec.driver = "process";
      return planned.Command(again);
    }
    case 4:
      return planned.Vanish();
    case 5:
      return planned.Compare(planned.sandbox().agreement == model::Agreement::kConsistent
                                 ? model::Agreement::kDrifted
                                 : model::Agreement::kConsistent);
    default:
      return planned.Command(model::Repair{});
  }
}

}  // namespace holdfast::tests
