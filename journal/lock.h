// SPDX-License-Identifier: Apache-2.0
//
// The lock that makes one process the writer: an exclusive lock on `<journal>.lock`, held for life
// and dropped by the kernel when the process ends, however it ends. An open-file-description lock,
// because it excludes a second opener in the same process too and can be asked for without being
// taken.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::journal {

class Lock {
 public:
  // Errors: FailedPrecondition  somebody holds it
  //         Unavailable         the lock file cannot be made or locked
  static absl::StatusOr<Lock> Take(const std::string& journal_path);

  // Whether anybody holds it. Takes and makes nothing.
  static bool IsHeld(const std::string& journal_path);

  Lock(Lock&& other) noexcept;
  Lock& operator=(Lock&& other) noexcept;
  ~Lock();

 private:
  explicit Lock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace holdfast::journal
