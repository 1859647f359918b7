// SPDX-License-Identifier: Apache-2.0
//
// The steps "provision" and "destroy": the sandbox's directory comes and goes.
#pragma once

#include "drivers/process/context.h"

namespace holdfast::drivers::process {

// Blocks on the disk: call on a thread of `files`.
model::Outcome ProvisionSandbox(Context& context, const StepRequest& request);

// Stops first what runs. Call on `io` only.
void DestroySandbox(Context& context, StepRequest request, Answer answer);

}  // namespace holdfast::drivers::process
