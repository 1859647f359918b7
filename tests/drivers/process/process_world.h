// SPDX-License-Identifier: Apache-2.0
//
// A state directory of a test's own, looked at without the driver: directories by their names,
// supervisors by the sandbox directory that they have open, workloads by their environment.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "drivers/process/driver.h"
#include "tests/conformance/driver_conformance.h"
#include "tests/support/temp_dir.h"

namespace holdfast::conformance {

class ProcessWorld : public World {
 public:
  explicit ProcessWorld(drivers::process::Isolation isolation = drivers::process::Isolation::kNone);
  // Destroys everything through the driver, then looks for itself; what is left is a failure, and
  // is killed.
  ~ProcessWorld() override;

  std::unique_ptr<drivers::Driver> MakeDriver() override;
  model::SandboxSpec RunsLong() override;
  model::SandboxSpec ExitsWith(int code) override;
  std::size_t CountSandboxes() override;
  std::size_t CountRunning() override;
  bool Break() override;
  void Repair() override;

  model::SandboxSpec Shell(const std::string& script);
  std::string state_dir() const;
  std::string File(const std::string& sandbox, const std::string& name) const;

  // Living supervisors of this world, and living processes with its marks.
  std::vector<pid_t> Supervisors() const;
  std::vector<pid_t> Marked() const;
  // Until it is so, at most ten seconds. Whether it became so.
  static bool Eventually(const std::function<bool()>& claim);

 private:
  holdfast::testing::TempDir directory_;
  const drivers::process::Isolation isolation_;
};

// Whether bubblewrap works here. Prints why not.
bool BubblewrapWorks();

}  // namespace holdfast::conformance
