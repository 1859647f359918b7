// SPDX-License-Identifier: Apache-2.0
//
// What every driver must keep to, as tests that know only drivers/driver.h. A backend's own test
// program brings a factory of worlds and registers the suite under a name:
//
//   const bool registered = holdfast::conformance::RegisterDriverConformance(
//       "Process", [] { return std::make_unique<ProcessWorld>(); });
//
// Every case gets a world of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "drivers/driver.h"

namespace holdfast::conformance {

// One platform with nothing of ours in it. Its destructor must leave nothing of ours behind, and
// add a test failure if that takes force.
class World {
 public:
  virtual ~World() = default;

  // A driver on this world. A second call is a restart of the gateway: it finds what the first
  // left.
  virtual std::unique_ptr<drivers::Driver> MakeDriver() = 0;

  // A request whose workload runs until it is stopped.
  virtual model::SandboxSpec RunsLong() = 0;
  // A request whose workload ends by itself, at once.
  virtual model::SandboxSpec ExitsWith(int code) = 0;

  // Seen without the driver: how many sandboxes have anything on the platform, and how many
  // workloads run. A doubled sandbox counts twice.
  virtual std::size_t CountSandboxes() = 0;
  virtual std::size_t CountRunning() = 0;

  // Makes the platform impossible to look at, and whole again. False: cannot be done here.
  virtual bool Break() { return false; }
  virtual void Repair() {}
};

using WorldFactory = std::function<std::unique_ptr<World>()>;

struct ConformanceOptions {
  bool fences_epochs = true;  // the driver itself refuses a stale epoch
  std::size_t bulk = 520;     // sandboxes of the listing test; more than any page of a listing
};

// Registers every case as <name>DriverConformance.<case>. Call before main, from an initialiser.
bool RegisterDriverConformance(const std::string& name, WorldFactory factory,
                               ConformanceOptions options = {});

}  // namespace holdfast::conformance
