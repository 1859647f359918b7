// SPDX-License-Identifier: Apache-2.0
//
// Loading all live sandboxes at the start: one pass over the live rows with
// their snapshots, and the folding of what came after them shared among a few
// threads.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "statemachine/engine/history.h"
#include "statemachine/model/ids.h"

namespace holdfast::engine {

using AdoptLoaded = std::function<void(const model::SandboxId& id, absl::StatusOr<Loaded> loaded)>;

// Loads the sandboxes and hands each to `adopt` once, from several threads at a
// time; one that cannot be read comes with its error (see LoadSandbox) and
// holds up no other. What cannot be read for a passing reason is tried again a
// few times before. Blocking. REQUIRES: nobody appends to them.
void LoadLive(journal::Reader& reader, const std::vector<model::SandboxId>& ids,
              const AdoptLoaded& adopt);

}  // namespace holdfast::engine
