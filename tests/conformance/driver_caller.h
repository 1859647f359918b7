// SPDX-License-Identifier: Apache-2.0
//
// Calls a driver as the engine does, and waits for its answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "drivers/driver.h"

namespace holdfast::conformance {

// One sandbox as a test sees it.
struct Subject {
  drivers::Owner owner;
  model::SandboxSpec spec;
  model::LaunchPlan plan;
  model::Epoch epoch{1};
  std::string run = "1";  // of the start key: a later start has another
};

drivers::StepRequest RequestOf(const Subject& subject, std::string_view action);
drivers::ProbeRequest ProbeOf(const Subject& subject, std::string_view action);

// Makes and resolves the plan. Test failure when the driver refuses.
Subject MakeSubject(drivers::Driver& driver, std::string id, model::SandboxSpec spec,
                    std::uint64_t generation = 1);

std::future<model::Outcome> PerformLater(drivers::Driver& driver, drivers::StepRequest request);
// Unknown with the reason "TestTimeout" when there is no answer within a minute.
model::Outcome Wait(std::future<model::Outcome> answer);
model::Outcome Perform(drivers::Driver& driver, drivers::StepRequest request);
model::Outcome Perform(drivers::Driver& driver, const Subject& subject, std::string_view action);
model::Outcome Probe(drivers::Driver& driver, const Subject& subject, std::string_view action);
absl::StatusOr<std::vector<drivers::OwnedResource>> ListOwned(drivers::Driver& driver);

// Collects what a driver reports to its observer. Outlives the driver.
class Exits {
 public:
  drivers::ExitObserver Observer();
  // nullopt: none of this owner within half a minute.
  std::optional<drivers::WorkloadExit> WaitFor(const drivers::Owner& owner);
  std::size_t CountNow(const drivers::Owner& owner);

 private:
  std::mutex mu_;
  std::condition_variable arrived_;
  std::vector<drivers::WorkloadExit> exits_;  // guarded by mu_
};

}  // namespace holdfast::conformance
