// SPDX-License-Identifier: Apache-2.0
//
// Ends what runs of one sandbox and looks until it is gone: asks, waits the grace, kills, and in
// the end kills the supervisor itself and sweeps after it.
#pragma once

#include <stop_token>

#include "drivers/process/context.h"

namespace holdfast::drivers::process {

struct StopWish {
  Owner owner;
  model::Epoch epoch;
  std::chrono::milliseconds grace{0};  // zero kills at once
  Clock::time_point deadline;
  std::stop_token cancelled;
};

// Answers on `io` (or at once): Ok when nothing of it runs, also when nothing ever did;
// FailedPrecondition the epoch is stale, nothing was done; Cancelled within the grace, it was asked
// to end and may still run; DeadlineExceeded, Unavailable. Call on `io` only.
void StopSandbox(Context& context, StopWish wish, StatusCallback done);

}  // namespace holdfast::drivers::process
