// SPDX-License-Identifier: Apache-2.0
//
// The contract of a lifecycle extension: an operator's addition to every sandbox's lifecycle, on
// any driver. A hook is given a context and returns a value; the engine journals it. What a hook
// wants to keep, it returns: nothing is remembered in a member that a restart would need.
//
// What the engine guarantees:
//   1. Order is the operator's list: forward in order, undo and release in reverse.
//   2. A hook runs only after its intent, with its undo, is durable. It may be called again with
//   the
//      same key after a crash or a lost answer: a hook is idempotent by its key.
//   3. Release (after_launch_failed, after_delete) is called only when before_launch may have taken
//      effect, and is retried until it is done or an operator steps in.
//   4. Every hook has a deadline. What it throws, and how long it hangs, is its own trouble alone.
//   5. Hooks of one sandbox never run at the same time; hooks of different sandboxes do.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "statemachine/model/ids.h"
#include "statemachine/model/outcome.h"
#include "statemachine/model/plan.h"
#include "statemachine/model/resource.h"
#include "statemachine/model/spec.h"

namespace holdfast::extensions {

struct Descriptor {
  std::string name;  // [a-z0-9-]{1,63}; the name in the operator's list and the participant's name
  std::string version;
  std::set<std::string> hooks;  // the hooks it implements: "validate", "configure_launch" and the
                                // actions of model/action.h. No other is ever called.
  std::uint32_t state_schema_version = 0;   // of the blobs it writes; a newer one parks the sandbox
  std::set<std::string> required_features;  // that the driver must offer
  std::vector<std::string> resource_families;  // the kinds that it makes and ListOwned reports
};

// What a hook may know. Valid during the call.
struct HookContext {
  model::SandboxId sandbox;
  model::Generation generation;
  const model::SandboxSpec* spec = nullptr;  // never null
  const model::LaunchPlan* plan = nullptr;   // null before there is one
  std::string_view hook;                     // the hook's own name
  std::string_view key;  // idempotency key of the step; of before_launch when undoing
  std::uint32_t attempt = 1;
  model::Epoch epoch;
  const model::StateBlob* state = nullptr;  // this extension's own, null when it has none
  std::vector<model::Resource> held;        // what its before_launch made
  std::string_view undo_args;               // of release hooks: what the undone step journaled
  std::string_view failure_reason;          // of after_launch_failed
  std::chrono::steady_clock::time_point deadline;
  std::stop_token cancelled;
};

// Adds to the plan and records who did. Adding what is already there with the same value is
// nothing; with another value it is a conflict, and the error names both.
class PlanBuilder {
 public:
  virtual ~PlanBuilder() = default;
  virtual const model::LaunchPlan& plan() const = 0;
  // Errors: InvalidArgument    name or value is malformed, or a bound is exceeded
  //         FailedPrecondition the value is owned by the driver, or was set differently by another
  virtual absl::Status AddEnv(std::string_view name, std::string_view value) = 0;
  virtual absl::Status AddLabel(std::string_view name, std::string_view value) = 0;
  // Only arguments on the operator's allow-list; at most 32 of at most 4 KiB each.
  virtual absl::Status AddLauncherArg(std::string_view arg) = 0;
};

struct OwnedResource {
  model::SandboxId sandbox;
  model::Generation generation;
  model::Resource resource;
};

class Extension {
 public:
  virtual ~Extension() = default;

  virtual const Descriptor& descriptor() const = 0;

  // Refuses a request, with a reason. No side effects.
  virtual absl::Status Validate(const HookContext&) { return absl::OkStatus(); }

  // Changes the plan through the builder. No side effects.
  virtual absl::Status ConfigureLaunch(const HookContext&, PlanBuilder&) {
    return absl::OkStatus();
  }

  // What before_launch will make and how it is undone; said before it runs. No side effects.
  // `step` of the result is ignored.
  virtual model::StepClaims ClaimsOfBeforeLaunch(const HookContext&) { return {}; }

  // Every hook that is a step: context.hook says which. May throw; may block until the deadline.
  // Done: state replaces the extension's state when set; resources and env of before_launch are
  // kept.
  virtual model::Outcome Run(const HookContext& context) = 0;

  // Whether before_launch with this key took effect: kPresent (with the same resources, env and
  // state that Run would have answered), kAbsent, kCannotTell. No side effects.
  virtual model::Outcome Probe(const HookContext&) {
    return model::Outcome::Probed(model::Verdict::kCannotTell);
  }

  // Everything in the world that it made, complete or an error.
  virtual absl::StatusOr<std::vector<OwnedResource>> ListOwned() {
    return std::vector<OwnedResource>{};
  }
};

}  // namespace holdfast::extensions
