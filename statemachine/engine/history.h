// SPDX-License-Identifier: Apache-2.0
//
// Loading one sandbox: its snapshot, when it has one that can be used, and the
// records after it, decoded and folded. A snapshot is a cache: whatever is
// wrong with one, the records are folded from the first instead.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::engine {

struct Loaded {
  model::Sandbox sandbox;
  model::Sequence snapshot;  // the last record that a snapshot stood for; zero:
                             // all were folded
  std::string ignored;       // why the snapshot that there is could not be used
};

// Blocking, and bounded in time. A sandbox that was never heard of comes back
// empty (exists() is false). Errors: DataLoss          a record cannot be read,
// decoded or folded; the message says which. The
//                           sandbox is to be set aside, and nothing else with
//                           it.
//         DeadlineExceeded  reading took too long; to be set aside likewise
//         Unavailable       the journal could not be read just now
absl::StatusOr<Loaded> LoadSandbox(journal::Reader& reader, const model::SandboxId& id);

// The same of a sandbox that Reader::ReadLive showed (nullptr: without a
// snapshot). Reads nothing when the snapshot stands for all its records.
absl::StatusOr<Loaded> LoadSandbox(journal::Reader& reader, const journal::SandboxRow& row,
                                   const journal::Snapshot* snapshot);

}  // namespace holdfast::engine
