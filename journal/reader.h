// SPDX-License-Identifier: Apache-2.0
//
// One read connection with its prepared statements, as the reader's calls and Verify use it. Each
// use of it sees one moment: the tables, and on top of them the records that are not flushed yet
// (journal/tail.h). journal/reader.cc keeps a few of these.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/canonical.h"
#include "journal/journal.h"
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
  // Every sandbox in the order of its key, with what is wrong with its row: empty when nothing is.
  absl::Status ForEachSandbox(
      bool live_only,
      const std::function<absl::StatusOr<Visit>(const SandboxKeys&, std::string_view wrong)>&
          visit);
  // Empty when there is none; DataLoss when its checksum fails.
  absl::StatusOr<std::optional<Snapshot>> FindSnapshot(const SandboxKeys& sandbox);
  absl::StatusOr<std::optional<std::string>> FindSealed(std::uint64_t key);

  // The positions of the sandbox's records from `from_sequence` to the head, newest first, by their
  // back pointers. Errors: DataLoss naming where they break.
  absl::StatusOr<std::vector<std::uint64_t>> WalkBack(const SandboxKeys& sandbox,
                                                      std::uint64_t from_sequence);

  // Empty when there is no such record. A checksum that fails is no error here; see `sound`.
  absl::StatusOr<std::optional<StoredRecord>> ReadRecord(std::uint64_t position,
                                                         std::string_view sandbox_id);
  // The canonical bytes of the record read last.
  std::string_view canonical() const { return canonical_; }

  // Records with position > after, in order, damaged ones too.
  absl::Status Scan(std::uint64_t after, std::size_t limit,
                    const std::function<Visit(const StoredRecord&)>& visit);
  absl::StatusOr<std::vector<SandboxRow>> ListSandboxes(bool live_only, std::string_view after_id,
                                                        std::size_t limit);
  absl::StatusOr<std::vector<OpenIntent>> ListOpenIntents(std::string_view sandbox_id);
  absl::StatusOr<std::vector<LedgerRow>> ReadLedger(std::string_view sandbox_id, bool all);
  std::uint64_t LastPosition() const { return tail_.last_position(); }

 private:
  ReadConnection(Database database, Tail tail)
      : database_(std::move(database)), tail_(std::move(tail)) {}
  absl::Status Prepare();
  // Empty when no row names it.
  absl::StatusOr<std::string_view> IdOf(std::uint64_t key);
  // The row that `statement` stands at, brought up to the last record.
  void ReadSandbox(const Statement& statement, SandboxKeys& sandbox, std::string& wrong) const;

  // Before the statements, so that they are finalised before the connection closes.
  Database database_;
  Tail tail_;
  bool immutable_ = false;
  std::int64_t schema_version_ = 0;  // SQLite's own counter of changes to the tables
  Statement begin_, end_, select_schema_version_;
  Statement find_sandbox_, walk_, record_, scan_, select_id_;
  Statement list_all_, list_live_, each_, each_live_;
  Statement intents_all_, intents_one_;
  Statement ledger_all_, ledger_holding_, ledger_one_, ledger_one_holding_;
  Statement find_snapshot_, find_sealed_;
  // Names by key, of sandboxes that are in the tables. Emptied when it has grown too large.
  absl::flat_hash_map<std::uint64_t, std::string> ids_;
  std::string canonical_;
};

}  // namespace holdfast::journal
