// SPDX-License-Identifier: Apache-2.0
//
// What happens between the start and the first command: the live sandboxes are loaded, the world is
// asked what there is, both are compared, and each sandbox is let go on with what it owes.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "statemachine/engine/engine.h"
#include "statemachine/engine/lanes.h"
#include "statemachine/engine/participants.h"

namespace holdfast::engine {

// Gives every live sandbox its lane and holds the lane back, so that commands for it wait until it
// is recovered and commands for others are served at once. Reads the live rows only.
absl::StatusOr<std::vector<model::SandboxId>> HoldBackLive(journal::Journal& journal, Lanes& lanes);

// Blocking. Loads and releases what HoldBackLive held back; `loaded` is called when every live
// sandbox is in its lane (lists are complete from then on). The report is complete on return. Never
// fails as a whole: what could not be read or asked is in the report's findings.
StartupReport Recover(journal::Journal& journal, Participants& participants, Lanes& lanes,
                      const Options& options, std::vector<model::SandboxId> live,
                      const std::function<void()>& loaded);

}  // namespace holdfast::engine
