// SPDX-License-Identifier: Apache-2.0
//
// The brain: given a folded sandbox and one input, which events follow. Pure: no I/O, clock,
// thread, log or randomness; the time comes in with the input. What then has to be done in the
// world is read off the folded result (Due), so that the first run and the run after a crash are
// one path.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "statemachine/model/command.h"
#include "statemachine/model/event.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::planning {

// How often and how long. The operator's; the decisions it leads to are journaled, not the policy.
struct Policy {
  std::uint32_t forward_attempts_max = 3;
  std::uint32_t undo_attempts_max = 8;
  std::uint32_t probes_max = 5;
  std::chrono::milliseconds backoff_initial{200};
  std::chrono::milliseconds backoff_max{30'000};
  std::chrono::milliseconds driver_step_deadline{120'000};  // stop adds its grace
  std::chrono::milliseconds hook_deadline_max{300'000};
};

// Why a command is refused. A new one exists only if some caller acts differently.
enum class Refusal : std::uint8_t {
  kNone,
  kInvalid,        // the command itself is wrong; sending it again will not help
  kNotFound,       // no such sandbox
  kAlreadyExists,  // the id is in use
  kWrongState,     // not from this state; the message says what to do
  kBusy,           // another operation is active; try again when it is finished
};

struct Decision {
  Refusal refusal = Refusal::kNone;
  std::string message;               // of a refusal: one sentence that says what to do
  std::vector<model::Event> events;  // to be journaled in this order in one commit; may be empty
  // The operation that carries the command out (or did, when the command is a repeat or already
  // true).
  model::OperationId operation;
};

// All of these fail with Internal only when the core contradicts itself (a decision that does not
// fold); the sandbox is then to be set aside, and nobody else with it.
using Events = absl::StatusOr<std::vector<model::Event>>;

// A command. REQUIRES: a create was validated by driver and chain (validate has no side effects, so
// that a refused create leaves nothing behind, not even a record).
absl::StatusOr<Decision> Decide(const model::Sandbox& sandbox, const model::Command& command,
                                const Policy& policy, model::UnixMillis now);

// An attempt or a probe was answered, a deadline passed (outcome Unknown, reason DeadlineExceeded).
// An answer to anything but the current step's current attempt is old news: no events.
Events OnAnswer(const model::Sandbox& sandbox, model::IntentId intent, std::uint32_t attempt,
                const model::Outcome& outcome, const Policy& policy, model::UnixMillis now);

// A timer came due (see Due). Early or stale: no events.
Events OnTimer(const model::Sandbox& sandbox, model::IntentId intent, std::uint32_t attempt,
               const Policy& policy, model::UnixMillis now);

// The world changed by itself: what the held step `intent` made is gone.
Events OnVanished(const model::Sandbox& sandbox, const model::EffectVanished& vanished,
                  const Policy& policy, model::UnixMillis now);

// The sandbox was compared with the world. No events when that says nothing new.
Events OnCompared(const model::Sandbox& sandbox, model::Agreement agreement,
                  const std::string& message, model::UnixMillis now);

// The process that worked on this sandbox is gone: a step in flight becomes Unknown and is probed.
// Idle sandboxes get no events: restarting never grows a history.
Events Recover(const model::Sandbox& sandbox, const Policy& policy, model::UnixMillis now);

// What is to be done in the world now.
struct Nothing {};
struct Attempt {
  model::IntentId intent;
  std::uint32_t attempt = 1;
  // It was overtaken: ask the participant to stop early, and wait for its answer.
  bool cancel = false;
};
struct Probe {
  model::IntentId intent;  // the probe's own step; what is probed is `of`
  std::uint32_t attempt = 1;
  model::IntentId of;  // the forward step whose effect is looked for
};
struct Timer {
  model::IntentId intent;
  std::uint32_t attempt = 1;
  model::UnixMillis due;
};
using Work = std::variant<Nothing, Attempt, Probe, Timer>;
Work Due(const model::Sandbox& sandbox);

// The plan with what before_launch hooks added: what the driver is given.
model::LaunchPlan EffectivePlan(const model::Sandbox& sandbox);

// The step (current or held) with this intent, or nullptr.
const model::Step* FindStep(const model::Sandbox& sandbox, model::IntentId intent);

}  // namespace holdfast::planning
