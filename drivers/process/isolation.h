// SPDX-License-Identifier: Apache-2.0
//
// Whether bubblewrap works on this host, found out by running it, and what it is told.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "drivers/process/driver.h"

namespace holdfast::drivers::process {

struct IsolationFound {
  bool bubblewrap = false;
  std::string executable;  // of bubblewrap
  std::string why;         // one sentence: what was found and what follows
};

// Runs bubblewrap as a workload would run in it; blocks for two seconds at most.
// Errors: FailedPrecondition  bubblewrap is required and does not work.
absl::StatusOr<IsolationFound> FindIsolation(Isolation wanted);

// What a workload in bubblewrap sees: the host's files read-only, a private /tmp, /dev and /proc,
// nothing in `hidden` and in the state directory but its own work directory, which it may write,
// and its secrets, which it may read; `secrets` is empty when it has none.
std::vector<std::string> BubblewrapArguments(const std::vector<std::string>& hidden,
                                             const std::string& state_dir, const std::string& work,
                                             const std::string& secrets,
                                             const std::map<std::string, std::string>& env);

// The file that argv[0] names: itself when absolute, else the first executable of that name in
// `path`. Errors: FailedPrecondition  there is none; the message says what to do.
absl::StatusOr<std::string> FindExecutable(const std::string& name, const std::string& path);

// Of workloads whose plan sets none; Debian's for root.
inline constexpr char kDefaultPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace holdfast::drivers::process
