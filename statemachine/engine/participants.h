// SPDX-License-Identifier: Apache-2.0
//
// The participants: the configured drivers and the extension chain, asked in the engine's terms.
// Given a folded sandbox and what is due, starts the call; the answer comes back as an Outcome.
// Knows the contracts of both, journals nothing, decides nothing.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drivers/driver.h"
#include "extensions/chain.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/planning/decide.h"

namespace holdfast::engine {

// Called once from any thread.
using AnswerCallback = absl::AnyInvocable<void(model::Outcome) &&>;

class Participants {
 public:
  // Errors: FailedPrecondition  two drivers of one name, or the chain needs what a driver lacks.
  static absl::StatusOr<std::unique_ptr<Participants>> Make(
      extensions::ExtensionChain& chain, std::vector<std::unique_ptr<drivers::Driver>> drivers);

  drivers::Driver* Find(const std::string& name) const;  // nullptr: not configured
  const std::string& default_driver() const { return default_driver_; }
  std::vector<drivers::Driver*> drivers() const;
  // Ends the drivers; nothing may be asked of anybody after this.
  void Forget() { drivers_.clear(); }
  extensions::ExtensionChain& chain() const { return chain_; }

  // What driver and extensions say to a create. Blocking, bounded by the hooks' deadlines.
  // On success spec.driver is set and the chain to be frozen is returned.
  absl::StatusOr<model::Chain> Validate(const model::SandboxId& id, model::SandboxSpec& spec);

  // Whether any step of this driver is given secrets.
  bool TakesSecrets(const std::string& driver) const;
  // Whether the sandbox's current step is given secrets, and there were some.
  bool NeedsSecrets(const model::Sandbox& sandbox) const;

  // Starts the attempt that is due. The plan step blocks (bounded): call it where that is allowed.
  // REQUIRES: sandbox.current is the attempt's step; `secrets` are there if it needs them.
  void Attempt(const model::Sandbox& sandbox, model::Secrets secrets, model::Epoch epoch,
               std::stop_token cancelled, AnswerCallback done);
  void Probe(const model::Sandbox& sandbox, const planning::Probe& probe, model::Epoch epoch,
             AnswerCallback done);

 private:
  Participants(extensions::ExtensionChain& chain) : chain_(chain) {}
  model::Outcome MakePlan(const model::Sandbox& sandbox);
  extensions::HookCall Hook(const model::Sandbox& sandbox, const model::Step& step,
                            model::Epoch epoch) const;

  extensions::ExtensionChain& chain_;
  std::map<std::string, std::unique_ptr<drivers::Driver>> drivers_;
  std::string default_driver_;
};

}  // namespace holdfast::engine
