// SPDX-License-Identifier: Apache-2.0
//
// Wishes to change a sandbox. Each may be refused; none is a fact before the journal says so.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "statemachine/model/chain.h"
#include "statemachine/model/ids.h"
#include "statemachine/model/secrets.h"
#include "statemachine/model/spec.h"

namespace holdfast::model {

struct CreateSandbox {
  SandboxSpec spec;
  Chain chain;  // resolved from configuration and labels by the caller; frozen by accepting it
  Secrets secrets = {};  // of the request; kept only if the driver takes them, and then only sealed
};
struct StartSandbox {};
struct StopSandbox {
  bool force = false;
  std::int64_t grace_ms = 10'000;
};
struct DeleteSandbox {
  bool force = false;
  std::int64_t grace_ms = 10'000;
};
// Takes up what is parked in Stuck.
struct Repair {
  enum class Kind : std::uint8_t {
    kRetry,         // try the parked step again, with fresh attempts
    kMarkReleased,  // the operator attests that what the parked step concerns is not in the world
  };
  Kind kind = Kind::kRetry;
  // The parked step that is meant; zero: whichever is parked. A repair that is sent again, because
  // its answer was lost, must not meet the step that was parked next.
  IntentId intent;
  std::string note;  // who and why; required for kMarkReleased
};

struct Command {
  SandboxId sandbox;
  std::string request_id;  // empty: every call is a new command
  std::variant<CreateSandbox, StartSandbox, StopSandbox, DeleteSandbox, Repair> wish;
};

}  // namespace holdfast::model
