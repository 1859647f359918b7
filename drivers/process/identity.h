// SPDX-License-Identifier: Apache-2.0
//
// Which process is which. A pid alone names nobody: the kernel gives it out again. A process is its
// pid, its start time and the boot in which both were read, and it is signalled through a pidfd
// that was opened before the identity was checked, so that no stranger is ever signalled in its
// place.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drivers/process/files.h"

namespace holdfast::drivers::process {

struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks after boot: field 22 of /proc/<pid>/stat
  std::string boot_id;
  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

// {"boot_id":"…","pid":1,"start_time":2}: the handle of a process resource.
std::string ToHandle(const ProcessIdentity& identity);

// /proc/sys/kernel/random/boot_id.
absl::StatusOr<std::string> ReadBootId();

// nullopt: no such process (zombies count as gone).
absl::StatusOr<std::optional<std::uint64_t>> ReadStartTime(pid_t pid);

// A pidfd of exactly this process. nullopt: it is not there any more, or the pid is somebody
// else's. Errors: Unavailable  could not look.
absl::StatusOr<std::optional<Fd>> OpenProcess(const ProcessIdentity& identity,
                                              std::string_view boot_id);

// Signalling what has ended meanwhile is no error.
absl::Status SignalProcess(int pidfd, int signal);

// The marks in a workload's environment, inherited by all that it starts.
inline constexpr std::string_view kEnvSandboxId = "HOLDFAST_SANDBOX_ID";
inline constexpr std::string_view kEnvSandboxKey = "HOLDFAST_SANDBOX_KEY";
inline constexpr std::string_view kEnvSandboxOwner = "HOLDFAST_SANDBOX_OWNER";
// No mark: where the workload finds its request's secrets, a file for each.
inline constexpr std::string_view kEnvSecrets = "HOLDFAST_SANDBOX_SECRETS";
inline constexpr std::string_view kEnvReservedPrefix = "HOLDFAST_SANDBOX_";

// A living process that carries our marks.
struct MarkedProcess {
  ProcessIdentity identity;
  std::string sandbox;
  std::string owner;  // value of HOLDFAST_SANDBOX_OWNER
};

// Every process on this host whose environment carries the sandbox id and an owner mark that starts
// with `owner_prefix`. Complete as far as /proc may be read; errors are never an empty answer.
absl::StatusOr<std::vector<MarkedProcess>> FindMarked(std::string_view owner_prefix,
                                                      const std::string& boot_id);

}  // namespace holdfast::drivers::process
