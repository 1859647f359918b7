// SPDX-License-Identifier: Apache-2.0
//
// The tail: the records behind the last flush, folded on top of what the tables say. A commit
// writes records and little else; heads, live rows, open intents and ledger are flushed later. Who
// reads meanwhile, be it another process or the writer after a crash, sees them through this.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/ledger.h"
#include "journal/ledger_store.h"
#include "journal/record.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

// What is not flushed yet of one sandbox, beside its head.
struct Unflushed {
  std::optional<Projection> said;      // that was appended last; empty: as in `sandboxes`
  std::unique_ptr<LedgerFold> ledger;  // empty: as in `open_intents` and `ledger`
  std::optional<Snapshot> snapshot;    // known to its writer only
};

struct TailEntry {
  std::uint64_t key = 0;
  std::string id;
  bool is_new = false;         // it has no row in `sandboxes`
  std::uint64_t position = 0;  // of its last record
  std::uint64_t sequence = 0;  // of its last record
  std::uint64_t applied = 0;   // up to this position the tables have its records already
  Unflushed unflushed;
};

class Tail {
 public:
  static absl::StatusOr<Tail> Create(Database& database);

  // Folds what was appended since the last call, or all of the tail anew when it was flushed
  // meanwhile. At most as much as the writer lets lie (Limits::flush_records_max). A record whose
  // checksum fails is no error: it moves its sandbox's head, so that whoever reads the sandbox runs
  // into it, and nothing of it is believed otherwise.
  // REQUIRES: a transaction is open; what this object says holds for as long as it lasts.
  absl::Status CatchUp();

  const TailEntry* Find(std::uint64_t key) const;
  const TailEntry* Find(std::string_view id) const;
  std::map<std::uint64_t, TailEntry>& entries() { return entries_; }
  const std::map<std::uint64_t, TailEntry>& entries() const { return entries_; }
  const std::map<std::string_view, const TailEntry*>& by_id() const { return by_id_; }
  // Of the last record.
  std::uint64_t last_position() const { return scanned_; }
  // Up to which the tables stand.
  std::uint64_t flushed() const { return flushed_; }

 private:
  explicit Tail(LedgerReader ledger) : ledger_(std::move(ledger)) {}

  absl::Status ReadMark();
  absl::Status ReadPending();
  absl::Status ReadRecord();
  absl::StatusOr<TailEntry*> Entry(std::uint64_t key);
  absl::StatusOr<bool> Continues(std::uint64_t key, std::uint64_t sequence, std::uint64_t previous);
  absl::Status FoldMeaning(TailEntry& entry, std::uint64_t previous, RecordKind kind,
                           std::uint64_t sequence, std::uint64_t position,
                           std::int64_t time_unix_ms, std::string_view payload);

  struct PendingRow {
    std::uint64_t sandbox = 0;
    std::string id;
    bool sound = false;
    Projection projection;
  };

  LedgerReader ledger_;
  Statement select_flushed_, select_pending_, select_records_, select_id_, select_head_;
  std::uint64_t flushed_ = 0;
  std::uint64_t scanned_ = 0;
  std::map<std::uint64_t, PendingRow> pending_;                 // by position; of this call
  std::unordered_map<std::uint64_t, std::string> pending_ids_;  // by key; of this call
  std::map<std::uint64_t, TailEntry> entries_;                  // by key
  std::map<std::string_view, const TailEntry*> by_id_;
};

}  // namespace holdfast::journal
