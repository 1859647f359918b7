// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/supervisor/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/process/launch_format.h"
#include "drivers/process/supervisor/tree.h"

namespace holdfast::drivers::process::supervisor {
namespace {

std::string Quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string BootId() {
  char text[64] = {};
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  std::string id(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string Head(const Launch& launch) {
  return "{\"sandbox\":" + Quote(launch.sandbox) + ",\"generation\":" + launch.generation +
         ",\"key\":" + Quote(launch.key);
}

long long NowMillis() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<long long>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

bool WriteDurably(int directory, const char* name, const std::string& content) {
  const std::string temporary = std::string(name) + ".new";
  const int fd = openat(directory, temporary.c_str(),
                        O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  std::size_t done = 0;
  bool good = true;
  while (good && done < content.size()) {
    const ssize_t put = write(fd, content.data() + done, content.size() - done);
    if (put > 0) done += static_cast<std::size_t>(put);
    good = put > 0 || (put < 0 && errno == EINTR);
  }
  good = good && fsync(fd) == 0;
  const int error = errno;
  close(fd);
  errno = error;
  return good && renameat(directory, temporary.c_str(), directory, name) == 0 &&
         fsync(directory) == 0;
}

}  // namespace

bool WriteSupervisor(int directory, const Launch& launch, pid_t workload) {
  return WriteDurably(
      directory, kSupervisorFile,
      Head(launch) + ",\"owner\":" + Quote(launch.owner) + ",\"pid\":" + std::to_string(getpid()) +
          ",\"start_time\":" + std::to_string(StartTime(getpid())) +
          ",\"boot_id\":" + Quote(BootId()) + ",\"workload_pid\":" + std::to_string(workload) +
          ",\"workload_start_time\":" + std::to_string(StartTime(workload)) + "}\n");
}

bool WriteExit(int directory, const Launch& launch, int status) {
  const std::string how = WIFSIGNALED(status)
                              ? ",\"signal\":" + std::to_string(WTERMSIG(status))
                              : ",\"exit_code\":" + std::to_string(WEXITSTATUS(status));
  return WriteDurably(directory, kExitFile,
                      Head(launch) + ",\"ran\":true" + how +
                          ",\"ended_at_unix_ms\":" + std::to_string(NowMillis()) + "}\n");
}

bool WriteNeverRan(int directory, const Launch& launch, const std::string& why) {
  return WriteDurably(directory, kExitFile,
                      Head(launch) + ",\"ran\":false,\"error\":" + Quote(why) +
                          ",\"ended_at_unix_ms\":" + std::to_string(NowMillis()) + "}\n");
}

}  // namespace holdfast::drivers::process::supervisor
