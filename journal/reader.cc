// SPDX-License-Identifier: Apache-2.0
//
// The reader: a few views of the journal, of which each call borrows one for one snapshot, so that
// calls do not wait for each other and a visitor may call the reader again.
#include "journal/reader.h"

#include <algorithm>
#include <mutex>
#include <type_traits>
#include <utility>

#include "fmt/format.h"
#include "journal/checkpoint_digest.h"
#include "journal/files.h"
#include "journal/lock.h"
#include "journal/ownership.h"
#include "journal/schema.h"
#include "journal/verify.h"
#include "journal/view.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Connections kept between calls; one costs about 100 KiB. More callers at once open their own.
constexpr std::size_t kIdleConnectionsMax = 4;

// Segments expire together, and seldom.
constexpr int kExpiredTriesMax = 3;

absl::StatusOr<std::string> JournalIdIn(Database& database) {
  return database.QueryText("SELECT value\nFROM meta\nWHERE name = 'journal_id'");
}

class ReaderImpl final : public Reader {
 public:
  ReaderImpl(std::string path, std::string journal_id)
      : path_(std::move(path)), journal_id_(std::move(journal_id)) {}

  absl::Status ReadSandbox(std::string_view sandbox_id, std::uint64_t from_sequence,
                           const std::function<Visit(const Record&)>& visit) override {
    return Look([&](JournalView& now) -> absl::Status {
      auto sandbox = now.FindSandbox(sandbox_id);
      if (absl::IsNotFound(sandbox.status())) return absl::OkStatus();
      HF_RETURN_IF_ERROR(sandbox.status());
      HF_ASSIGN_OR_RETURN(const std::vector<std::uint64_t> positions,
                          now.WalkBack(*sandbox, from_sequence));
      for (auto position = positions.rbegin(); position != positions.rend(); ++position) {
        HF_ASSIGN_OR_RETURN(const auto stored, now.ReadRecord(*position, sandbox_id));
        if (!stored.has_value() || !stored->sound) {
          return absl::DataLossError(
              fmt::format("sandbox \"{}\": the checksum of the record at position {} fails",
                          sandbox_id, *position));
        }
        from_sequence = stored->record.sequence + 1;
        if (visit(stored->record) == Visit::kStop) break;
      }
      return absl::OkStatus();
    });
  }

