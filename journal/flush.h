// SPDX-License-Identifier: Apache-2.0
//
// Moves what the writer knows of its sandboxes into the tables, in the writer's transaction, and
// the mark up to which they stand with it.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/ledger_store.h"
#include "journal/sqlite.h"
#include "journal/tail.h"

namespace holdfast::journal {

class Flusher {
 public:
  static absl::StatusOr<Flusher> Create(Database& database);

  struct Item {
    std::uint64_t key = 0;
    std::string_view id;
    bool is_new = false;
    std::uint64_t position = 0;
    std::uint64_t sequence = 0;
    const Unflushed* unflushed = nullptr;  // empty: its head alone moved
  };
  // Cheapest in ascending order of key.
  absl::Status Write(const Item& item);
  // After all were written.
  absl::Status Finish(std::uint64_t position);

 private:
  Flusher(sqlite3* db, LedgerWriter ledger) : db_(db), ledger_(std::move(ledger)) {}

  absl::Status WriteRow(const Item& item, const Projection& said);
  absl::Status WriteSnapshot(const Item& item);

  sqlite3* db_;  // the connection outlives this
  LedgerWriter ledger_;
  Statement put_head_, insert_sandbox_, select_live_, update_sandbox_, update_sandbox_live_;
  Statement put_snapshot_, drop_snapshot_, drop_pending_, set_flushed_;
};

}  // namespace holdfast::journal
