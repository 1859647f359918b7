// SPDX-License-Identifier: Apache-2.0
//
// One function per event. Each checks that the event may follow, then changes the sandbox; what is
// checked here is what the journal's reader can rely on.
#include "statemachine/planning/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "statemachine/lifecycle/lifecycle.h"

namespace holdfast::planning {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): this file speaks the model's
                        // language

absl::Status CannotFollow(const std::string& why) {
  return absl::DataLossError(fmt::format("event cannot follow its history: {}", why));
}

template <typename T>
void PushBounded(std::vector<T>& list, T item, std::size_t max) {
  if (list.size() == max) list.erase(list.begin());
  list.push_back(std::move(item));
}

void Complete(Sandbox& s, const Step& step) {
  // A step of an operation that was overtaken says nothing about the present one's progress.
  if (s.operation && s.operation->id == step.what.operation) {
    s.operation->completed.push_back(step.what.name);
  }
}

// Removes the held step that the undo was for. What an operator released is gone as well.
void DropHeld(Sandbox& s, IntentId intent) {
  std::erase_if(s.held, [&](const Step& held) { return held.intent == intent; });
}

// The step ends here; its effect stays in the world, or may have. One that leaves nothing to undo
// is not held, yet what it adds to the workload's environment stays said.
void Hold(Sandbox& s, Step step, bool certain) {
  if (!step.what.undo) {
    if (!s.plan) return;
    for (const auto& [name, value] : step.env) {
      if (!s.plan->env.emplace(name, value).second) continue;
      s.plan->changes.push_back({step.what.participant, "env." + name, value});
    }
    return;
  }
  step.phase = StepPhase::kHeld;
  step.certain = certain;
  s.held.push_back(std::move(step));
}

