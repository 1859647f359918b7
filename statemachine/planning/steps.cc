// SPDX-License-Identifier: Apache-2.0
#include "statemachine/planning/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "statemachine/model/action.h"

namespace holdfast::planning {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): this file speaks the model's
                        // language

// Newest or last first. (std::views::reverse of libstdc++ 12 does not compile with clang 14.)
template <typename T>
struct Reversed {
  explicit Reversed(const std::vector<T>& all) : all_(all) {}
  auto begin() const { return all_.rbegin(); }
  auto end() const { return all_.rend(); }
  const std::vector<T>& all_;
};

bool Completed(const Sandbox& s, std::string_view name) {
  return s.operation &&
         std::ranges::find(s.operation->completed, name) != s.operation->completed.end();
}

const StepClaims* FindClaims(const Sandbox& s, std::string_view step) {
  if (!s.plan) return nullptr;
  const auto found = std::ranges::find(s.plan->claims, step, &StepClaims::step);
  return found == s.plan->claims.end() ? nullptr : &*found;
}

const Step* FindHeld(const Sandbox& s, std::string_view action, std::string_view participant) {
  const auto found = std::ranges::find_if(s.held, [&](const Step& held) {
    return held.what.action == action && held.what.participant == participant;
  });
  return found == s.held.end() ? nullptr : &*found;
}

StepIntended Forward(const Sandbox& s, std::string name, std::string participant,
                     std::string_view action, std::chrono::milliseconds deadline) {
  StepIntended step;
  step.operation = s.operation->id;
  step.name = std::move(name);
  step.participant = std::move(participant);
  step.action = action;
  step.key = fmt::format("{}/{}/{}", s.id.value, s.operation->id.value, step.name);
  step.deadline_ms = deadline.count();
  return step;
}

// Adds what the plan says the step will make, and how that is undone.
void AddClaims(const Sandbox& s, std::string_view claims_of, std::string_view undo_action,
               StepIntended& step) {
  step.undo = Undo{step.participant, std::string(undo_action), "", true};
  if (const StepClaims* claims = FindClaims(s, claims_of)) {
    step.claims = claims->claims;
    step.idempotent = claims->step_idempotent;
    step.undo->args = claims->undo_args;
    step.undo->idempotent = claims->undo_idempotent;
  }
}

StepIntended DriverStep(const Sandbox& s, std::string_view action, const Policy& policy) {
  return Forward(s, std::string(action), s.spec.driver, action, policy.driver_step_deadline);
}

StepIntended Hook(const Sandbox& s, const ChainEntry& entry, std::string_view hook,
                  const Policy& policy) {
  return Forward(s, fmt::format("{}/{}", hook, entry.name), entry.name, hook,
                 std::min(entry.deadline, policy.hook_deadline_max));
}

// The first of these hooks that is not completed, over extensions that implement it.
template <typename Range>
std::optional<StepIntended> NextHook(const Sandbox& s, Range&& entries, std::string_view hook,
                                     const Policy& policy) {
  for (const ChainEntry& entry : entries) {
    if (!entry.hooks.contains(std::string(hook))) continue;
    if (Completed(s, fmt::format("{}/{}", hook, entry.name))) continue;
    return Hook(s, entry, hook, policy);
  }
  return std::nullopt;
}

std::optional<StepIntended> NextBeforeLaunch(const Sandbox& s, const Policy& policy) {
  auto step = NextHook(s, s.chain, action::kBeforeLaunch, policy);
  if (!step) return step;
  const auto& hooks = std::ranges::find(s.chain, step->participant, &ChainEntry::name)->hooks;
  if (hooks.contains(std::string(action::kAfterLaunchFailed)) ||
      hooks.contains(std::string(action::kAfterDelete))) {
    AddClaims(s, step->name, action::kRelease, *step);
  }
  return step;
}

std::optional<StepIntended> NextStart(const Sandbox& s, const Policy& policy) {
  if (s.operation->kind == OperationKind::kStart) {
    if (auto hook = NextHook(s, s.chain, action::kBeforeStart, policy)) return hook;
  }
  if (Completed(s, action::kStart)) return std::nullopt;
  StepIntended step = DriverStep(s, action::kStart, policy);
  AddClaims(s, action::kStart, action::kStop, step);
  return step;
}

StepIntended UndoOf(const Sandbox& s, const Step& held, std::string name, std::string_view action,
                    std::chrono::milliseconds deadline) {
  StepIntended step = Forward(s, std::move(name), held.what.undo->participant, action, deadline);
  step.kind = StepKind::kUndo;
  step.undoes = held.intent;
  step.args = held.what.undo->args;
  step.idempotent = held.what.undo->idempotent;
  return step;
}

std::chrono::milliseconds Grace(const Sandbox& s) {
  return std::chrono::milliseconds(s.operation->force ? 0 : s.operation->grace_ms);
}

