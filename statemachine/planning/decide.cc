// SPDX-License-Identifier: Apache-2.0
//
// Decisions are made on a working copy: every event that is decided is folded at once, and the next
// one is decided on the result. So a decision always folds, and what it says is due is what the
// journal will say.
#include "statemachine/planning/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "statemachine/lifecycle/lifecycle.h"
#include "statemachine/model/action.h"
#include "statemachine/planning/fold.h"
#include "statemachine/planning/steps.h"

namespace holdfast::planning {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): this file speaks the model's
                        // language

class Core {
 public:
  Core(const Sandbox& sandbox, const Policy& policy, UnixMillis now)
      : s_(sandbox), policy_(policy), now_(now) {}

  Decision OnCreate(const Command& command, const CreateSandbox& create);
  Decision OnStart(const Command& command);
  Decision OnStop(const Command& command, const StopSandbox& stop);
  Decision OnDelete(const Command& command, const DeleteSandbox& del);
  Decision OnRepair(const Repair& repair);
  void OnAnswer(const Outcome& outcome);
  void OnTimer();
  void OnVanished(const EffectVanished& vanished);
  void Recover();

  const Sandbox& sandbox() const { return s_; }
  Events Take() && {
    if (!broken_.ok()) return broken_;
    return std::move(events_);
  }
  absl::StatusOr<Decision> Finish(Decision decision) && {
    if (!broken_.ok()) return broken_;
    decision.events = std::move(events_);
    return decision;
  }

 private:
  void Emit(Event event) {
    if (!broken_.ok()) return;
    Recorded recorded{Sequence{s_.head.value + 1}, now_, std::move(event)};
    if (absl::Status folded = Fold(s_, recorded); !folded.ok()) {
      broken_ = absl::InternalError(
          fmt::format("a decision does not fold, which is a defect of Holdfast: {}",
                      std::string(folded.message())));
      return;
    }
    events_.push_back(std::move(recorded.event));
  }
  // `to` is filled in from the table, so that there is one source for it.
  void Move(Trigger trigger, std::string reason = "", std::string message = "");
  void Accept(const Command& command, OperationKind kind, bool force, std::int64_t grace_ms);
  void EndOperation(OperationResult result, std::string reason = "", std::string message = "");
  void Fail(std::string reason, std::string message);
  void Park(std::string reason, std::string message) {
    Move(Trigger::kWorkParked, std::move(reason), std::move(message));
  }
  void Advance();
  // True when the state's work is complete and the sandbox moved on; false when it rests here.
  bool MoveOn();
  void Overtake();
  // An undo that must not be run without need, of a step that is not known to have taken effect.
  bool IsBlind(const StepIntended& step) const {
    if (step.kind != StepKind::kUndo || step.idempotent) return false;
    const Step* held = FindStep(s_, step.undoes);
    return held != nullptr && !held->certain;
  }

  void Answer(const Outcome& outcome, bool closes) {
    Emit(StepAnswered{s_.current->intent, s_.current->attempt, outcome, closes});
  }
  void RetryNow(bool probe, bool fresh = false) {
    const Step& step = *s_.current;
    Emit(StepRetried{step.intent, probe ? step.attempt : step.attempt + 1, probe, fresh});
  }
  void RetryLater(bool probe, std::uint32_t tries) {
    const Step& step = *s_.current;
    Emit(StepRetryScheduled{step.intent, probe ? step.attempt : step.attempt + 1,
                            UnixMillis{now_.value + Backoff(tries)}, probe});
  }
  std::int64_t Backoff(std::uint32_t tries) const;
  bool AttemptsLeft() const;
  bool Overtaken() const { return s_.operation && s_.operation->id != s_.current->what.operation; }
  void ForwardDone(const Outcome& outcome);
  void ForwardFailed(Outcome outcome);
  void ForwardUnknown(const Outcome& outcome);
  void ForwardAbsent(const Outcome& outcome);
  void GiveUpForward(const Outcome& outcome);
  void UndoAnswered(const Outcome& outcome);
  void CannotTell(const Outcome& outcome);
  std::string EnvConflict(const Outcome& outcome) const;

