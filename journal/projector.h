// SPDX-License-Identifier: Apache-2.0
//
// Keeps `open_intents` and `ledger` in step with the records, inside the writer's transaction. The
// rules are in journal/ledger.h; this is their SQL.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/journal/v1/journal.pb.h"
#include "journal/ledger.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

class Projector {
 public:
  static absl::StatusOr<Projector> Create(Database& database);

  // The intent with this sequence, open or not; empty when the sandbox has no such intent.
  // `head` is where the sandbox's back pointers start.
  // Errors: DataLoss  the record is there and cannot be read
  absl::StatusOr<std::optional<IntentFacts>> FindIntent(std::uint64_t sandbox, std::uint64_t head,
                                                        std::uint64_t sequence);

  absl::Status Apply(std::uint64_t sandbox, std::uint64_t sequence, std::uint64_t position,
                     std::int64_t time_unix_ms, const v1::Intent& intent);
  absl::Status Apply(std::uint64_t sandbox, std::int64_t time_unix_ms, const v1::Outcome& outcome,
                     const IntentFacts& intent);

 private:
  Projector() = default;

  Statement find_open_, find_record_;
  Statement open_intent_, close_intent_;
  Statement put_row_, end_rows_;
};

}  // namespace holdfast::journal
