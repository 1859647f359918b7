// SPDX-License-Identifier: Apache-2.0
//
// `open_intents` and `ledger` as tables: loads one sandbox's part into a fold, and stores what the
// fold changed. The rules are in journal/ledger.h; this is only their SQL.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/ledger.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

class LedgerReader {
 public:
  static absl::StatusOr<LedgerReader> Create(Database& database);

  // As of the last flush.
  absl::StatusOr<LedgerFold> Load(std::uint64_t sandbox);

  // The intent with this sequence, open or not, from its record; empty when that is no intent.
  // `head` is where the sandbox's back pointers start.
  // Errors: DataLoss  the record is there and cannot be read
  absl::StatusOr<std::optional<IntentFacts>> FindIntent(std::uint64_t sandbox, std::uint64_t head,
                                                        std::uint64_t sequence);

 private:
  LedgerReader() = default;

  Statement select_open_, select_rows_, find_record_;
};

class LedgerWriter {
 public:
  static absl::StatusOr<LedgerWriter> Create(Database& database);

  // What changed in the fold since it was loaded.
  absl::Status Store(std::uint64_t sandbox, const LedgerFold& fold);

 private:
  LedgerWriter() = default;

  Statement open_intent_, close_intent_, put_row_;
};

}  // namespace holdfast::journal
