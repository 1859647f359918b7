// SPDX-License-Identifier: Apache-2.0
//
// The house over simulated platforms: a real journal in a directory of its own, the engine, one
// extension "net" and one driver "sim". Closing and opening it is what a restart of the gateway is.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "extensions/chain.h"
#include "journal/journal.h"
#include "journal/seal.h"
#include "statemachine/engine/engine.h"
#include "tests/simulation/sim_driver.h"
#include "tests/support/temp_dir.h"

namespace holdfast::simulation {

class SimHouse {
 public:
  // Change what should be otherwise, then Open.
  SimOptions sim;
  planning::Policy policy;
  std::string boot_id = "boot";
  std::string key_file;  // that seals secrets; empty: none
  bool with_net = true;
  std::string net_config_digest = "digest";
  extensions::PlanLimits plan_limits;
  std::function<model::UnixMillis()> now;  // unset: the real clock

  SimHouse();
  ~SimHouse();

  // Opens journal, chain and engine and waits for recovery. Dies when it cannot.
  void Open();
  // Ends the engine where it stands; steps in flight are left in flight.
  void Close();
  void Restart() {
    Close();
    Open();
  }

  engine::Engine& engine() { return *engine_; }
  journal::Reader& reader() { return journal_->reader(); }
  journal::Journal& journal() { return *journal_; }
  SimWorld& world() { return *world_; }
  SimWorld& net() { return *net_; }
  std::string journal_path() const { return dir_.File("journal.db"); }

  // Waits until everything that can come to rest has; dies when it does not within 20 s.
  void Settle();
  // A command, waited for until its operation ends or is parked.
  absl::StatusOr<engine::Submitted> Create(const std::string& id, const std::string& request = "");
  absl::StatusOr<engine::Submitted> Start(const std::string& id);
  absl::StatusOr<engine::Submitted> Stop(const std::string& id);
  absl::StatusOr<engine::Submitted> Delete(const std::string& id);
  // A command that is not waited for.
  absl::StatusOr<engine::Submitted> Accept(model::Command command);
  static model::Command CreateCommand(const std::string& id, const std::string& request = "");

  model::State StateOf(const std::string& id);
  bool WorldIsEmpty() const { return world_->Count() == 0 && net_->Count() == 0; }
  // Every record of a sandbox, decoded.
  std::vector<model::Recorded> History(const std::string& id);
  // Waits until the platform (or "net.HOOK" of the extension) was asked; dies after 20 s.
  void Await(const std::string& id, const std::string& action);

 private:
  testing::TempDir dir_;
  std::shared_ptr<SimWorld> world_ = std::make_shared<SimWorld>();
  std::shared_ptr<SimWorld> net_ = std::make_shared<SimWorld>();
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<journal::Sealer> sealer_;
  std::unique_ptr<extensions::ExtensionChain> chain_;
  std::unique_ptr<engine::Engine> engine_;
};

}  // namespace holdfast::simulation
