// SPDX-License-Identifier: Apache-2.0
//
// A batch on its way to the writer: its limits checked and its intents and outcomes parsed, on the
// thread of whoever appends, so that the one writer thread does only what must be done in order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/journal/v1/journal.pb.h"
#include "journal/journal.h"

namespace holdfast::journal {

// What one draft means to the journal's own projections; both empty for an event.
struct Meaning {
  std::unique_ptr<v1::Intent> intent;
  std::unique_ptr<v1::Outcome> outcome;
};

// Errors: DataLoss naming what is wrong: not an Intent or Outcome, or one without its required
// fields.
absl::StatusOr<Meaning> ParseMeaning(RecordKind kind, std::uint64_t sequence,
                                     const std::string& payload);

struct PreparedBatch {
  Batch batch;
  // One per draft, or empty when all drafts are events.
  std::vector<Meaning> meanings;
};

// Errors: InvalidArgument  empty, over a limit, or an intent or outcome is malformed
absl::StatusOr<PreparedBatch> Prepare(Batch batch, const Limits& limits);

}  // namespace holdfast::journal
