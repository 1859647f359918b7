// SPDX-License-Identifier: Apache-2.0
//
// One read connection to one file, a journal or a segment of its archive, with its prepared
// statements. Each use of it sees one moment: the tables, and on top of them the records that are
// not flushed yet (journal/tail.h). journal/view.h puts a journal and its segments together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/canonical.h"
#include "journal/journal.h"
#include "journal/names.h"
#include "journal/sqlite.h"
#include "journal/tail.h"

namespace holdfast::journal {

// A record with what only the journal needs of it.
struct StoredRecord {
  Record record;
  std::uint64_t sandbox = 0;  // key
  std::uint64_t previous = 0;
  std::uint32_t checksum = 0;
  Hash hash{};
  bool sound = false;  // the checksum holds; never when the sandbox has no row, and so no id

  // What checksum and hash are taken over. Valid as long as this.
  RecordView View() const {
    return {.position = record.position,
            .previous = previous,
            .sequence = record.sequence,
            .epoch = record.epoch,
            .time_unix_ms = record.time_unix_ms,
            .kind = record.kind,
            .sandbox_id = record.sandbox_id,
            .type = record.type,
            .payload = record.payload};
  }
};

class ReadConnection {
 public:
  static absl::StatusOr<std::unique_ptr<ReadConnection>> Open(const std::string& path);

  // Opened as a file that nobody writes, because no WAL was beside it.
  bool immutable() const { return immutable_; }
  Database& database() { return database_; }

  // Errors: Aborted  the file has another format version than when it was opened: open it anew
  absl::Status Begin();
  void End();
  const Tail& tail() const { return tail_; }

  struct SandboxKeys {
    std::uint64_t key = 0;
    SandboxRow row;
  };
  // NotFound; DataLoss when the row's checksum fails.
  absl::StatusOr<SandboxKeys> FindSandbox(std::string_view sandbox_id);
  // Every sandbox with a greater key, in the order of their keys, with what is wrong with its row:
  // empty when nothing is. REQUIRES: after_key is 0 when live_only.
  absl::Status ForEachSandbox(
      bool live_only, std::uint64_t after_key,
      const std::function<absl::StatusOr<Visit>(const SandboxKeys&, std::string_view wrong)>&
          visit);
  // Empty when there is none; DataLoss when its checksum fails.
  absl::StatusOr<std::optional<Snapshot>> FindSnapshot(const SandboxKeys& sandbox);
  absl::StatusOr<std::optional<std::string>> FindSealed(std::uint64_t key);

  // Of the record at a position, what leads back from it.
  struct Link {
    std::uint64_t sandbox = 0;  // key
    std::uint64_t sequence = 0;
    std::uint64_t previous = 0;
  };
  // Empty when there is no such record.
  absl::StatusOr<std::optional<Link>> FindLink(std::uint64_t position);

  // Empty when there is no such record. A checksum that fails is no error here; see `sound`.
  absl::StatusOr<std::optional<StoredRecord>> ReadRecord(std::uint64_t position,
                                                         std::string_view sandbox_id);

  // Records with position > after, in order, damaged ones too. Not from within `visit`.
  absl::Status Scan(std::uint64_t after, std::size_t limit,
                    absl::FunctionRef<Visit(const StoredRecord&)> visit);
  absl::StatusOr<std::vector<SandboxRow>> ListSandboxes(bool live_only, std::string_view after_id,
                                                        std::size_t limit);
  absl::StatusOr<std::vector<OpenIntent>> ListOpenIntents(std::string_view sandbox_id);
  // Each with the key of its sandbox, in the order of these.
  using KeyedLedger = std::vector<std::pair<std::uint64_t, LedgerRow>>;
  absl::StatusOr<KeyedLedger> ReadLedger(std::string_view sandbox_id, bool all);
  std::uint64_t LastPosition() const { return tail_.last_position(); }

 private:
  ReadConnection(Database database, Tail tail, SandboxNames names)
      : database_(std::move(database)), tail_(std::move(tail)), names_(std::move(names)) {}
  absl::Status Prepare();
  // Empty when no row names it. Valid until the next call.
  absl::StatusOr<std::string_view> NameOf(std::uint64_t key);
  // The row that `statement` stands at, brought up to the last record.
  void ReadSandbox(const Statement& statement, SandboxKeys& sandbox, std::string& wrong) const;

  // Before the statements, so that they are finalised before the connection closes.
  Database database_;
  Tail tail_;
  SandboxNames names_;
  bool immutable_ = false;
  std::int64_t schema_version_ = 0;  // SQLite's own counter of changes to the tables
  Statement begin_, end_, select_schema_version_;
  Statement find_sandbox_, walk_, record_, scan_;
  Statement list_all_, list_live_, each_, each_live_;
  Statement intents_all_, intents_one_;
  Statement ledger_all_, ledger_holding_, ledger_one_, ledger_one_holding_;
  Statement find_snapshot_, find_sealed_;
};

}  // namespace holdfast::journal
