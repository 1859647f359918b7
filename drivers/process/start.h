// SPDX-License-Identifier: Apache-2.0
//
// The step "start": one supervisor per idempotency key, whoever asks and however often.
#pragma once

#include "drivers/process/context.h"

namespace holdfast::drivers::process {

// Call on `io` only; `request` is of a valid id and key.
void StartSandbox(Context& context, StepRequest request, Answer answer);

}  // namespace holdfast::drivers::process
