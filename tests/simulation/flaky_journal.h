// SPDX-License-Identifier: Apache-2.0
//
// A journal whose reading of single sandboxes is counted and can be made to fail for a while, as a
// disk does that is just then not there. Everything else is the real one's. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "journal/journal.h"

namespace holdfast::simulation {

class FlakyReader final : public journal::Reader {
 public:
  // The real one must outlive it.
  explicit FlakyReader(journal::Reader& real) : real_(real) {}

  // The next reads of a sandbox, its row or its snapshot end with Unavailable.
  void FailNext(int reads) { failures_ = reads; }
  std::uint64_t records_read() const { return records_read_; }

  absl::Status ReadSandbox(
      std::string_view id, std::uint64_t from,
      const std::function<journal::Visit(const journal::Record&)>& visit) override {
    if (Fails()) return absl::UnavailableError("the disk is not there");
    return real_.ReadSandbox(id, from, [&](const journal::Record& record) {
      ++records_read_;
      return visit(record);
    });
  }
  absl::StatusOr<journal::SandboxRow> FindSandbox(std::string_view id) override {
    if (Fails()) return absl::UnavailableError("the disk is not there");
    return real_.FindSandbox(id);
  }
  absl::StatusOr<std::optional<journal::Snapshot>> FindSnapshot(std::string_view id) override {
    if (Fails()) return absl::UnavailableError("the disk is not there");
    return real_.FindSnapshot(id);
  }

  absl::Status ReadTail(
      std::uint64_t after, std::size_t limit,
      const std::function<journal::Visit(const journal::Record&)>& visit) override {
    return real_.ReadTail(after, limit, visit);
  }
  absl::StatusOr<std::vector<journal::SandboxRow>> ListSandboxes(bool live_only,
                                                                 std::string_view after,
                                                                 std::size_t limit) override {
    return real_.ListSandboxes(live_only, after, limit);
  }
  absl::StatusOr<std::vector<journal::OpenIntent>> ListOpenIntents(std::string_view id) override {
    return real_.ListOpenIntents(id);
  }
  absl::StatusOr<std::vector<journal::LedgerRow>> ReadLedger(std::string_view id,
                                                             bool all) override {
    return real_.ReadLedger(id, all);
  }
  absl::Status ReadLive(
      const std::function<journal::Visit(const journal::SandboxRow&, const journal::Snapshot*)>&
          visit) override {
    return real_.ReadLive(visit);
  }
  absl::StatusOr<std::optional<std::string>> ReadSealed(std::string_view id) override {
    return real_.ReadSealed(id);
  }
  absl::StatusOr<std::uint64_t> LastPosition() override { return real_.LastPosition(); }
  absl::StatusOr<journal::Ownership> ReadOwnership() override { return real_.ReadOwnership(); }
  std::string journal_id() const override { return real_.journal_id(); }
  absl::StatusOr<journal::VerifyReport> Verify(journal::VerifyMode mode) override {
    return real_.Verify(mode);
  }
  absl::StatusOr<journal::Checkpoint> MakeCheckpoint(std::uint64_t position) override {
    return real_.MakeCheckpoint(position);
  }
  absl::StatusOr<std::vector<journal::Segment>> ListSegments() override {
    return real_.ListSegments();
  }

 private:
  bool Fails() { return failures_.load() > 0 && failures_.fetch_sub(1) > 0; }

  journal::Reader& real_;
  std::atomic<int> failures_{0};
  std::atomic<std::uint64_t> records_read_{0};
};

class FlakyJournal final : public journal::Journal {
 public:
  // The real one must outlive it.
  explicit FlakyJournal(journal::Journal& real) : real_(real), reader_(real.reader()) {}

  FlakyReader& reader() override { return reader_; }

  absl::StatusOr<journal::Appended> Append(journal::Batch batch) override {
    return real_.Append(std::move(batch));
  }
  void AppendAsync(journal::Batch batch, journal::AppendCallback done) override {
    real_.AppendAsync(std::move(batch), std::move(done));
  }
  absl::Status ReplaceSealed(std::string_view id, std::string expected,
                             std::string replacement) override {
    return real_.ReplaceSealed(id, std::move(expected), std::move(replacement));
  }
  absl::Status Flush() override { return real_.Flush(); }
  absl::StatusOr<journal::ArchiveReport> Archive(const journal::ArchiveOptions& options) override {
    return real_.Archive(options);
  }
  absl::StatusOr<journal::ExpireReport> ExpireArchives(std::int64_t older_than_unix_ms,
                                                       const std::function<bool()>& stop) override {
    return real_.ExpireArchives(older_than_unix_ms, stop);
  }
  std::uint64_t epoch() const override { return real_.epoch(); }
  bool sound() const override { return real_.sound(); }
  journal::Stats stats() const override { return real_.stats(); }
  const journal::Ownership& previous_ownership() const override {
    return real_.previous_ownership();
  }
  absl::Status Close() override { return real_.Close(); }

 private:
  journal::Journal& real_;
  FlakyReader reader_;
};

}  // namespace holdfast::simulation