  absl::Status ReadTail(std::uint64_t after, std::size_t limit,
                        const std::function<Visit(const Record&)>& visit) override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    absl::Status damaged;
    HF_RETURN_IF_ERROR(now->Scan(after, limit, [&](const StoredRecord& stored) {
      if (stored.sound) return visit(stored.record);
      damaged = absl::DataLossError(
          fmt::format("sandbox \"{}\": the checksum of the record at position {} fails",
                      stored.record.sandbox_id, stored.record.position));
      return Visit::kStop;
    }));
    return damaged;
  }

  absl::StatusOr<SandboxRow> FindSandbox(std::string_view sandbox_id) override {
    return Look([&](JournalView& now) -> absl::StatusOr<SandboxRow> {
      HF_ASSIGN_OR_RETURN(JournalView::SandboxKeys sandbox, now.FindSandbox(sandbox_id));
      return std::move(sandbox.row);
    });
  }

  absl::StatusOr<std::vector<SandboxRow>> ListSandboxes(bool live_only, std::string_view after_id,
                                                        std::size_t limit) override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    return now->ListSandboxes(live_only, after_id, limit);
  }

  absl::StatusOr<std::vector<OpenIntent>> ListOpenIntents(std::string_view sandbox_id) override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    return now->ListOpenIntents(sandbox_id);
  }

  absl::StatusOr<std::vector<LedgerRow>> ReadLedger(std::string_view sandbox_id,
                                                    bool all) override {
    return Look([&](JournalView& now) { return now.ReadLedger(sandbox_id, all); });
  }

  absl::Status ReadLive(
      const std::function<Visit(const SandboxRow&, const Snapshot*)>& visit) override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    return now->ForEachSandbox(
        /*live_only=*/true,
        [&](const JournalView::SandboxKeys& sandbox, std::string_view) -> absl::StatusOr<Visit> {
          const auto snapshot = now->FindSnapshot(sandbox);
          if (!snapshot.ok() && !absl::IsDataLoss(snapshot.status())) return snapshot.status();
          const bool whole = snapshot.ok() && snapshot->has_value();
          return visit(sandbox.row, whole ? &**snapshot : nullptr);
        });
  }

  absl::StatusOr<std::optional<Snapshot>> FindSnapshot(std::string_view sandbox_id) override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    const auto sandbox = now->FindSandbox(sandbox_id);
    if (absl::IsNotFound(sandbox.status())) return std::nullopt;
    HF_RETURN_IF_ERROR(sandbox.status());
    auto snapshot = now->FindSnapshot(*sandbox);
    if (absl::IsDataLoss(snapshot.status())) return std::nullopt;
    return snapshot;
  }

  absl::StatusOr<std::optional<std::string>> ReadSealed(std::string_view sandbox_id) override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    const auto sandbox = now->FindSandbox(sandbox_id);
    if (absl::IsNotFound(sandbox.status())) return std::nullopt;
    HF_RETURN_IF_ERROR(sandbox.status());
    return now->FindSealed(sandbox->key);
  }

  absl::StatusOr<std::vector<Segment>> ListSegments() override {
    return Look([](JournalView& now) -> absl::StatusOr<std::vector<Segment>> {
      HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, now.archive().List());
      std::vector<Segment> segments;
      for (const SegmentRow& row : rows) {
        segments.push_back(row.segment);
        if (row.segment.expired) continue;
        const absl::Status opened = now.archive().Open(row.segment).status();
        segments.back().damage = std::string(opened.message());
      }
      return segments;
    });
  }

  absl::StatusOr<std::uint64_t> LastPosition() override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    return now->LastPosition();
  }

  absl::StatusOr<Ownership> ReadOwnership() override {
    HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
    HF_ASSIGN_OR_RETURN(Ownership ownership, journal::ReadOwnership(now->database()));
    ownership.held_now = Lock::IsHeld(path_);
    return ownership;
  }

  std::string journal_id() const override {
    const std::lock_guard lock(mutex_);
    return journal_id_;
  }

  absl::StatusOr<VerifyReport> Verify(VerifyMode mode) override {
    return Look([mode](JournalView& now) { return journal::Verify(now, mode); });
  }

  absl::StatusOr<Checkpoint> MakeCheckpoint(std::uint64_t position) override {
    return Look([&](JournalView& now) -> absl::StatusOr<Checkpoint> {
      const std::uint64_t last = now.LastPosition();
      const std::uint64_t up_to = position == 0 ? last : position;
      if (up_to > last) {
        return absl::OutOfRangeError(fmt::format("the journal ends at position {}", last));
      }
      std::vector<HeadAt> heads;
      HF_RETURN_IF_ERROR(CollectHeads(now, up_to, heads));
      return DigestHeads(journal_id(), up_to, std::move(heads));
    });
  }

 private:
  // Ends the transaction and gives the connection back.
  struct GiveBack {
    ReaderImpl* reader;
    void operator()(JournalView* connection) const {
      connection->End();
      reader->Return(std::unique_ptr<JournalView>(connection));
    }
  };
  using Borrowed = std::unique_ptr<JournalView, GiveBack>;

  // What `look` finds at one moment of the journal. A segment that it missed may have expired after
  // that moment, which is no damage: then it looks again, at a later one.
  template <typename What>
  std::invoke_result_t<What, JournalView&> Look(const What& look) {
    for (int tries_left = kExpiredTriesMax;; --tries_left) {
      HF_ASSIGN_OR_RETURN(const Borrowed now, Borrow());
      auto found = look(*now);
      if (!now->archive().missed() || tries_left == 0) return found;
      HF_ASSIGN_OR_RETURN(const std::size_t before, CountExpired(*now));
      HF_ASSIGN_OR_RETURN(const Borrowed later, Borrow());
      HF_ASSIGN_OR_RETURN(const std::size_t after, CountExpired(*later));
      if (before == after) return found;
    }
  }

  static absl::StatusOr<std::size_t> CountExpired(JournalView& view) {
    HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, view.archive().List());
    return static_cast<std::size_t>(std::count_if(
        rows.begin(), rows.end(), [](const SegmentRow& row) { return row.segment.expired; }));
  }

  absl::StatusOr<Borrowed> Borrow() {
    HF_ASSIGN_OR_RETURN(Borrowed now, BorrowOne());
    if (now->archive().TakeDropped()) {
      const std::lock_guard lock(mutex_);
      for (const auto& idle : idle_) idle->archive().CloseAll();
    }
    return now;
  }

  absl::StatusOr<Borrowed> BorrowOne() {
    std::unique_ptr<JournalView> connection;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        connection = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (connection != nullptr && !IsStillTheJournal(*connection)) connection.reset();
    if (connection != nullptr) {
      const absl::Status begun = connection->Begin();
      if (begun.ok()) return Borrowed(connection.release(), GiveBack{this});
      // Of another version by now, if nothing else.
      connection.reset();
    }
    // Again when the journal was brought to another version between opening it and looking into it.
    for (int tries_left = 3;; --tries_left) {
      HF_ASSIGN_OR_RETURN(connection, JournalView::Open(path_));
      absl::Status begun = connection->Begin();
      if (begun.ok()) begun = LearnJournalId(*connection);
      if (begun.ok()) return Borrowed(connection.release(), GiveBack{this});
      if (!absl::IsAborted(begun) || tries_left == 0) return begun;
    }
  }

  // Of the file that is open now, which a restore may have put in another journal's place.
  absl::Status LearnJournalId(JournalView& connection) {
    HF_ASSIGN_OR_RETURN(std::string id, JournalIdIn(connection.database()));
    const std::lock_guard lock(mutex_);
    journal_id_ = std::move(id);
    return absl::OkStatus();
  }

  bool IsStillTheJournal(JournalView& connection) const {
    // A WAL that came since means that a writer came: what was unchanging no longer is.
    if (connection.immutable() && IsThere(path_ + "-wal")) return false;
    // A restore puts another file in its place. What is open is set aside then, whole and old.
    int moved = 0;
    const int asked =
        sqlite3_file_control(connection.database().get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return asked == SQLITE_OK && moved == 0;
  }

  void Return(std::unique_ptr<JournalView> connection) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleConnectionsMax) idle_.push_back(std::move(connection));
  }

  const std::string path_;
  mutable std::mutex mutex_;
  std::string journal_id_;                          // guarded by mutex_
  std::vector<std::unique_ptr<JournalView>> idle_;  // guarded by mutex_
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> Reader::Open(const std::string& path) {
  const std::string real = RealPath(path);
  HF_RETURN_IF_ERROR(InspectFile(real));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<ReadConnection> connection, ReadConnection::Open(real));
  HF_ASSIGN_OR_RETURN(std::string id, JournalIdIn(connection->database()));
  return std::make_unique<ReaderImpl>(real, std::move(id));
}

}  // namespace holdfast::journal
