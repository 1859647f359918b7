// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM and SIGINT. Handled and not blocked: a blocked signal would be inherited by every
// workload that a driver starts.
#pragma once

namespace holdfast::gateway {

// From now on the first signal makes WaitForSignal return, and the second ends the process at once:
// everything that matters is in the journal already. Called once, before threads are made.
void InstallSignalHandlers();
// Blocks until a signal came; returns its number.
int WaitForSignal();

}  // namespace holdfast::gateway
