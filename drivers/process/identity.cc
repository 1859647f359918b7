// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/process/text.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

// Of a /proc file; these have no size. nullopt: the process is gone, or is not ours to read.
absl::StatusOr<std::optional<std::string>> ReadProc(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT || errno == ESRCH || errno == EACCES || errno == EPERM) {
      return std::optional<std::string>();
    }
    return SystemError(fmt::format("open {}", path), errno);
  }
  std::string content(4096, '\0');
  std::size_t size = 0;
  while (true) {
    if (size == content.size()) content.resize(content.size() * 2);
    const ssize_t got = read(fd.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == ESRCH || errno == EACCES || errno == EPERM)) {
      return std::optional<std::string>();
    }
    if (got < 0) return SystemError(fmt::format("read {}", path), errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return std::optional<std::string>(std::move(content));
}

}  // namespace

std::string ToHandle(const ProcessIdentity& identity) {
  return nlohmann::json{
      {"pid", identity.pid}, {"start_time", identity.start_time}, {"boot_id", identity.boot_id}}
      .dump();
}

absl::StatusOr<std::string> ReadBootId() {
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                      ReadProc("/proc/sys/kernel/random/boot_id"));
  if (!text) return absl::UnavailableError("the boot id cannot be read; is /proc mounted?");
  return std::string(Strip(*text));
}

absl::StatusOr<std::optional<std::uint64_t>> ReadStartTime(pid_t pid) {
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> stat,
                      ReadProc(fmt::format("/proc/{}/stat", pid)));
  if (!stat) return std::optional<std::uint64_t>();
  // The second field, the name, is in parentheses and may hold blanks and parentheses itself.
  const std::size_t close = stat->rfind(')');
  if (close == std::string::npos) return absl::UnavailableError("/proc/<pid>/stat has no name");
  const std::vector<std::string_view> fields =
      Split(Strip(std::string_view(*stat).substr(close + 1)), ' ');
  constexpr std::size_t kState = 0, kStartTime = 19;  // fields 3 and 22 of proc(5)
  if (fields.size() <= kStartTime) return absl::UnavailableError("/proc/<pid>/stat is too short");
  const auto start_time = ParseNumber<std::uint64_t>(fields[kStartTime]);
  if (!start_time) return absl::UnavailableError("/proc/<pid>/stat has no start time");
  if (fields[kState] == "Z" || fields[kState] == "X") return std::optional<std::uint64_t>();
  return start_time;
}

absl::StatusOr<std::optional<Fd>> OpenProcess(const ProcessIdentity& identity,
                                              std::string_view boot_id) {
  if (identity.pid <= 0 || identity.boot_id != boot_id) return std::optional<Fd>();
  Fd fd(static_cast<int>(syscall(SYS_pidfd_open, identity.pid, 0)));
  if (!fd) {
    if (errno == ESRCH || errno == EINVAL) return std::optional<Fd>();
    return SystemError("pidfd_open", errno);
  }
  // The pidfd is fixed now; whoever has the start time that we look for while it is open, is it.
  HF_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> start_time, ReadStartTime(identity.pid));
  if (start_time != identity.start_time) return std::optional<Fd>();
  return std::optional<Fd>(std::move(fd));
}

absl::Status SignalProcess(int pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0 && errno != ESRCH) {
    return SystemError("pidfd_send_signal", errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MarkedProcess>> FindMarked(std::string_view owner_prefix,
                                                      const std::string& boot_id) {
  HF_ASSIGN_OR_RETURN(const Fd proc, OpenDirectory("/proc"));
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(proc.get()));
  const std::string id_is = fmt::format("{}=", kEnvSandboxId);
  const std::string owner_is = fmt::format("{}=", kEnvSandboxOwner);
  std::vector<MarkedProcess> found;
  for (const std::string& name : names) {
    const std::optional<pid_t> pid = ParseNumber<pid_t>(name);
    if (!pid || *pid == getpid()) continue;
    HF_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> before, ReadStartTime(*pid));
    if (!before) continue;
    HF_ASSIGN_OR_RETURN(const std::optional<std::string> environment,
                        ReadProc(fmt::format("/proc/{}/environ", *pid)));
    if (!environment) continue;
    std::string sandbox, owner;
    for (std::string_view entry : Split(*environment, '\0')) {
      if (TakePrefix(entry, id_is)) sandbox = std::string(entry);
      if (TakePrefix(entry, owner_is)) owner = std::string(entry);
    }
    if (sandbox.empty() || !owner.starts_with(owner_prefix)) continue;
    // The same process from the first look to the last, or it is not the one whose marks we read.
    HF_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> after, ReadStartTime(*pid));
    if (after != before) continue;
    found.push_back({.identity = {.pid = *pid, .start_time = *before, .boot_id = boot_id},
                     .sandbox = std::move(sandbox),
                     .owner = std::move(owner)});
  }
  return found;
}

}  // namespace holdfast::drivers::process
