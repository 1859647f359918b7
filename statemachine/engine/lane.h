// SPDX-License-Identifier: Apache-2.0
//
// A lane: one sandbox, and what waits to happen to it. Inputs are worked at one at a time, each up
// to and including its commit; so two facts about one sandbox never race.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "drivers/driver.h"
#include "statemachine/engine/engine.h"
#include "statemachine/model/command.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/model/secrets.h"

namespace holdfast::engine {

// What enters a lane.
struct CommandInput {
  model::Command command;
  bool wait = false;
  bool validated = false;  // of a create: driver and chain were asked
  SubmitCallback done;
};
struct AnswerInput {
  model::IntentId intent;
  std::uint32_t attempt = 1;
  model::Outcome outcome;
};
struct TimerInput {
  model::IntentId intent;
  std::uint32_t attempt = 1;
};
struct ExitInput {
  drivers::WorkloadExit exit;
};
struct VanishedInput {
  model::EffectVanished vanished;
};
struct ComparedInput {
  model::Agreement agreement = model::Agreement::kConsistent;
  std::string message;
};
struct RecoverInput {};
using Input = std::variant<CommandInput, AnswerInput, TimerInput, ExitInput, VanishedInput,
                           ComparedInput, RecoverInput>;

struct Waiter {
  model::OperationId operation;
  SubmitCallback done;
};

// What was started for the sandbox, so that it is started once.
struct Started {
  model::IntentId intent;
  std::uint32_t attempt = 0;
  model::StepPhase phase = model::StepPhase::kHeld;
  std::uint32_t probes = 0;
  friend bool operator==(const Started&, const Started&) = default;
};

struct Lane {
  explicit Lane(model::SandboxId sandbox_id) { sandbox.id = std::move(sandbox_id); }

  // Guarded by mu. Observers are called with it held, so that each sees a sandbox's changes in
  // order.
  std::mutex mu;
  model::Sandbox sandbox;  // as of the last commit; changed by the lane's turn only
  std::string quarantine;  // why its records cannot be read
  std::list<Input> inputs;
  bool turn = false;       // somebody works at the inputs, or a commit is under way
  bool held_back = false;  // recovery has not come to it: inputs wait
  bool loaded = false;
  bool gone = false;  // taken out of the table; whoever still holds it looks it up anew
  std::vector<Waiter> waiters;

  // Touched by the lane's turn only.
  model::Sequence snapshot;  // of the last snapshot that the journal was given; zero: none
  int load_tries = 0;        // reads that failed for a passing reason
  // The workload ended before its start's answer was journaled; looked at again once it is.
  std::optional<drivers::WorkloadExit> early_exit;
  std::optional<Started> started;
  model::Secrets secrets;  // of this incarnation, while nothing seals them
  std::stop_source cancel;
  std::uint64_t timer = 0;  // deadline of the attempt, or the wait before the next one
};

}  // namespace holdfast::engine
