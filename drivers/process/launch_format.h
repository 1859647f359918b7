// SPDX-License-Identifier: Apache-2.0
//
// What the driver hands to its supervisor, and how: by inherited descriptors, so that neither
// argument lists (which everybody on the host may read) nor the disk ever hold the environment.
// Driver and supervisor are of one build, and the version says so.
//
// The launch is a memory file of NUL-terminated texts, in this order:
//   version, sandbox, generation, key, owner mark, mode, tty ("0" or "1"),
//   executable, count of argv, argv…, count of env, env ("NAME=value")…
#pragma once

namespace holdfast::drivers::process {

inline constexpr char kLaunchVersion[] = "1";
inline constexpr char kModeProcessGroup[] = "process-group";
inline constexpr char kModeBubblewrap[] = "bubblewrap";

// The descriptors that the supervisor is started with; all others it closes.
enum LaunchFd : int {
  kLockFd = 3,       // supervisor.lock with its lock held: given up only by dying
  kReadyFd = 4,      // pipe: "R" when the workload runs, "E<sentence>" when it cannot be started
  kLaunchFd = 5,     // the memory file above
  kDirectoryFd = 6,  // the sandbox's directory, so that it may be renamed meanwhile
  kArgumentsFd = 7,  // bubblewrap's arguments, inherited by it (--args 7); else empty
};

// What the sandbox's directory holds.
inline constexpr char kOwnerFile[] = "owner.json";
inline constexpr char kLockFile[] = "supervisor.lock";
inline constexpr char kSupervisorFile[] = "supervisor.json";
inline constexpr char kExitFile[] = "exit.json";
inline constexpr char kStopFile[] = "stop.json";
inline constexpr char kOutputFile[] = "output.log";
inline constexpr char kWorkDirectory[] = "work";
inline constexpr char kSecretsDirectory[] = "secrets";  // only when the request had any

}  // namespace holdfast::drivers::process
