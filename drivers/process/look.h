// SPDX-License-Identifier: Apache-2.0
//
// Looking without touching: probes of single steps, and the list of everything that is ours.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "drivers/process/context.h"

namespace holdfast::drivers::process {

// kPresent, kAbsent or kCannotTell; nullopt: a supervisor is just coming or going, look again soon.
std::optional<model::Outcome> ProbeOnce(const Context& context, const ProbeRequest& request);

// See Driver::ListOwned. Blocks.
absl::StatusOr<std::vector<OwnedResource>> ListEverything(const Context& context);

}  // namespace holdfast::drivers::process
