// SPDX-License-Identifier: Apache-2.0
//
// The chain: the operator's ordered list of extensions. It decides which are active for a sandbox
// (once, at create), runs the hooks that have no effects (validate, configure_launch), and runs
// single steps for the engine on threads of its own, so that a hook that hangs or throws is its own
// trouble.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "extensions/extension.h"
#include "statemachine/model/chain.h"

namespace holdfast::extensions {

// One line of the operator's list.
struct ChainItem {
  std::unique_ptr<Extension> extension;
  std::string config_digest;
  // Global: active for every sandbox. Otherwise only on request by the label
  // "openshell.io/extension.<activation_key>" with a value of enabled, enable, requested, request,
  // true, yes, on or 1 (any case); anything else is not requested.
  bool global = true;
  std::string activation_key;                // empty: the extension's name
  std::set<std::string> allowed_workspaces;  // for activation on request; empty: all
  model::FailurePolicy on_failure = model::FailurePolicy::kKeep;
  std::chrono::milliseconds deadline{30'000};
};

struct PlanLimits {
  std::set<std::string> launcher_args_allowed;  // exact arguments, or "prefix*"
  std::size_t launcher_args_max = 32;
  std::size_t value_bytes_max = 4096;
  std::size_t entries_max = 256;
};

// How many threads one extension may have. The defaults are guesses that suit hooks which wait for
// something outside; a hook that computes needs fewer.
struct HookLimits {
  std::size_t concurrent_max = 8;  // hooks running at once; more wait their turn
  std::size_t hung_max = 8;  // written-off threads; then the extension is refused: ExtensionHung
  std::size_t queued_max = 4096;                 // waiting hooks; more are refused: ExtensionBusy
  std::chrono::milliseconds close_grace{2'000};  // how long the destructor waits for running hooks
};

// Called exactly once, from any thread, also during the call itself.
using StepCallback = absl::AnyInvocable<void(model::Outcome) &&>;

// A hook to be run, owning everything its context points to.
struct HookCall {
  std::string extension;
  std::string hook;
  model::SandboxId sandbox;
  model::Generation generation;
  model::SandboxSpec spec;
  std::optional<model::LaunchPlan> plan;
  std::string key;
  std::uint32_t attempt = 1;
  model::Epoch epoch;
  std::optional<model::StateBlob> state;
  std::vector<model::Resource> held;
  std::string undo_args;
  std::string failure_reason;
  std::chrono::steady_clock::time_point deadline;
  std::stop_token cancelled;
};

class ExtensionChain {
 public:
  // Errors: InvalidArgument  duplicate or malformed name, unknown hook, a required feature that no
  //                          driver could offer is not checked here (see CheckDriver).
  //                          An extension that makes resources must have both release hooks.
  static absl::StatusOr<std::unique_ptr<ExtensionChain>> Make(std::vector<ChainItem> items,
                                                              PlanLimits limits = {},
                                                              HookLimits hook_limits = {});
  // Waits for hooks that answer; one that hangs is left behind.
  ~ExtensionChain();

  // The extensions' descriptors in order.
  std::vector<const Descriptor*> descriptors() const;

  // What the chain needs and the driver lacks: FailedPrecondition naming both. The first asks for
  // the global extensions (at start-up), the second for those active for one request (at validate).
  absl::Status CheckDriver(std::string_view driver, const std::set<std::string>& features) const;
  absl::Status CheckDriver(std::string_view driver, const std::set<std::string>& features,
                           const model::Chain& frozen) const;

  // Which are active for this request, to be frozen at create. A request for an extension that the
  // sandbox's workspace may not have is refused: PermissionDenied.
  absl::StatusOr<model::Chain> Activate(const model::SandboxSpec& spec) const;

  // The hooks without effects, in order, over the frozen chain. Blocking, each within its deadline;
  // the first refusal is returned with the extension's name. Thread-safe.
  absl::Status Validate(const model::Chain& frozen, const model::SandboxId& sandbox,
                        model::Generation generation, const model::SandboxSpec& spec);
  // Also asks each before_launch for its claims and adds them to plan.claims.
  absl::StatusOr<model::LaunchPlan> ConfigureLaunch(
      const model::Chain& frozen, const model::SandboxId& sandbox, model::Generation generation,
      const model::SandboxSpec& spec,
      const std::function<std::string(std::string_view)>& key_of_step, model::LaunchPlan plan);

  // Runs one hook. Never blocks. A participant that is not configured any more answers kFailed,
  // reason "UndoBlocked" for release hooks, else "ExtensionMissing". A throw is kUnknown, reason
  // "HookThrew". Silence past the deadline is kUnknown, reason "DeadlineExceeded", and the late
  // answer is dropped. A state blob of a newer schema: kFailed "StateTooNew", not retryable. A hook
  // that the extension does not declare is kDone at once, unless it should release something:
  // UndoBlocked. An answer that breaks the rules of extensions/answer.h is kFailed
  // "MalformedAnswer".
  void Run(HookCall call, StepCallback done);
  // Probes before_launch. The same rules; errors are kCannotTell.
  void Probe(HookCall call, StepCallback done);

  struct Owned {
    std::string extension;
    OwnedResource resource;
  };
  // All extensions' resources, complete or an error that names the extension. Blocking.
  absl::StatusOr<std::vector<Owned>> ListOwned();

 private:
  class Impl;
  explicit ExtensionChain(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::extensions