absl::Status Move(Sandbox& s, Trigger trigger, UnixMillis now) {
  lifecycle::Facts facts;
  facts.creating = s.operation && s.operation->kind == OperationKind::kCreate;
  facts.parked_in = s.parked_in;
  const auto move = lifecycle::Next(s.state, trigger, facts);
  if (!move) {
    return CannotFollow(fmt::format("no transition from {} on {}", Name(s.state), Name(trigger)));
  }
  if (trigger == Trigger::kWorkParked) {
    s.parked_in = s.state;
    if (s.current) s.current->phase = StepPhase::kParked;
  } else if (s.state == State::kStuck) {
    s.parked_in.reset();
  }
  s.state = move->to;
  s.state_since = now;
  if (s.state == State::kRunning) {
    s.launched = true;
    s.exit_code.reset();  // of an earlier run
  }
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded& r, const SandboxRequested& e) {
  if (s.exists()) {
    if (absl::Status moved = Move(s, Trigger::kSandboxRequested, r.time); !moved.ok()) return moved;
  }
  Sandbox fresh;
  fresh.id = s.id;
  fresh.head = s.head;
  fresh.last_operation = s.last_operation;
  fresh.generation = e.generation;
  fresh.created = r.time;
  fresh.state_since = r.time;
  fresh.spec = e.spec;
  fresh.chain = e.chain;
  fresh.secret_fields = e.secret_fields;
  s = std::move(fresh);
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded& r, const OperationAccepted& e) {
  if (s.operation) return CannotFollow("another operation is active");
  if (e.operation.value != s.last_operation.value + 1)
    return CannotFollow("operation out of order");
  Operation operation;
  operation.id = e.operation;
  operation.kind = e.kind;
  operation.request_id = e.request_id;
  operation.since = r.time;
  operation.force = e.force;
  operation.grace_ms = e.grace_ms;
  s.operation = std::move(operation);
  s.last_operation = e.operation;
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded&, const OperationFinished& e) {
  if (!s.operation || s.operation->id != e.operation) return CannotFollow("it is not active");
  PushBounded(s.finished,
              FinishedOperation{e.operation, s.operation->kind, s.operation->request_id, e.result,
                                e.reason, e.message},
              kFinishedOperationsMax);
  s.operation.reset();
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded& r, const Transitioned& e) {
  if (absl::Status moved = Move(s, e.trigger, r.time); !moved.ok()) return moved;
  if (s.state != e.to) {
    return CannotFollow(fmt::format("{} was journaled as reaching {}, but the table says {}",
                                    Name(e.trigger), Name(e.to), Name(s.state)));
  }
  s.reason = e.reason;
  s.message = e.message;
  if ((s.state == State::kDeleted || s.state == State::kFailed) && (s.current || !s.held.empty())) {
    return CannotFollow(fmt::format("{} while something is still held", Name(s.state)));
  }
  if (e.trigger == Trigger::kOperationFailed && s.operation) {
    s.operation->failure_reason = e.reason;
    s.operation->failure_message = e.message;
  }
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded& r, const StepIntended& e) {
  if (s.current) return CannotFollow("another step is being worked at");
  if (!s.operation || s.operation->id != e.operation) {
    return CannotFollow("it is a step of an operation that is not active");
  }
  if (e.kind == StepKind::kUndo &&
      std::none_of(s.held.begin(), s.held.end(),
                   [&](const Step& held) { return held.intent == e.undoes; })) {
    return CannotFollow("it undoes what is not held");
  }
  Step step;
  step.intent = IntentId{r.sequence.value};
  step.what = e;
  step.since = r.time;
  if (e.participant != s.spec.driver) s.touched.insert(e.participant);
  s.current = std::move(step);
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded&, const StepAnswered& e) {
  if (!s.current || s.current->intent != e.intent || s.current->attempt != e.attempt) {
    return CannotFollow("it answers a step that is not being worked at");
  }
  Step& step = *s.current;
  if (step.phase != StepPhase::kInFlight && step.phase != StepPhase::kProbing) {
    return CannotFollow("it answers a step that nobody was asked about");
  }
  const Outcome& outcome = e.outcome;
  const bool undo = step.what.kind == StepKind::kUndo;
  step.reason = outcome.reason;
  step.message = outcome.message;
  if (outcome.state) s.extension_state[step.what.participant] = *outcome.state;
  switch (outcome.verdict) {
    case Verdict::kDone:
    case Verdict::kPresent:
      if (!undo) {
        step.resources = outcome.resources;
        step.env = outcome.env;
        if (outcome.plan) s.plan = outcome.plan;
      }
      break;
    case Verdict::kFailed:
      if (!undo) {
        if (!outcome.resources.empty()) step.resources = outcome.resources;
        if (outcome.no_effect) step.effect_possible = false;
      }
      break;
    case Verdict::kAbsent:
      if (!undo) step.effect_possible = false;
      break;
    case Verdict::kCannotTell:
      ++step.probes;
      break;
    case Verdict::kUnknown:
      break;
  }
  if (!e.closes) return absl::OkStatus();

  Step closed = std::move(step);
  s.current.reset();
  const bool took_effect =
      outcome.verdict == Verdict::kDone || outcome.verdict == Verdict::kPresent;
  if (undo) {
    if (outcome.verdict != Verdict::kDone && outcome.verdict != Verdict::kAbsent) {
      return CannotFollow("an undo ends only when it is done or found to be unnecessary");
    }
    DropHeld(s, closed.what.undoes);
    Complete(s, closed);
  } else if (took_effect) {
    Complete(s, closed);
    Hold(s, std::move(closed), /*certain=*/true);
  } else if (closed.effect_possible) {
    Hold(s, std::move(closed), /*certain=*/false);
  }
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded&, const StepRetryScheduled& e) {
  if (!s.current || s.current->intent != e.intent) return CannotFollow("no such step");
  if (e.attempt < s.current->attempt) return CannotFollow("attempts only grow");
  s.current->attempt = e.attempt;
  s.current->due = e.due;
  s.current->phase = e.probe ? StepPhase::kWaitingProbe : StepPhase::kWaitingRetry;
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded&, const StepRetried& e) {
  if (!s.current || s.current->intent != e.intent) return CannotFollow("no such step");
  Step& step = *s.current;
  if (e.attempt < step.attempt) return CannotFollow("attempts only grow");
  if (e.fresh) step.attempts_base = e.probe ? e.attempt : e.attempt - 1;
  if (e.fresh || !e.probe) step.probes = 0;
  if (!e.probe) step.effect_earlier = std::exchange(step.effect_possible, true);
  step.attempt = e.attempt;
  step.phase = e.probe ? StepPhase::kProbing : StepPhase::kInFlight;
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded& r, const StepSkipped& e) {
  if (!s.current || s.current->intent != e.intent) return CannotFollow("no such step");
  Step skipped = std::move(*s.current);
  s.current.reset();
  PushBounded(s.conditions, Condition{skipped.what.name, e.reason, e.message, r.time},
              kConditionsMax);
  Complete(s, skipped);
  if (skipped.what.kind == StepKind::kUndo) {
    if (!e.by_operator) return CannotFollow("only an operator gives up an undo");
    DropHeld(s, skipped.what.undoes);
  } else if (!e.by_operator && skipped.effect_possible) {
    Hold(s, std::move(skipped), /*certain=*/false);
  }
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded&, const EffectVanished& e) {
  const auto held = std::find_if(s.held.begin(), s.held.end(),
                                 [&](const Step& step) { return step.intent == e.intent; });
  if (held == s.held.end()) return CannotFollow("what vanished was not held");
  s.held.erase(held);
  s.exit_code = e.exit_code;
  return absl::OkStatus();
}

absl::Status Apply(Sandbox& s, const Recorded&, const AgreementChanged& e) {
  s.agreement = e.agreement;
  s.agreement_message = e.message;
  return absl::OkStatus();
}

}  // namespace

absl::Status Fold(Sandbox& sandbox, const Recorded& recorded) {
  if (recorded.sequence.value != sandbox.head.value + 1) {
    return CannotFollow(
        fmt::format("sequence {} after {}", recorded.sequence.value, sandbox.head.value));
  }
  const bool begins = std::holds_alternative<SandboxRequested>(recorded.event);
  if (!sandbox.exists() && !begins) return CannotFollow("a history begins with SandboxRequested");
  absl::Status applied = std::visit(
      [&](const auto& event) { return Apply(sandbox, recorded, event); }, recorded.event);
  if (!applied.ok()) {
    return absl::DataLossError(fmt::format("{} at sequence {}: {}", TypeName(recorded.event),
                                           recorded.sequence.value,
                                           std::string(applied.message())));
  }
  sandbox.head = recorded.sequence;
  sandbox.changed = recorded.time;
  return absl::OkStatus();
}

}  // namespace holdfast::planning
