// SPDX-License-Identifier: Apache-2.0
//
// The engine: the thin shell that carries decisions out. Commands, answers and timers enter a
// sandbox's lane one at a time; the pure core (statemachine/planning) says which events follow; one
// journal commit makes them true; after it, and only after it, the work that is due then is
// started. It owns threads and timers, and no opinion.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drivers/driver.h"
#include "extensions/chain.h"
#include "journal/journal.h"
#include "journal/seal.h"
#include "statemachine/model/command.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/planning/decide.h"

namespace holdfast::engine {

struct Options {
  planning::Policy policy;
  std::size_t threads = 2;
  std::size_t inputs_max = 10'000;  // commands waiting in all lanes; more are refused
  std::string boot_id;              // of the host, now
  // Seals the secrets of requests; outlives the engine. Null: they are kept in memory only, and the
  // steps that need them fail after a restart.
  const journal::Sealer* sealer = nullptr;
  // Wall clock; a test gives its own.
  std::function<model::UnixMillis()> now;
};

// What the last start found and did. restored + resumed + undone + parked == total.
struct StartupReport {
  std::uint64_t restored = 0, resumed = 0, undone = 0, parked = 0, total = 0;
  std::uint64_t orphans = 0, ghosts = 0;
  std::vector<std::string> findings;
  bool host_rebooted = false;
  std::chrono::milliseconds took{0};
};

// The answer to a command.
struct Submitted {
  model::OperationId operation;
  model::Sandbox sandbox;  // as of the answer
  // When waited for: how the operation ended. Unset when it is still going on.
  std::optional<model::FinishedOperation> result;
};
using SubmitCallback = absl::AnyInvocable<void(absl::StatusOr<Submitted>) &&>;

// A sandbox changed; `quarantine` says why its records cannot be read, else empty.
struct Update {
  model::Sandbox sandbox;
  std::string quarantine;
};
// Called from the engine's threads after the commit, per sandbox in order. Must not block.
using UpdateObserver = std::function<void(const Update&)>;

class Engine {
 public:
  // Loads the live sandboxes and starts recovery in the background. Drivers are owned by the engine
  // from here; journal and chain must outlive it.
  // Errors: FailedPrecondition  the chain needs what a driver lacks, or two drivers have one name.
  static absl::StatusOr<std::unique_ptr<Engine>> Start(
      journal::Journal& journal, extensions::ExtensionChain& chain,
      std::vector<std::unique_ptr<drivers::Driver>> drivers, Options options);

  // Lets what is being committed finish, starts nothing new. Steps in flight are left to the next
  // start, which probes them.
  virtual ~Engine() = default;
  virtual void Drain() = 0;

  // Validates and accepts a command. `done` is called once from any thread: when the command is
  // durable, or with `wait` when its operation is finished. Codes as in lifecycle.proto's Submit.
  // The caller going away changes nothing.
  virtual void Submit(model::Command command, bool wait, SubmitCallback done) = 0;
  // The same, blocking.
  virtual absl::StatusOr<Submitted> SubmitAndWait(model::Command command, bool wait) = 0;

  // What would refuse a create; no side effects.
  virtual absl::Status ValidateCreate(const model::SandboxId& id,
                                      const model::SandboxSpec& spec) = 0;

  // As of the last commit. A deleted sandbox is read from the journal. NotFound: the id was never
  // used.
  virtual absl::StatusOr<Update> Get(const model::SandboxId& id) = 0;
  // All live ones in order of id. Unavailable while loading.
  virtual absl::StatusOr<std::vector<Update>> ListLive() = 0;
  // Returns a number for Unobserve. The observer is first called for every live sandbox.
  virtual std::uint64_t Observe(UpdateObserver observer) = 0;
  virtual void Unobserve(std::uint64_t observer) = 0;

  virtual bool recovering() const = 0;
  // Blocks until recovery is complete or the timeout passed; returns whether it is.
  virtual bool WaitRecovered(std::chrono::milliseconds timeout) = 0;
  virtual StartupReport startup_report() const = 0;
  // Blocks until no sandbox has work in flight or due (parked ones do not count), for tests.
  virtual bool WaitIdleForTest(std::chrono::milliseconds timeout) = 0;

  virtual journal::Journal& journal() = 0;
  virtual std::vector<drivers::Capabilities> drivers() const = 0;
  virtual std::vector<const extensions::Descriptor*> extensions() const = 0;
};

}  // namespace holdfast::engine
