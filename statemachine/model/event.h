// SPDX-License-Identifier: Apache-2.0
//
// Facts, in the past tense: everything a sandbox's history is made of. An event is journaled as one
// record and never changed. statemachine/codec turns it into bytes and back; statemachine/planning
// folds a sandbox from its events and decides which come next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "statemachine/model/chain.h"
#include "statemachine/model/ids.h"
#include "statemachine/model/outcome.h"
#include "statemachine/model/plan.h"
#include "statemachine/model/resource.h"
#include "statemachine/model/spec.h"
#include "statemachine/model/state.h"

namespace holdfast::model {

enum class OperationKind : std::uint8_t { kCreate, kStart, kStop, kDelete };
std::string_view Name(OperationKind kind);
std::optional<OperationKind> OperationKindFromName(std::string_view name);

// A create was accepted: a new incarnation of the sandbox id begins. Followed, in the same commit,
// by OperationAccepted and the first transitions.
struct SandboxRequested {
  Generation generation;  // = the id of the create operation
  SandboxSpec spec;
  Chain chain;  // frozen
  // Names of the secrets that came with the request and that its driver is given. Never a value.
  std::vector<std::string> secret_fields = {};
  friend bool operator==(const SandboxRequested&, const SandboxRequested&) = default;
};

// A command was accepted and is now the sandbox's one active operation.
struct OperationAccepted {
  OperationId operation;
  OperationKind kind = OperationKind::kCreate;
  std::string request_id;     // of the client; the same request id is the same command
  bool force = false;         // of delete and stop: no grace, no before_ hooks
  std::int64_t grace_ms = 0;  // of stop and delete: between asking and killing
  friend bool operator==(const OperationAccepted&, const OperationAccepted&) = default;
};

enum class OperationResult : std::uint8_t { kSucceeded, kFailed, kInterrupted };
std::string_view Name(OperationResult result);
std::optional<OperationResult> OperationResultFromName(std::string_view name);

// The active operation ended. An operation that a delete overtakes ends as kInterrupted; what it
// did is then undone by the delete.
struct OperationFinished {
  OperationId operation;
  OperationResult result = OperationResult::kSucceeded;
  std::string reason;
  std::string message;
  friend bool operator==(const OperationFinished&, const OperationFinished&) = default;
};

// The state machine moved. `to` is stored so that a fold that comes out elsewhere is noticed.
struct Transitioned {
  Trigger trigger = Trigger::kValidationStarted;
  State to = State::kRequested;
  std::string reason;   // CamelCase; empty when all is well
  std::string message;  // one sentence for people
  friend bool operator==(const Transitioned&, const Transitioned&) = default;
};

enum class StepKind : std::uint8_t {
  kForward,  // does something for the operation
  kUndo,     // undoes an earlier step
};

// A step is owed. Journaled before it starts. Its IntentId is the sequence of this record.
struct StepIntended {
  OperationId operation;
  StepKind kind = StepKind::kForward;
  std::string name;         // "provision", "before_launch/ipam", "undo provision"
  std::string participant;  // driver's or extension's name
  std::string action;       // action.h
  std::string key;  // idempotency key: "<sandbox>/<operation>/<name>", the same on every attempt
  IntentId undoes;  // of kUndo: the step that is undone; zero otherwise
  std::vector<ResourceClaim> claims;  // what may exist from now on
  std::optional<Undo> undo;           // none: nothing to undo
  bool idempotent = true;             // may be run again when nobody can tell whether it ran
  std::string args;                   // of kUndo: Undo::args. Else empty.
  std::int64_t deadline_ms = 0;       // of each attempt
  friend bool operator==(const StepIntended&, const StepIntended&) = default;
};

// An attempt at a step, or a probe of it, was answered. `closes` when nothing more is owed under
// this intent: it took effect and that is known, or it certainly will not be tried again.
struct StepAnswered {
  IntentId intent;
  std::uint32_t attempt = 1;
  Outcome outcome;
  bool closes = false;
  friend bool operator==(const StepAnswered&, const StepAnswered&) = default;
};

// The step will be tried (or, when `probe`, asked for) again, not before `due`.
struct StepRetryScheduled {
  IntentId intent;
  std::uint32_t attempt = 2;
  UnixMillis due;
  bool probe = false;
  friend bool operator==(const StepRetryScheduled&, const StepRetryScheduled&) = default;
};

// That time came: the attempt starts once this is durable.
struct StepRetried {
  IntentId intent;
  std::uint32_t attempt = 2;  // grows with every attempt, also over repairs
  bool probe = false;
  bool fresh = false;  // attempts and probes are counted anew from here: a repair, a delete
  friend bool operator==(const StepRetried&, const StepRetried&) = default;
};

// The step was given up, and the operation goes on without it: a hook whose policy is to keep
// going, or an undo that an operator attested (see `by_operator`).
struct StepSkipped {
  IntentId intent;
  std::string reason;
  std::string message;
  bool by_operator = false;
  friend bool operator==(const StepSkipped&, const StepSkipped&) = default;
};

// What a held step made is no longer in the world although nobody undid it: the workload ended by
// itself, the host rebooted, somebody removed it.
struct EffectVanished {
  IntentId intent;  // of the step that made it
  std::string reason;
  std::string message;
  std::optional<std::int32_t> exit_code;
  friend bool operator==(const EffectVanished&, const EffectVanished&) = default;
};

// The sandbox was compared with the world.
struct AgreementChanged {
  Agreement agreement = Agreement::kConsistent;
  std::string message;
  friend bool operator==(const AgreementChanged&, const AgreementChanged&) = default;
};

using Event = std::variant<SandboxRequested, OperationAccepted, OperationFinished, Transitioned,
                           StepIntended, StepAnswered, StepRetryScheduled, StepRetried, StepSkipped,
                           EffectVanished, AgreementChanged>;

// The event's persisted type name: "StepIntended"; for a transition the trigger's name.
std::string_view TypeName(const Event& event);

// An event with its place in its sandbox's history.
struct Recorded {
  Sequence sequence;
  UnixMillis time;
  Event event;
};

}  // namespace holdfast::model
