// SPDX-License-Identifier: Apache-2.0
//
// What the supervisor writes for whoever comes after it: who it is, before the workload runs, and
// how the workload ended, before it goes itself. Each whole, on disk, or not there.
#pragma once

#include <sys/types.h>

#include <string>

#include "drivers/process/supervisor/launch.h"

namespace holdfast::drivers::process::supervisor {

// supervisor.json. False: not written, errno says why.
bool WriteSupervisor(int directory, const Launch& launch, pid_t workload);

// exit.json of a workload that ran; `status` as of waitpid.
bool WriteExit(int directory, const Launch& launch, int status);

// exit.json of a workload that could not be executed.
bool WriteNeverRan(int directory, const Launch& launch, const std::string& why);

}  // namespace holdfast::drivers::process::supervisor
