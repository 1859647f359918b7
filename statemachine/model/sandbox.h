// SPDX-License-Identifier: Apache-2.0
//
// One sandbox, as folded from its events. A plain value: copy it, compare it, throw it away.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "statemachine/model/event.h"
#include "statemachine/model/ids.h"

namespace holdfast::model {

enum class StepPhase : std::uint8_t {
  kInFlight,      // the attempt is running, or may be
  kProbing,       // its outcome is unknown and its participant is being asked
  kWaitingRetry,  // waits for `due`, then is attempted again
  kWaitingProbe,  // waits for `due`, then is probed again
  kParked,        // needs an operator
  kHeld,          // took effect, or may have (see `certain`), and is not undone
};
std::string_view Name(StepPhase phase);
std::optional<StepPhase> StepPhaseFromName(std::string_view name);

// A step that is being worked at, or whose effect is or may be in the world.
struct Step {
  IntentId intent;
  StepIntended what;
  StepPhase phase = StepPhase::kInFlight;
  std::uint32_t attempt = 1;        // grows with every attempt
  std::uint32_t attempts_base = 0;  // attempts that do not count any more (see StepRetried::fresh)
  std::uint32_t probes = 0;         // probes that could not tell, since the last attempt
  // Something of it may be in the world: true from the intent on, false once an answer excludes it.
  bool effect_possible = true;
  // The same of the attempts before this one: what an attempt says of itself does not excuse them.
  bool effect_earlier = false;
  UnixMillis since;                        // when the intent was written
  UnixMillis due;                          // of the two waiting phases
  bool certain = false;                    // of kHeld: known to have taken effect
  std::vector<Resource> resources;         // that it is known to have made
  std::map<std::string, std::string> env;  // that it adds to the workload's environment
  // Of the last answer, for people:
  std::string reason;
  std::string message;
  friend bool operator==(const Step&, const Step&) = default;
};

struct Operation {
  OperationId id;
  OperationKind kind = OperationKind::kCreate;
  std::string request_id;
  UnixMillis since;
  bool force = false;
  std::int64_t grace_ms = 0;
  std::vector<std::string> completed;  // names of its steps that are done or skipped, in order
  // Why it is being undone; empty while it goes forward.
  std::string failure_reason;
  std::string failure_message;
  friend bool operator==(const Operation&, const Operation&) = default;
};

struct FinishedOperation {
  OperationId id;
  OperationKind kind = OperationKind::kCreate;
  std::string request_id;
  OperationResult result = OperationResult::kSucceeded;
  std::string reason;
  std::string message;
  friend bool operator==(const FinishedOperation&, const FinishedOperation&) = default;
};

// Something about the sandbox that people should know and that stops nothing.
struct Condition {
  std::string type;  // the step's name
  std::string reason;
  std::string message;
  UnixMillis since;
  friend bool operator==(const Condition&, const Condition&) = default;
};

// How many finished operations and conditions are remembered with the sandbox (all are in the
// journal).
inline constexpr std::size_t kFinishedOperationsMax = 8;
inline constexpr std::size_t kConditionsMax = 16;

struct Sandbox {
  SandboxId id;
  Sequence head;  // of the last event folded; zero: no such sandbox
  Generation generation;
  OperationId last_operation;
  UnixMillis created;
  UnixMillis changed;  // of the last event

  State state = State::kRequested;
  UnixMillis state_since;
  std::string reason;  // of the last transition
  std::string message;
  Agreement agreement = Agreement::kConsistent;
  std::string agreement_message;

  SandboxSpec spec;
  Chain chain;
  std::vector<std::string> secret_fields;  // names only; see SandboxRequested
  std::optional<LaunchPlan> plan;

  std::optional<Operation> operation;  // the active one
  std::optional<Step> current;         // the step being worked at; at most one
  std::vector<Step> held;  // what is or may be in the world, oldest first: the undo stack
  std::map<std::string, StateBlob> extension_state;
  std::set<std::string> touched;            // extensions that ran a hook with a possible effect
  bool launched = false;                    // this incarnation was Running once
  std::optional<State> parked_in;           // of Stuck: the state in which it was parked
  std::optional<std::int32_t> exit_code;    // of the workload's last run
  std::vector<FinishedOperation> finished;  // the last few, oldest first
  std::vector<Condition> conditions;        // the last few, oldest first

  bool exists() const { return head.value != 0; }
  // Something may still have to be done or be released: kept in memory and looked at after a
  // restart.
  bool live() const { return exists() && state != State::kDeleted; }
  friend bool operator==(const Sandbox&, const Sandbox&) = default;
};

}  // namespace holdfast::model
