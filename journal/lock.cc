// SPDX-License-Identifier: Apache-2.0
//
// The lock file is never removed: between the removal and a new one, two processes could each lock
// their own.
#include "journal/lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "fmt/format.h"

namespace holdfast::journal {
namespace {

// A fork that has not called exec yet lives for milliseconds; this is much on a busy machine.
constexpr std::chrono::milliseconds kInheritedLockMost{1'000};

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
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    const std::string message = fmt::format("opening {}: {}", path, strerror(errno));
    return errno == ENOSPC ? absl::ResourceExhaustedError(message)
                           : absl::UnavailableError(message);
  }
  Lock lock(fd);
  // A holder that was killed while it was starting a child is outlived by that child until it calls
  // exec: for an instant the lock of a dead process is still held. So it is asked for a while.
  const auto until = std::chrono::steady_clock::now() + kInheritedLockMost;
  do {
    struct flock whole = WholeFile();
    if (::fcntl(fd, F_OFD_SETLK, &whole) == 0) return lock;
    if (errno != EAGAIN && errno != EACCES) break;
    if (std::chrono::steady_clock::now() > until) {
      return absl::FailedPreconditionError(fmt::format("{} is locked", path));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  } while (true);
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
