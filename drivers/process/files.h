// SPDX-License-Identifier: Apache-2.0
//
// Files of the process driver: durable small writes, and reads and removals that never follow a
// symbolic link out of the directory they were given. Every function answers "not there" apart from
// "could not look", because the first is a fact and the second is not.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::drivers::process {

// Owns one file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { Close(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

// "open /x/y: Permission denied", as Unavailable; `what` names the call and its object.
absl::Status SystemError(std::string_view what, int error);

// The directory, itself not a symbolic link. nullopt: there is nothing of that name in `parent`.
// Errors: Unavailable  could not look, or it is no directory.
absl::StatusOr<std::optional<Fd>> OpenDirectoryAt(int parent, const std::string& name);
absl::StatusOr<Fd> OpenDirectory(const std::string& path);

// Makes it with mode 0700 when absent. An existing one must be a directory of ours that nobody else
// may write to. Errors: FailedPrecondition, Unavailable.
absl::Status EnsurePrivateDirectory(const std::string& path);

// The whole file, at most a megabyte. nullopt: not there. Errors: Unavailable.
absl::StatusOr<std::optional<std::string>> ReadFileAt(int directory, const std::string& name);

// On return the file has the whole new content on disk, or on error the old content or none.
absl::Status WriteFileAt(int directory, const std::string& name, std::string_view content);

// No error when it is not there.
absl::Status UnlinkAt(int directory, const std::string& name);

absl::Status SyncDirectory(int directory);

// Names in the directory, without "." and "..". Complete or an error.
absl::StatusOr<std::vector<std::string>> ListNames(int directory);

// Removes the directory and all in it; `last` (a file directly in it) goes after everything else,
// so that what proves ownership survives a crash in the middle. Not there: ok. Crosses no file
// system border and follows no link.
absl::Status RemoveTreeAt(int parent, const std::string& name, const std::string& last);

}  // namespace holdfast::drivers::process
