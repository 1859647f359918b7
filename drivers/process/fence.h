// SPDX-License-Identifier: Apache-2.0
//
// Keeps a predecessor that is still draining from acting: the highest epoch that ever acted is on
// disk, and a lower one is refused. The check and the act happen under one lock, so that nothing of
// an old epoch takes effect after a newer one has acted.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "drivers/process/files.h"
#include "statemachine/model/ids.h"

namespace holdfast::drivers::process {

// Raises the epoch on disk if need be, and holds the lock until the result is destroyed; acts of
// one epoch hold it together. Keep it only for the moment of the act, never while waiting. Blocks
// for two seconds at most. Errors: FailedPrecondition  the epoch is stale
//         Unavailable         could not look, or another process holds the lock and does not move
absl::StatusOr<Fd> EnterEpoch(const std::string& state_dir, model::Epoch epoch);

}  // namespace holdfast::drivers::process
