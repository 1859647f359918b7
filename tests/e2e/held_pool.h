// SPDX-License-Identifier: Apache-2.0
//
// Holds the locks of ipam's pool, as a slow file system would: a create waits in Preparing, for as
// long as a test wants an operation to be in flight.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace holdfast::e2e {

class HeldPool {
 public:
  explicit HeldPool(const std::string& state_dir) {
    const std::string pool = state_dir + "/ipam/pool";
    std::filesystem::create_directories(pool);
    // One for each value of the hash of a sandbox's id (extensions/ipam/lease_store.cc).
    for (int i = 0; i < 16; ++i) {
      const std::string path = fmt::format("{}/.lock-{:02}", pool, i);
      const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      EXPECT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0) << path;
      locks_.push_back(fd);
    }
  }
  ~HeldPool() { Release(); }
  HeldPool(const HeldPool&) = delete;
  HeldPool& operator=(const HeldPool&) = delete;

  void Release() {
    for (const int fd : locks_) close(fd);
    locks_.clear();
  }

 private:
  std::vector<int> locks_;
};

}  // namespace holdfast::e2e