  Sandbox s_;
  const Policy& policy_;
  UnixMillis now_;
  std::vector<Event> events_;
  absl::Status broken_;
};

Decision Refuse(Refusal refusal, std::string message) {
  Decision decision;
  decision.refusal = refusal;
  decision.message = std::move(message);
  return decision;
}

Decision Accepted(OperationId operation) {
  Decision decision;
  decision.operation = operation;
  return decision;
}

// The operation that this request id already started, if any.
std::optional<OperationId> FindRequest(const Sandbox& s, const Command& command,
                                       OperationKind kind) {
  if (command.request_id.empty()) return std::nullopt;
  if (s.operation && s.operation->request_id == command.request_id && s.operation->kind == kind) {
    return s.operation->id;
  }
  for (const FinishedOperation& finished : s.finished) {
    if (finished.request_id == command.request_id && finished.kind == kind) return finished.id;
  }
  return std::nullopt;
}

Decision NotFound(const Command& command) {
  return Refuse(Refusal::kNotFound, fmt::format("there is no sandbox '{}'", command.sandbox.value));
}

Decision WrongState(const Sandbox& s, std::string_view wish) {
  std::string hint;
  switch (s.state) {
    case State::kStuck:
      hint = fmt::format("`journal-cli why {}` says what holds it", s.id.value);
      break;
    case State::kFailed:
      hint = "delete it and create another";
      break;
    case State::kDeleting:
      hint = "it is being deleted";
      break;
    default:
      hint = "wait until its operation is finished";
      break;
  }
  return Refuse(Refusal::kWrongState, fmt::format("sandbox '{}' is {} and cannot be {}: {}",
                                                  s.id.value, Name(s.state), wish, hint));
}

Decision Busy(const Sandbox& s) {
  return Refuse(Refusal::kBusy,
                fmt::format("sandbox '{}' is busy with {} (operation {}); try again when it is "
                            "finished, or delete the sandbox",
                            s.id.value, Name(s.operation->kind), s.operation->id.value));
}

void Core::Move(Trigger trigger, std::string reason, std::string message) {
  lifecycle::Facts facts;
  facts.creating = s_.operation && s_.operation->kind == OperationKind::kCreate;
  facts.parked_in = s_.parked_in;
  const auto move = lifecycle::Next(s_.state, trigger, facts);
  if (!move) {
    broken_ = absl::InternalError(fmt::format("planned {} in {}, which is a defect of Holdfast",
                                              Name(trigger), Name(s_.state)));
    return;
  }
  Emit(Transitioned{trigger, move->to, std::move(reason), std::move(message)});
}

void Core::Accept(const Command& command, OperationKind kind, bool force, std::int64_t grace_ms) {
  OperationAccepted accepted;
  accepted.operation = OperationId{s_.last_operation.value + 1};
  accepted.kind = kind;
  accepted.request_id = command.request_id;
  accepted.force = force;
  accepted.grace_ms = grace_ms;
  Emit(std::move(accepted));
}

void Core::EndOperation(OperationResult result, std::string reason, std::string message) {
  if (!broken_.ok() || !s_.operation) return;
  Emit(OperationFinished{s_.operation->id, result, std::move(reason), std::move(message)});
}

// Before the pivot the operation is undone. A state that has no way back is parked instead: what is
// begun there is finished forward, by an operator if need be.
void Core::Fail(std::string reason, std::string message) {
  switch (s_.state) {
    case State::kStopping:
    case State::kDeleting:
      Park(std::move(reason), std::move(message));
      return;
    default:
      Move(Trigger::kOperationFailed, std::move(reason), std::move(message));
      Advance();
  }
}

void Core::Advance() {
  while (broken_.ok() && !s_.current) {
    if (auto step = NextStep(s_, policy_)) {
      const bool blind = IsBlind(*step);
      Emit(*std::move(step));
      // Nobody knows that there is something to undo: it is looked for before it is undone.
      if (blind && broken_.ok()) RetryNow(/*probe=*/true, /*fresh=*/true);
      return;
    }
    if (!MoveOn()) return;
  }
}

