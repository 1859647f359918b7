// SPDX-License-Identifier: Apache-2.0
//
// One moment of a whole journal: its file, the records that are not flushed yet, and the segments
// of its archive, read as if nothing had ever been archived. The reader's calls and Verify stand on
// this. What concerns live sandboxes alone never opens a segment.
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
#include "journal/archive.h"
#include "journal/journal.h"
#include "journal/reader.h"

namespace holdfast::journal {

class JournalView {
 public:
  using SandboxKeys = ReadConnection::SandboxKeys;

  static absl::StatusOr<std::unique_ptr<JournalView>> Open(const std::string& path);

  // The journal's own file.
  ReadConnection& hot() { return *hot_; }
  Archive& archive() { return archive_; }
  bool immutable() const { return hot_->immutable(); }
  Database& database() { return hot_->database(); }
  const Tail& tail() const { return hot_->tail(); }

  // Errors: as ReadConnection::Begin
  absl::Status Begin();
  void End() { hot_->End(); }

  // As ReadConnection has them, archived sandboxes and records included. Errors besides: DataLoss
  // naming the segment that cannot be read. What is of everybody (Scan, ListSandboxes, the ledger
  // of all) leaves out such a segment instead; Archive::List and Verify tell which.
  absl::StatusOr<SandboxKeys> FindSandbox(std::string_view sandbox_id);
  absl::Status ForEachSandbox(
      bool live_only,
      const std::function<absl::StatusOr<Visit>(const SandboxKeys&, std::string_view wrong)>&
          visit);
  absl::StatusOr<std::optional<StoredRecord>> ReadRecord(std::uint64_t position,
                                                         std::string_view sandbox_id);
  absl::Status Scan(std::uint64_t after, std::size_t limit,
                    absl::FunctionRef<Visit(const StoredRecord&)> visit);
  absl::StatusOr<std::vector<SandboxRow>> ListSandboxes(bool live_only, std::string_view after_id,
                                                        std::size_t limit);
  absl::StatusOr<std::vector<LedgerRow>> ReadLedger(std::string_view sandbox_id, bool all);

  // The positions of the sandbox's records from `from_sequence` to the head, newest first, by their
  // back pointers. Errors: DataLoss naming where they break.
  absl::StatusOr<std::vector<std::uint64_t>> WalkBack(const SandboxKeys& sandbox,
                                                      std::uint64_t from_sequence);

  // What an archived sandbox never has.
  absl::StatusOr<std::optional<Snapshot>> FindSnapshot(const SandboxKeys& sandbox) {
    return hot_->FindSnapshot(sandbox);
  }
  absl::StatusOr<std::optional<std::string>> FindSealed(std::uint64_t key) {
    return hot_->FindSealed(key);
  }
  absl::StatusOr<std::vector<OpenIntent>> ListOpenIntents(std::string_view sandbox_id) {
    return hot_->ListOpenIntents(sandbox_id);
  }
  std::uint64_t LastPosition() const { return hot_->LastPosition(); }

 private:
  JournalView(std::unique_ptr<ReadConnection> hot, Archive archive)
      : hot_(std::move(hot)), archive_(std::move(archive)) {}
  absl::StatusOr<const std::vector<Archive::Part>*> PartsOf(std::string_view sandbox_id);

  // Before the archive, whose statements are of its connection.
  std::unique_ptr<ReadConnection> hot_;
  Archive archive_;
  // Of this moment: where the sandbox asked for last has its archived records.
  std::string parts_of_;
  std::vector<Archive::Part> parts_;
  bool parts_known_ = false;
};

}  // namespace holdfast::journal
