// SPDX-License-Identifier: Apache-2.0
//
// The lock file is never removed: between the removal and a new one, two processes could each lock
// their own.
#include "journal/lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "fmt/format.h"

namespace holdfast::journal {
namespace {

std::string LockPath(const std::string& journal_path) { return journal_path + ".lock"; }

struct flock WholeFile() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

absl::StatusOr<Lock> Lock::Take(const std::string& journal_path) {
  const std::string path = LockPath(journal_path);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    const std::string message = fmt::format("opening {}: {}", path, strerror(errno));
    return errno == ENOSPC ? absl::ResourceExhaustedError(message)
                           : absl::UnavailableError(message);
  }
  Lock lock(fd);
  struct flock whole = WholeFile();
  if (::fcntl(fd, F_OFD_SETLK, &whole) == 0) return lock;
  if (errno == EAGAIN || errno == EACCES) {
    return absl::FailedPreconditionError(fmt::format("{} is locked", path));
  }
  return absl::UnavailableError(fmt::format("locking {}: {}", path, strerror(errno)));
}

bool Lock::IsHeld(const std::string& journal_path) {
  const int fd = ::open(LockPath(journal_path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock whole = WholeFile();
  const bool held = ::fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
  ::close(fd);
  return held;
}

Lock::Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Lock& Lock::operator=(Lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace holdfast::journal
