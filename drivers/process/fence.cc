// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <cstdint>
#include <optional>

#include "drivers/process/text.h"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

constexpr char kEpochFile[] = "epoch";
constexpr char kEpochLockFile[] = "epoch.lock";
// Acts under the lock take milliseconds; who holds it for longer is stopped or broken.
constexpr int kLockTries = 500;
constexpr int kLockTryMillis = 2;

absl::Status Lock(int fd, short type, const std::string& state_dir) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  for (int i = 0; fcntl(fd, F_OFD_SETLK, &lock) != 0; ++i) {
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
      return SystemError("lock epoch.lock", errno);
    }
    if (i == kLockTries) {
      return absl::UnavailableError(
          fmt::format("another process holds {}/{} and does not move", state_dir, kEpochLockFile));
    }
    poll(nullptr, 0, kLockTryMillis);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> ReadEpoch(int directory) {
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadFileAt(directory, kEpochFile));
  if (!text) return 0;
  const auto highest = ParseNumber<std::uint64_t>(Strip(*text));
  if (!highest) {
    return absl::UnavailableError("the file epoch in the state directory is not a number");
  }
  return *highest;
}

}  // namespace

absl::StatusOr<Fd> EnterEpoch(const std::string& state_dir, model::Epoch epoch) {
  HF_ASSIGN_OR_RETURN(const Fd directory, OpenDirectory(state_dir));
  Fd lock(openat(directory.get(), kEpochLockFile, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                 S_IRUSR | S_IWUSR));
  if (!lock) return SystemError("open epoch.lock", errno);
  HF_RETURN_IF_ERROR(Lock(lock.get(), F_RDLCK, state_dir));
  HF_ASSIGN_OR_RETURN(std::uint64_t highest, ReadEpoch(directory.get()));
  if (epoch.value > highest) {
    // Let go first: two that both want to raise it would wait for each other for ever.
    HF_RETURN_IF_ERROR(Lock(lock.get(), F_UNLCK, state_dir));
    HF_RETURN_IF_ERROR(Lock(lock.get(), F_WRLCK, state_dir));
    HF_ASSIGN_OR_RETURN(highest, ReadEpoch(directory.get()));
    if (epoch.value > highest) {
      highest = epoch.value;
      HF_RETURN_IF_ERROR(WriteFileAt(directory.get(), kEpochFile, fmt::format("{}\n", highest)));
    }
    HF_RETURN_IF_ERROR(Lock(lock.get(), F_RDLCK, state_dir));
  }
  if (epoch.value < highest) {
    return absl::FailedPreconditionError(
        fmt::format("epoch {} was replaced by epoch {}: another gateway owns the journal now",
                    epoch.value, highest));
  }
  return lock;
}

}  // namespace holdfast::drivers::process