bool Core::MoveOn() {
  switch (s_.state) {
    case State::kPlanning:
      Move(Trigger::kPlanResolved);
      return true;
    case State::kPreparing:
      Move(Trigger::kExtensionsPrepared);
      return true;
    case State::kProvisioning:
      Move(Trigger::kProvisioned);
      return true;
    case State::kStarting:
      Move(Trigger::kStarted);
      return true;
    case State::kStopping:
      Move(Trigger::kStopCompleted);
      return true;
    case State::kRollingBack: {
      const std::string reason = s_.operation->failure_reason;
      const std::string message = s_.operation->failure_message;
      Move(Trigger::kRollbackCompleted, reason, message);
      return true;
    }
    case State::kDeleting:
      Move(Trigger::kDeleteCompleted);
      return true;
    case State::kRunning:
    case State::kStopped:
    case State::kFailed:
    case State::kDeleted:
      if (s_.operation) {
        if (s_.operation->failure_reason.empty()) {
          EndOperation(OperationResult::kSucceeded);
        } else {
          EndOperation(OperationResult::kFailed, s_.operation->failure_reason,
                       s_.operation->failure_message);
        }
      }
      return false;
    default:
      return false;
  }
}

Decision Core::OnCreate(const Command& command, const CreateSandbox& create) {
  if (auto known = FindRequest(s_, command, OperationKind::kCreate)) return Accepted(*known);
  if (s_.live()) {
    return Refuse(
        Refusal::kAlreadyExists,
        fmt::format("sandbox '{}' exists already and is {}; choose another id, or delete it first",
                    command.sandbox.value, Name(s_.state)));
  }
  s_.id = command.sandbox;
  const OperationId operation{s_.last_operation.value + 1};
  Emit(SandboxRequested{Generation{operation.value}, create.spec, create.chain,
                        create.secrets.Names()});
  Accept(command, OperationKind::kCreate, false, 0);
  Move(Trigger::kValidationStarted);
  Move(Trigger::kValidationPassed);
  Advance();
  return Accepted(operation);
}

Decision Core::OnStart(const Command& command) {
  if (auto known = FindRequest(s_, command, OperationKind::kStart)) return Accepted(*known);
  if (!s_.live()) return NotFound(command);
  const bool launching =
      s_.operation && s_.operation->failure_reason.empty() &&
      (s_.operation->kind == OperationKind::kCreate || s_.operation->kind == OperationKind::kStart);
  // The workload may have ended while the hooks after its launch still run.
  const bool on_its_way = s_.state != State::kStuck && s_.state != State::kStopped;
  if (launching && on_its_way) return Accepted(s_.operation->id);
  if (s_.state == State::kRunning) return Accepted(s_.last_operation);
  if (s_.state != State::kStopped) return WrongState(s_, "started");
  if (s_.operation) return Busy(s_);
  Accept(command, OperationKind::kStart, false, 0);
  Move(Trigger::kStartRequested);
  Advance();
  return Accepted(s_.last_operation);
}

Decision Core::OnStop(const Command& command, const StopSandbox& stop) {
  if (auto known = FindRequest(s_, command, OperationKind::kStop)) return Accepted(*known);
  if (!s_.live()) return NotFound(command);
  if (s_.state == State::kStopping) return Accepted(s_.operation->id);
  if (s_.operation) {
    const bool overtakable = s_.state == State::kStuck || s_.state == State::kDeleting;
    return overtakable ? WrongState(s_, "stopped") : Busy(s_);
  }
  if (s_.state == State::kStopped) return Accepted(s_.last_operation);
  if (s_.state != State::kRunning) return WrongState(s_, "stopped");
  Accept(command, OperationKind::kStop, stop.force, stop.grace_ms);
  Move(Trigger::kStopRequested);
  Advance();
  return Accepted(s_.last_operation);
}

