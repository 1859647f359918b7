// SPDX-License-Identifier: Apache-2.0
//
// One read connection with its prepared statements, as the reader's calls and Verify use it. Each
// use of it is one snapshot. journal/reader.cc keeps a few of these.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/canonical.h"
#include "journal/journal.h"
#include "journal/sqlite.h"

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

  absl::Status Begin() { return begin_.Run(); }
  void End();

  struct SandboxKeys {
    std::uint64_t key = 0;
    SandboxRow row;
  };
  // NotFound; DataLoss when the row's checksum fails.
  absl::StatusOr<SandboxKeys> FindSandbox(std::string_view sandbox_id);

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
  absl::StatusOr<std::uint64_t> LastPosition();

 private:
  ReadConnection() = default;
  absl::Status Prepare();

  Database database_;
  bool immutable_ = false;
  Statement begin_, end_;
  Statement find_sandbox_, walk_, record_, tail_, last_position_;
  Statement list_all_, list_live_;
  Statement intents_all_, intents_one_;
  Statement ledger_all_, ledger_holding_, ledger_one_, ledger_one_holding_;
  std::string canonical_;
};

}  // namespace holdfast::journal
