// SPDX-License-Identifier: Apache-2.0
//
// What is in the world on behalf of one gateway, found without asking it: in /proc and on the disk.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::e2e {

struct World {
  std::set<std::string> directories;                      // of sandboxes, also unfinished ones
  std::set<std::string> leases;                           // "POOL/ADDRESS"
  std::map<std::string, std::vector<pid_t>> supervisors;  // by sandbox
  std::map<std::string, std::vector<pid_t>> workloads;    // by sandbox; its processes
  std::vector<std::string> others;  // any other process at work in the state directory
  bool empty() const {
    return directories.empty() && leases.empty() && supervisors.empty() && workloads.empty() &&
           others.empty();
  }
  std::string Text() const;
};

// `gateway` is not counted; 0 for none.
World Look(const std::string& state_dir, pid_t gateway);

}  // namespace holdfast::e2e
