// SPDX-License-Identifier: Apache-2.0
//
// The facts behind an explanation, one line each, with the intents by number, so that they can be
// found in the journal. Only explain.cc includes this.
#pragma once

#include <string>
#include <vector>

#include "statemachine/model/sandbox.h"

namespace holdfast::planning {

// The state, the active operation, the step being worked at, what is held (newest first), the rest.
std::vector<std::string> EvidenceOf(const model::Sandbox& sandbox);

}  // namespace holdfast::planning
