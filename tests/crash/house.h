// SPDX-License-Identifier: Apache-2.0
//
// The whole house in one directory: a real journal, the engine, the extensions `env` and `ipam`,
// and the driver `process` with real processes. What dies in a crash test, and what is opened after
// it.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "extensions/chain.h"
#include "journal/journal.h"
#include "statemachine/engine/engine.h"

namespace holdfast::crash {

struct House {
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<extensions::ExtensionChain> chain;
  std::unique_ptr<engine::Engine> engine;  // destroyed first

  // REQUIRES: dir is absolute and exists.
  static absl::StatusOr<std::unique_ptr<House>> Open(const std::string& dir);
  ~House();
};

// A create of a workload that runs until it is stopped.
model::Command Create(const std::string& id);
model::Command Stop(const std::string& id);
model::Command Start(const std::string& id);
model::Command Delete(const std::string& id);

// What is in the world on behalf of this directory, found without asking driver or extension: the
// sandboxes' directories, the lease files, and how many supervisors /proc shows.
struct World {
  std::set<std::string> directories;
  std::set<std::string> leases;            // file names
  std::multiset<std::string> supervisors;  // sandbox directories that a living supervisor works for
  std::multiset<std::string> workloads;    // the same of every other process that works there
  bool empty() const {
    return directories.empty() && leases.empty() && supervisors.empty() && workloads.empty();
  }
};
World Look(const std::string& dir);

}  // namespace holdfast::crash
