// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/supervisor/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "drivers/process/launch_format.h"

namespace holdfast::drivers::process::supervisor {
namespace {

// Twice this is what a sandbox's output may take on disk.
constexpr std::size_t kLogBytesMax = std::size_t{8} << 20;

}  // namespace

OutputLog::~OutputLog() {
  if (file_ >= 0) close(file_);
}

bool OutputLog::CopyFrom(int fd, std::size_t bytes_max) {
  char buffer[65536];
  for (std::size_t copied = 0; copied < bytes_max;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    // EIO is how the reading side of a pseudo-terminal learns that nobody has it open any more.
    if (got <= 0) return false;
    Append(buffer, static_cast<std::size_t>(got));
    copied += static_cast<std::size_t>(got);
  }
  return true;
}

void OutputLog::Append(const char* bytes, std::size_t size) {
  if (file_ >= 0 && size_ >= kLogBytesMax) {
    close(file_);
    file_ = -1;
    const std::string older = std::string(kOutputFile) + ".1";
    if (renameat(directory_, kOutputFile, directory_, older.c_str()) != 0) return;
  }
  if (file_ < 0) {
    file_ = openat(directory_, kOutputFile, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                   0600);
    struct stat found {};
    if (file_ < 0 || fstat(file_, &found) != 0) return;
    size_ = static_cast<std::size_t>(found.st_size);
  }
  // Short or failed: the disk is full, and this output is lost rather than the workload held up.
  const ssize_t put = write(file_, bytes, size);
  if (put > 0) size_ += static_cast<std::size_t>(put);
}

}  // namespace holdfast::drivers::process::supervisor
