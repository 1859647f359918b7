// SPDX-License-Identifier: Apache-2.0
//
// The contract of a compute driver: how one platform makes, starts, stops and removes sandboxes. A
// driver never sees the journal: it is given a step that is already owed and durable, and answers
// with an outcome. What it must keep to is proved by tests/conformance, given a factory.
//
// The rules, in short:
//   1. A step's names and labels follow from sandbox id and generation, so that a second attempt
//      finds and adopts what the first one made. Never make a second one.
//   2. kDone of stop and destroy means: looked, and it is gone. Not: asked it to go.
//   3. An error while asking is kUnknown (Perform) or kCannotTell (Probe), never "absent".
//   4. Nothing that is not provably ours (id and generation that we wrote) is touched.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "statemachine/model/ids.h"
#include "statemachine/model/outcome.h"
#include "statemachine/model/plan.h"
#include "statemachine/model/resource.h"
#include "statemachine/model/secrets.h"
#include "statemachine/model/spec.h"

namespace holdfast::drivers {

struct Capabilities {
  std::string name;  // of the driver, as configured: "process"
  std::string version;
  std::string default_image;          // for requests without an image; empty: the driver needs none
  std::vector<std::string> features;  // what extensions may require, e.g. "isolation.bubblewrap"
  std::vector<std::string> resource_families;  // the resource kinds it makes and ListOwned reports
  // The forward steps (model/action.h) that are given the request's secrets, and that fail without
  // being called when those cannot be had any more. None: it is given none, and none are kept.
  std::vector<std::string> secret_steps;
  std::map<std::string, std::string> facts;  // for people: why a feature is absent, versions
};

// Which sandbox, and which incarnation of it. Both are on everything that a driver makes.
struct Owner {
  model::SandboxId sandbox;
  model::Generation generation;
  friend auto operator<=>(const Owner&, const Owner&) = default;
};

// One attempt at a step. A copy of what the journal holds; valid while the driver keeps it.
struct StepRequest {
  Owner owner;
  std::string action;  // model/action.h: provision, start, stop, destroy
  std::string key;     // idempotency key, the same on every attempt
  std::uint32_t attempt = 1;
  model::Epoch epoch;
  model::SandboxSpec spec;
  model::LaunchPlan plan;  // with what before_launch hooks added
  // Of Capabilities::secret_steps, else none. Never logged, put into an outcome, a resource or a
  // message, or written to where anybody but the workload can read it.
  model::Secrets secrets;
  std::vector<model::Resource> held;        // what earlier steps of this driver made, newest last
  std::string undo_args;                    // of stop and destroy: what the undone step journaled
  std::chrono::milliseconds grace{10'000};  // of stop: from asking to killing; zero: at once
  std::chrono::steady_clock::time_point deadline;  // the engine takes silence past it for kUnknown
  std::stop_token cancelled;  // stop early if that is safe, and still answer truthfully
};

// What is asked when it is not known whether a step took effect.
struct ProbeRequest {
  Owner owner;
  std::string action;  // of the step that is probed
  std::string key;     // of the step that is probed
  model::Epoch epoch;
  std::vector<model::ResourceClaim> claims;  // what it said it would make
  std::vector<model::Resource> known;        // what is known of it, if anything
  std::chrono::steady_clock::time_point deadline;
};

// Called exactly once, from any thread, also during the call itself. Must not block.
using OutcomeCallback = absl::AnyInvocable<void(model::Outcome) &&>;

// A thing in the world that carries our marks.
struct OwnedResource {
  Owner owner;
  model::Resource resource;
};
using OwnedCallback = absl::AnyInvocable<void(absl::StatusOr<std::vector<OwnedResource>>) &&>;

// A workload that ended without being told to.
struct WorkloadExit {
  Owner owner;
  model::Resource resource;               // the one that the start step made
  std::optional<std::int32_t> exit_code;  // unset: nobody knows (supervisor killed, reboot)
  std::string reason;                     // "Exited", "Killed", "HostRebooted", "Lost"
  std::string message;
};
// Called from any thread; must not block. Repeats are harmless.
using ExitObserver = std::function<void(const WorkloadExit&)>;

class Driver {
 public:
  virtual ~Driver() = default;  // waits for its threads; workloads go on running

  // Thread-safe, cheap, constant after construction.
  virtual const Capabilities& capabilities() const = 0;

  // Refuses what this driver cannot carry. No side effects; may read the world; bounded (a second).
  // Errors: InvalidArgument     the request is wrong by itself
  //         FailedPrecondition  right by itself, but not here and now (no such command, no image)
  virtual absl::Status Validate(const model::SandboxSpec& spec) = 0;

  // The driver's typed description of what it will launch, before extensions amend it. No effects.
  virtual absl::StatusOr<model::LaunchPlan> MakePlan(const Owner& owner,
                                                     const model::SandboxSpec& spec) = 0;

  // After the extensions amended the plan: fixes `backend` and says in `claims` which resources the
  // steps "provision" and "start" will make, under which names, and how each is undone. No effects.
  virtual absl::StatusOr<model::LaunchPlan> ResolvePlan(const Owner& owner,
                                                        const model::SandboxSpec& spec,
                                                        model::LaunchPlan plan) = 0;

  // Carries a step out. Never blocks the caller; answers through `done`.
  virtual void Perform(StepRequest request, OutcomeCallback done) = 0;

  // Answers kPresent (with resources), kAbsent or kCannotTell. No side effects.
  virtual void Probe(ProbeRequest request, OutcomeCallback done) = 0;

  // Everything in the world that carries our marks, all families, complete or an error.
  virtual void ListOwned(OwnedCallback done) = 0;

  // From now on report every exit of an owned workload, those included that happened while nobody
  // watched. Called once, before the first Perform.
  virtual void Watch(ExitObserver observer) = 0;
};

}  // namespace holdfast::drivers
