// SPDX-License-Identifier: Apache-2.0
//
// Which step comes next: the saga of each operation, read off the sandbox's state, its frozen chain
// and what it holds. Pure.
#pragma once

#include <optional>

#include "statemachine/model/event.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/planning/decide.h"

namespace holdfast::planning {

// The step that the sandbox's state owes now, or nullopt when that state's work is done.
// REQUIRES: no step is being worked at.
std::optional<model::StepIntended> NextStep(const model::Sandbox& sandbox, const Policy& policy);

// A hook that may be given up without failing its operation: one around a launch, a stop or a
// start, and before_delete, unless the operator's policy for it says otherwise.
bool MayBeSkipped(const model::Sandbox& sandbox, const model::StepIntended& step);

// Its answer can be looked for in the world when it is unknown: it makes or undoes something.
bool CanBeProbed(const model::StepIntended& step);

}  // namespace holdfast::planning