// Whether nobody is working at the step, so that no answer will come by itself.
bool Rests(const Step& step) {
  switch (step.phase) {
    case StepPhase::kWaitingRetry:
    case StepPhase::kWaitingProbe:
    case StepPhase::kParked:
    case StepPhase::kHeld:
      return true;
    case StepPhase::kInFlight:
    case StepPhase::kProbing:
      return false;
  }
  return false;
}

Decision Core::OnDelete(const Command& command, const DeleteSandbox& del) {
  if (auto known = FindRequest(s_, command, OperationKind::kDelete)) return Accepted(*known);
  if (!s_.live()) return NotFound(command);
  // A delete overtakes everything but itself, unless it is forced now and was not before.
  const bool deleting = s_.state == State::kDeleting;
  if (deleting && (s_.operation->force || !del.force)) return Accepted(s_.operation->id);
  if (s_.operation) {
    EndOperation(OperationResult::kInterrupted, "Overtaken", "a delete was requested");
  }
  Accept(command, OperationKind::kDelete, del.force, del.grace_ms);
  const OperationId operation = s_.last_operation;
  if (!deleting) Move(Trigger::kDeleteRequested);
  // A step that somebody works at is waited for; after its answer the delete goes on.
  if (broken_.ok() && s_.current && Rests(*s_.current)) Overtake();
  Advance();
  return Accepted(operation);
}

// The delete meets a step that rests.
void Core::Overtake() {
  const Step& step = *s_.current;
  if (step.what.kind == StepKind::kUndo) {
    // One of which nobody could tell whether it took effect is asked for before it is run again.
    RetryNow(/*probe=*/step.probes > 0, /*fresh=*/true);
    return;
  }
  // A step that must not be undone blindly is asked for once more; every other one is simply
  // undone.
  const bool blind = step.effect_possible && step.what.undo && !step.what.undo->idempotent;
  if (blind) {
    RetryNow(/*probe=*/true, /*fresh=*/true);
    return;
  }
  Emit(StepSkipped{step.intent, "Overtaken", "a delete was requested", false});
}

Decision Core::OnRepair(const Repair& repair) {
  if (!s_.live()) return NotFound(Command{s_.id, "", repair});
  if (s_.state != State::kStuck || !s_.current) {
    return Refuse(Refusal::kWrongState,
                  fmt::format("sandbox '{}' is {} and not Stuck: there is nothing to repair",
                              s_.id.value, Name(s_.state)));
  }
  if (repair.intent && repair.intent != s_.current->intent) {
    return Refuse(
        Refusal::kWrongState,
        fmt::format("the step that is parked in sandbox '{}' is #{} and not #{}; look again "
                    "with `journal-cli why {}`",
                    s_.id.value, s_.current->intent.value, repair.intent.value, s_.id.value));
  }
  const OperationId operation = s_.operation ? s_.operation->id : s_.last_operation;
  if (repair.kind == Repair::Kind::kMarkReleased) {
    if (repair.note.empty()) {
      return Refuse(Refusal::kInvalid,
                    "attesting that something is released needs a note: who says so, and why");
    }
    const bool forward = s_.current->what.kind == StepKind::kForward;
    Move(Trigger::kRepairRequested, "Repair", repair.note);
    Emit(StepSkipped{s_.current->intent, "MarkedReleased", repair.note, true});
    // What was to be made is attested not to be there: the operation cannot have succeeded.
    if (forward && s_.state != State::kDeleting && s_.state != State::kStopping) {
      Fail("MarkedReleased", repair.note);
    } else {
      Advance();
    }
    return Accepted(operation);
  }
  Move(Trigger::kRepairRequested, "Repair", repair.note);
  const Step& step = *s_.current;
  const bool ask_first = CanBeProbed(step.what) && step.probes > 0;
  RetryNow(/*probe=*/ask_first, /*fresh=*/true);
  return Accepted(operation);
}

std::int64_t Core::Backoff(std::uint32_t tries) const {
  std::int64_t wait = policy_.backoff_initial.count();
  const std::int64_t most = policy_.backoff_max.count();
  for (std::uint32_t i = 1; i < tries && wait < most; ++i) wait *= 2;
  return std::min(wait, most);
}

