// SPDX-License-Identifier: Apache-2.0
//
// Kills what a dead supervisor left behind: without a pid namespace, only the workload's main
// process dies with its supervisor, and what that had started goes on. Found by the marks in the
// environment.
#pragma once

#include "drivers/process/context.h"

namespace holdfast::drivers::process {

// REQUIRES: no supervisor of this owner lives. Answers on `io` (or at once): Ok when a look found
// none of its processes; DeadlineExceeded, Unavailable. Call on `io` only.
void SweepLeftovers(Context& context, Owner owner, Clock::time_point deadline, StatusCallback done);

}  // namespace holdfast::drivers::process
