// SPDX-License-Identifier: Apache-2.0
//
// Starts the supervisor of one sandbox. See launch_format.h for what it is handed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "drivers/driver.h"
#include "drivers/process/files.h"

namespace holdfast::drivers::process {

struct LaunchTexts {
  std::string sandbox;
  std::string generation;
  std::string key;
  std::string owner;
  std::string mode;
  bool tty = false;
  std::string executable;
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::vector<std::string> bubblewrap_arguments;
};

// On return the supervisor lives (or has died already), detached from this process, with a copy of
// `lock`; the lock is given up only when every copy is closed. The result is the end of the pipe on
// which it says whether the workload runs; end of file without a word means that it died.
// Errors: Unavailable  nothing was started.
absl::StatusOr<Fd> SpawnSupervisor(const std::string& supervisor, const LaunchTexts& launch,
                                   int directory, int lock);

}  // namespace holdfast::drivers::process
