// SPDX-License-Identifier: Apache-2.0
//
// What the folded sandbox asks of the world; the same for a step that was just decided and for one
// that a dead process left behind.
#include <algorithm>

#include "statemachine/model/action.h"
#include "statemachine/planning/decide.h"

namespace holdfast::planning {

namespace action = model::action;

Work Due(const model::Sandbox& sandbox) {
  if (!sandbox.current) return Nothing{};
  const model::Step& step = *sandbox.current;
  const bool undo = step.what.kind == model::StepKind::kUndo;
  switch (step.phase) {
    case model::StepPhase::kInFlight: {
      const bool overtaken = sandbox.operation && sandbox.operation->id != step.what.operation;
      // An undo is let to its end, but nobody who forces a delete waits for the grace of a stop.
      const bool forced =
          overtaken && sandbox.operation->force && step.what.action == action::kStop;
      return Attempt{step.intent, step.attempt, forced || (overtaken && !undo)};
    }
    case model::StepPhase::kProbing:
      return Probe{step.intent, step.attempt, undo ? step.what.undoes : step.intent};
    case model::StepPhase::kWaitingRetry:
    case model::StepPhase::kWaitingProbe:
      return Timer{step.intent, step.attempt, step.due};
    case model::StepPhase::kParked:
    case model::StepPhase::kHeld:
      return Nothing{};
  }
  return Nothing{};
}

model::LaunchPlan EffectivePlan(const model::Sandbox& sandbox) {
  model::LaunchPlan plan = sandbox.plan.value_or(model::LaunchPlan{});
  for (const model::Step& step : sandbox.held) {
    for (const auto& [name, value] : step.env) {
      // What the plan already says wins: before_launch adds, it does not change.
      if (plan.env.emplace(name, value).second) {
        plan.changes.push_back({step.what.participant, "env." + name, value});
      }
    }
  }
  return plan;
}

const model::Step* FindStep(const model::Sandbox& sandbox, model::IntentId intent) {
  if (sandbox.current && sandbox.current->intent == intent) return &*sandbox.current;
  const auto held = std::find_if(sandbox.held.begin(), sandbox.held.end(),
                                 [&](const model::Step& step) { return step.intent == intent; });
  return held == sandbox.held.end() ? nullptr : &*held;
}

}  // namespace holdfast::planning
