// SPDX-License-Identifier: Apache-2.0
//
// A holdfast-gateway that a test runs and ends, gently or not.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/child.h"

namespace holdfast::e2e {

class GatewayProcess {
 public:
  GatewayProcess(const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment,
                 const std::string& log_path);

  // Waits until it says that it is ready; false when it ended instead, or took too long.
  bool WaitReady();
  void Kill();                        // SIGKILL, and waits for its end
  std::optional<Ending> Terminate();  // SIGTERM, and waits for its end
  std::optional<Ending> Wait() { return child_.Wait(std::chrono::seconds(30)); }

  bool Running() { return child_.Running(); }
  pid_t pid() const { return child_.pid(); }
  std::string Log() const { return child_.Err(); }
  void Signal(int signal) { child_.Signal(signal); }

 private:
  Child child_;
};

}  // namespace holdfast::e2e
