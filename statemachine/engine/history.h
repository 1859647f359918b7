// SPDX-License-Identifier: Apache-2.0
//
// Loading one sandbox: its records, decoded and folded.
#pragma once

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::engine {

// A sandbox that was never heard of comes back empty (exists() is false).
// Errors: DataLoss  a record cannot be read, decoded or folded; the message says which. The sandbox
// is
//                   to be set aside, and nothing else with it.
absl::StatusOr<model::Sandbox> LoadSandbox(journal::Reader& reader, const model::SandboxId& id);

}  // namespace holdfast::engine