bool Core::AttemptsLeft() const {
  const Step& step = *s_.current;
  const std::uint32_t most =
      step.what.kind == StepKind::kUndo ? policy_.undo_attempts_max : policy_.forward_attempts_max;
  return step.attempt - step.attempts_base < most;
}

void Core::OnAnswer(const Outcome& outcome) {
  if (outcome.verdict == Verdict::kCannotTell) {
    CannotTell(outcome);
  } else if (s_.current->what.kind == StepKind::kUndo) {
    UndoAnswered(outcome);
  } else {
    switch (outcome.verdict) {
      case Verdict::kDone:
      case Verdict::kPresent:
        ForwardDone(outcome);
        break;
      case Verdict::kFailed:
        ForwardFailed(outcome);
        break;
      case Verdict::kAbsent:
        ForwardAbsent(outcome);
        break;
      default:
        ForwardUnknown(outcome);
    }
  }
}

// before_launch adds to the workload's environment; it may not change what is already said there.
std::string Core::EnvConflict(const Outcome& outcome) const {
  if (outcome.env.empty()) return "";
  const LaunchPlan plan = EffectivePlan(s_);
  for (const auto& [name, value] : outcome.env) {
    const auto set = plan.env.find(name);
    if (set == plan.env.end() || set->second == value) continue;
    std::string by = "the request or the driver";
    for (const PlanChange& change : plan.changes) {
      if (change.field == "env." + name) by = fmt::format("'{}'", change.participant);
    }
    return fmt::format("env.{}: '{}' wants '{}', but {} set it to '{}'", name,
                       s_.current->what.participant, value, by, set->second);
  }
  return "";
}

void Core::ForwardDone(const Outcome& outcome) {
  const bool overtaken = Overtaken();
  const std::string conflict = overtaken ? "" : EnvConflict(outcome);
  Answer(outcome, /*closes=*/true);
  if (!conflict.empty()) {
    Fail("PlanConflict", conflict);
  } else {
    Advance();
  }
}

void Core::ForwardFailed(Outcome outcome) {
  // An attempt can vouch for itself only: what an earlier one may have left is still undone.
  if (s_.current->effect_earlier) outcome.no_effect = false;
  if (outcome.retryable && !Overtaken() && AttemptsLeft()) {
    const std::uint32_t tries = s_.current->attempt - s_.current->attempts_base;
    Answer(outcome, /*closes=*/false);
    RetryLater(/*probe=*/false, tries);
    return;
  }
  GiveUpForward(outcome);
}

// The step will not be tried again. Whether something of it is left is up to what is known of it.
void Core::GiveUpForward(const Outcome& outcome) {
  const Step step = *s_.current;
  const bool overtaken = Overtaken();
  const std::string reason = outcome.reason.empty() ? "StepFailed" : outcome.reason;
  const std::string message =
      fmt::format("{} by {} failed: {}", step.what.name, step.what.participant,
                  outcome.message.empty() ? "no reason was given" : outcome.message);
  if (overtaken) {
    Answer(outcome, /*closes=*/true);
    Advance();
    return;
  }
  if (MayBeSkipped(s_, step.what)) {
    Answer(outcome, /*closes=*/false);
    Emit(StepSkipped{step.intent, reason, outcome.message, false});
    Advance();
    return;
  }
  if (s_.state == State::kRunning || s_.state == State::kStopped) {
    // After the pivot: the sandbox stays as it is, and the operation is reported as failed.
    Answer(outcome, /*closes=*/false);
    Emit(StepSkipped{step.intent, reason, outcome.message, false});
    EndOperation(OperationResult::kFailed, reason, message);
    return;
  }
  if (s_.state == State::kStopping || s_.state == State::kDeleting) {
    Answer(outcome, /*closes=*/false);
    Park(reason, message);
    return;
  }
  Answer(outcome, /*closes=*/true);
  Fail(reason, message);
}