StepIntended UndoHeld(const Sandbox& s, const Step& held, const Policy& policy) {
  const std::string name = fmt::format("undo {}", held.what.name);
  if (held.what.undo->action != action::kRelease) {
    auto deadline = policy.driver_step_deadline;
    if (held.what.undo->action == action::kStop) deadline += Grace(s);
    return UndoOf(s, held, name, held.what.undo->action, deadline);
  }
  const auto entry = std::ranges::find(s.chain, held.what.participant, &ChainEntry::name);
  const bool deleting = s.state == State::kDeleting;
  std::string_view hook = deleting ? action::kAfterDelete : action::kAfterLaunchFailed;
  std::string_view other = deleting ? action::kAfterLaunchFailed : action::kAfterDelete;
  auto deadline = policy.hook_deadline_max;
  if (entry != s.chain.end()) {
    deadline = std::min(entry->deadline, policy.hook_deadline_max);
    if (!entry->hooks.contains(std::string(hook))) hook = other;
  }
  return UndoOf(s, held, name, hook, deadline);
}

std::optional<StepIntended> NextUndo(const Sandbox& s, const Policy& policy) {
  // A start that failed undoes itself only; a failed create undoes all that there is.
  for (const Step& held : Reversed(s.held)) {
    if (s.operation->kind != OperationKind::kCreate && held.what.operation != s.operation->id)
      break;
    return UndoHeld(s, held, policy);
  }
  return std::nullopt;
}

std::optional<StepIntended> NextStop(const Sandbox& s, const Policy& policy) {
  if (!s.operation->force) {
    if (auto hook = NextHook(s, s.chain, action::kBeforeStop, policy)) return hook;
  }
  if (const Step* start = FindHeld(s, action::kStart, s.spec.driver)) {
    return UndoOf(s, *start, std::string(action::kStop), action::kStop,
                  policy.driver_step_deadline + Grace(s));
  }
  return NextHook(s, Reversed(s.chain), action::kAfterStop, policy);
}

// Newest first: the driver's steps, then extension by extension in reverse order. An extension that
// holds something releases it; one that only ran is told.
std::optional<StepIntended> NextRelease(const Sandbox& s, const Policy& policy) {
  if (s.launched && !s.operation->force) {
    if (auto hook = NextHook(s, s.chain, action::kBeforeDelete, policy)) return hook;
  }
  for (const Step& held : Reversed(s.held)) {
    if (held.what.participant == s.spec.driver) return UndoHeld(s, held, policy);
  }
  for (const ChainEntry& entry : Reversed(s.chain)) {
    if (const Step* held = FindHeld(s, action::kBeforeLaunch, entry.name)) {
      return UndoHeld(s, *held, policy);
    }
    const bool released =
        Completed(s, fmt::format("undo {}/{}", action::kBeforeLaunch, entry.name));
    const bool told = Completed(s, fmt::format("{}/{}", action::kAfterDelete, entry.name));
    if (!released && !told && s.touched.contains(entry.name) &&
        entry.hooks.contains(std::string(action::kAfterDelete)) &&
        !entry.hooks.contains(std::string(action::kBeforeLaunch))) {
      return Hook(s, entry, action::kAfterDelete, policy);
    }
  }
  // What is held by somebody who is not in the frozen chain cannot be; yet never leave anything
  // behind.
  if (!s.held.empty()) return UndoHeld(s, s.held.back(), policy);
  return std::nullopt;
}

}  // namespace

std::optional<StepIntended> NextStep(const Sandbox& s, const Policy& policy) {
  if (!s.operation) return std::nullopt;
  switch (s.state) {
    case State::kPlanning:
      if (Completed(s, action::kPlan)) return std::nullopt;
      return DriverStep(s, action::kPlan, policy);
    case State::kPreparing:
      return NextBeforeLaunch(s, policy);
    case State::kProvisioning: {
      if (Completed(s, action::kProvision)) return std::nullopt;
      StepIntended step = DriverStep(s, action::kProvision, policy);
      AddClaims(s, action::kProvision, action::kDestroy, step);
      return step;
    }
    case State::kStarting:
      return NextStart(s, policy);
    case State::kRunning:
      return NextHook(s, s.chain,
                      s.operation->kind == OperationKind::kStart ? action::kAfterStart
                                                                 : action::kAfterLaunchSucceeded,
                      policy);
    case State::kStopping:
      return NextStop(s, policy);
    case State::kRollingBack:
      return NextUndo(s, policy);
    case State::kDeleting:
      return NextRelease(s, policy);
    default:
      return std::nullopt;
  }
}

bool MayBeSkipped(const Sandbox& s, const StepIntended& step) {
  if (step.action == action::kBeforeDelete) return true;
  const bool around = step.action == action::kAfterLaunchSucceeded ||
                      step.action == action::kBeforeStop || step.action == action::kAfterStop ||
                      step.action == action::kBeforeStart || step.action == action::kAfterStart;
  if (!around) return false;
  const auto entry = std::ranges::find(s.chain, step.participant, &ChainEntry::name);
  return entry == s.chain.end() || entry->on_failure == FailurePolicy::kKeep;
}

bool CanBeProbed(const StepIntended& step) {
  return step.undo.has_value() || step.kind == StepKind::kUndo;
}

}  // namespace holdfast::planning
