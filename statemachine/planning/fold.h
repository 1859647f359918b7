// SPDX-License-Identifier: Apache-2.0
//
// Folding: the only way a sandbox changes. The same events always give the same sandbox.
#pragma once

#include "absl/status/status.h"
#include "statemachine/model/event.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::planning {

// Applies one event. On error the sandbox is unspecified and must be thrown away.
// Errors: DataLoss   the event cannot follow what was folded before it: wrong sequence, a
// transition
//                    the table does not have or that reached another state, an answer to a step
//                    that is not there. The sandbox must be set aside (it blocks no other).
absl::Status Fold(model::Sandbox& sandbox, const model::Recorded& recorded);

}  // namespace holdfast::planning
