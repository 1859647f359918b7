// SPDX-License-Identifier: Apache-2.0
//
// What the supervisor was told to launch; see drivers/process/launch_format.h.
#pragma once

#include <string>
#include <vector>

namespace holdfast::drivers::process::supervisor {

struct Launch {
  std::string sandbox, generation, key, owner, mode, executable;
  bool tty = false;
  std::vector<std::string> argv;
  std::vector<std::string> env;
};

// Reads the memory file. False when it is not a launch of our version.
bool ReadLaunch(int fd, Launch& launch);

}  // namespace holdfast::drivers::process::supervisor