void Core::ForwardUnknown(const Outcome& outcome) {
  if (CanBeProbed(s_.current->what)) {
    Answer(outcome, /*closes=*/false);
    RetryNow(/*probe=*/true);
    return;
  }
  // Nothing that could be looked for: hooks are idempotent by their key, so it is run again.
  if (Overtaken() || !AttemptsLeft()) {
    GiveUpForward(outcome);
    return;
  }
  const std::uint32_t tries = s_.current->attempt - s_.current->attempts_base;
  Answer(outcome, /*closes=*/false);
  RetryLater(/*probe=*/false, tries);
}

void Core::ForwardAbsent(const Outcome& outcome) {
  if (!Overtaken() && AttemptsLeft()) {
    Answer(outcome, /*closes=*/false);
    RetryNow(/*probe=*/false);
    return;
  }
  const Step step = *s_.current;
  Outcome told = outcome;
  if (told.message.empty()) told.message = step.message;
  if (told.reason.empty()) told.reason = step.reason;
  GiveUpForward(told);
}

void Core::CannotTell(const Outcome& outcome) {
  const Step step = *s_.current;
  const bool undo = step.what.kind == StepKind::kUndo;
  if (step.probes + 1 < policy_.probes_max) {
    Answer(outcome, /*closes=*/false);
    RetryLater(/*probe=*/true, step.probes + 1);
    return;
  }
  if (step.what.idempotent && AttemptsLeft() && (undo || !Overtaken())) {
    Answer(outcome, /*closes=*/false);
    RetryNow(/*probe=*/false);
    return;
  }
  if (!undo && step.what.undo && step.what.undo->idempotent) {
    GiveUpForward(outcome);  // closes as "may have taken effect": it is undone with the rest
    return;
  }
  Answer(outcome, /*closes=*/false);
  Park("CannotTell",
       fmt::format("nobody can tell whether {} by {} took effect, and it can neither be repeated "
                   "nor undone blindly: {}",
                   step.what.name, step.what.participant,
                   outcome.message.empty() ? "the participant gave no reason" : outcome.message));
}

void Core::UndoAnswered(const Outcome& outcome) {
  const Step step = *s_.current;
  const std::uint32_t tries = step.attempt - step.attempts_base;
  switch (outcome.verdict) {
    case Verdict::kDone:
    case Verdict::kAbsent:
      Answer(outcome, /*closes=*/true);
      Advance();
      return;
    case Verdict::kUnknown:
      Answer(outcome, /*closes=*/false);
      RetryNow(/*probe=*/true);
      return;
    case Verdict::kPresent:
    case Verdict::kFailed:
      Answer(outcome, /*closes=*/false);
      if (AttemptsLeft() && (outcome.verdict == Verdict::kPresent || outcome.retryable)) {
        if (outcome.verdict == Verdict::kPresent) {
          RetryNow(/*probe=*/false);
        } else {
          RetryLater(/*probe=*/false, tries);
        }
        return;
      }
      Park(outcome.reason.empty() ? "UndoFailed" : outcome.reason,
           fmt::format("{} by {} failed after {}{}{}", step.what.name, step.what.participant, tries,
                       tries == 1 ? " attempt: " : " attempts: ",
                       !outcome.message.empty() ? outcome.message
                       : !step.message.empty()  ? step.message
                                                : "it is still there"));
      return;
    case Verdict::kCannotTell:
      return;  // handled before
  }
}

// The attempt was numbered when it was scheduled.
void Core::OnTimer() {
  const Step& step = *s_.current;
  Emit(StepRetried{step.intent, step.attempt, step.phase == StepPhase::kWaitingProbe, false});
}

void Core::OnVanished(const EffectVanished& vanished) {
  Emit(vanished);
  Move(Trigger::kWorkloadExited, vanished.reason, vanished.message);
  Advance();
}

