// SPDX-License-Identifier: Apache-2.0
//
// What happens between the start and the first command: the live sandboxes are loaded, the world is
// asked what there is, both are compared, and each sandbox is let go on with what it owes.
#pragma once

#include <functional>

#include "journal/journal.h"
#include "statemachine/engine/engine.h"
#include "statemachine/engine/lanes.h"
#include "statemachine/engine/participants.h"

namespace holdfast::engine {

// Blocking; `loaded` is called when every live sandbox is in its lane (lists are complete from then
// on). The report is complete on return. Never fails as a whole: what could not be read or asked is
// in the report's findings.
StartupReport Recover(journal::Journal& journal, Participants& participants, Lanes& lanes,
                      const Options& options, const std::function<void()>& loaded);

}  // namespace holdfast::engine