void Core::Recover() {
  if (s_.current) {
    if (s_.current->phase != StepPhase::kInFlight) return;
    const Outcome lost = Outcome::Unknown(
        "GatewayRestarted", "the gateway's process ended while this attempt was in flight");
    if (!CanBeProbed(s_.current->what) && !Overtaken() && AttemptsLeft()) {
      // Our own death is no reason to wait.
      Answer(lost, /*closes=*/false);
      RetryNow(/*probe=*/false);
      return;
    }
    OnAnswer(lost);
    return;
  }
  if (s_.state != State::kStuck) Advance();
}

}  // namespace

absl::StatusOr<Decision> Decide(const Sandbox& sandbox, const Command& command,
                                const Policy& policy, UnixMillis now) {
  if (!IsValidSandboxId(command.sandbox.value)) {
    return Refuse(Refusal::kInvalid,
                  "a sandbox id is 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-'");
  }
  Core core(sandbox, policy, now);
  Decision decision = std::visit(
      [&](const auto& wish) {
        using T = std::decay_t<decltype(wish)>;
        if constexpr (std::is_same_v<T, CreateSandbox>) return core.OnCreate(command, wish);
        if constexpr (std::is_same_v<T, StartSandbox>) return core.OnStart(command);
        if constexpr (std::is_same_v<T, StopSandbox>) return core.OnStop(command, wish);
        if constexpr (std::is_same_v<T, DeleteSandbox>) return core.OnDelete(command, wish);
        if constexpr (std::is_same_v<T, Repair>) return core.OnRepair(wish);
      },
      command.wish);
  return std::move(core).Finish(std::move(decision));
}

Events OnAnswer(const Sandbox& sandbox, IntentId intent, std::uint32_t attempt,
                const Outcome& outcome, const Policy& policy, UnixMillis now) {
  // A late answer to the attempt, while it is being probed already, is old news too: the probe will
  // say.
  const bool to_probe = outcome.verdict == Verdict::kPresent ||
                        outcome.verdict == Verdict::kAbsent ||
                        outcome.verdict == Verdict::kCannotTell;
  const bool current =
      sandbox.current && sandbox.current->intent == intent && sandbox.current->attempt == attempt &&
      sandbox.current->phase == (to_probe ? StepPhase::kProbing : StepPhase::kInFlight);
  if (!current) return std::vector<Event>{};
  Core core(sandbox, policy, now);
  core.OnAnswer(outcome);
  return std::move(core).Take();
}

Events OnTimer(const Sandbox& sandbox, IntentId intent, std::uint32_t attempt, const Policy& policy,
               UnixMillis now) {
  const bool due = sandbox.current && sandbox.current->intent == intent &&
                   sandbox.current->attempt == attempt &&
                   (sandbox.current->phase == StepPhase::kWaitingRetry ||
                    sandbox.current->phase == StepPhase::kWaitingProbe) &&
                   now >= sandbox.current->due;
  if (!due) return std::vector<Event>{};
  Core core(sandbox, policy, now);
  core.OnTimer();
  return std::move(core).Take();
}

Events OnVanished(const Sandbox& sandbox, const EffectVanished& vanished, const Policy& policy,
                  UnixMillis now) {
  // In every other state somebody is already working at it, or nobody may.
  const bool held = std::any_of(sandbox.held.begin(), sandbox.held.end(), [&](const Step& step) {
    return step.intent == vanished.intent && step.what.action == action::kStart;
  });
  if (!held || sandbox.state != State::kRunning) return std::vector<Event>{};
  Core core(sandbox, policy, now);
  core.OnVanished(vanished);
  return std::move(core).Take();
}

Events OnCompared(const Sandbox& sandbox, Agreement agreement, const std::string& message,
                  UnixMillis) {
  if (!sandbox.live() || (sandbox.agreement == agreement && sandbox.agreement_message == message)) {
    return std::vector<Event>{};
  }
  return std::vector<Event>{AgreementChanged{agreement, message}};
}

Events Recover(const Sandbox& sandbox, const Policy& policy, UnixMillis now) {
  if (!sandbox.live()) return std::vector<Event>{};
  Core core(sandbox, policy, now);
  core.Recover();
  return std::move(core).Take();
}

}  // namespace holdfast::planning
