// SPDX-License-Identifier: Apache-2.0
#include "journal/view.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Read from a segment at a time: it may have to be opened anew for the next ones.
constexpr std::size_t kChunkRecords = 256;
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr std::size_t kChunkRows = 256;

// The records of one segment, in their order.
class RecordCursor {
 public:
  RecordCursor(Segment segment, std::uint64_t after)
      : segment_(std::move(segment)), next_(std::max(after + 1, segment_.first_position)) {}

  std::uint64_t number() const { return segment_.number; }
  // Of the next record; what is not loaded yet may turn out to be later.
  std::uint64_t next() const { return next_; }
  bool loaded() const { return !records_.empty(); }
  bool done() const { return done_; }

  absl::Status Load(Archive& archive) {
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<ReadConnection> segment, archive.Open(segment_));
    std::size_t bytes = 0;
    HF_RETURN_IF_ERROR(InSegment(
        segment_.file, segment->Scan(next_ - 1, kChunkRecords, [&](const StoredRecord& stored) {
          records_.push_back(stored);
          bytes += stored.record.payload.size();
          return bytes < kChunkBytes ? Visit::kContinue : Visit::kStop;
        })));
    done_ = records_.empty();
    if (!done_) next_ = records_.front().record.position;
    return absl::OkStatus();
  }

  StoredRecord Take() {
    StoredRecord taken = std::move(records_.front());
    records_.pop_front();
    next_ = records_.empty() ? taken.record.position + 1 : records_.front().record.position;
    return taken;
  }

 private:
  Segment segment_;
  std::uint64_t next_;
  std::deque<StoredRecord> records_;
  bool done_ = false;
};

// The sandboxes of one segment, in the order of their keys.
class SandboxCursor {
 public:
  explicit SandboxCursor(Segment segment) : segment_(std::move(segment)) {}

  std::uint64_t number() const { return segment_.number; }
  // Empty at the end. REQUIRES: Load was called since the last Drop.
  const std::pair<ReadConnection::SandboxKeys, std::string>* front() const {
    return rows_.empty() ? nullptr : &rows_.front();
  }
  void Drop() { rows_.pop_front(); }

  absl::Status Load(Archive& archive) {
    if (!rows_.empty() || done_) return absl::OkStatus();
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<ReadConnection> segment, archive.Open(segment_));
    HF_RETURN_IF_ERROR(InSegment(
        segment_.file, segment->ForEachSandbox(
                           /*live_only=*/false, after_,
                           [&](const ReadConnection::SandboxKeys& sandbox,
                               std::string_view wrong) -> absl::StatusOr<Visit> {
                             rows_.emplace_back(sandbox, wrong);
                             return rows_.size() < kChunkRows ? Visit::kContinue : Visit::kStop;
                           })));
    done_ = rows_.empty();
    if (!done_) after_ = rows_.back().first.key;
    return absl::OkStatus();
  }

 private:
  Segment segment_;
  std::uint64_t after_ = 0;
  std::deque<std::pair<ReadConnection::SandboxKeys, std::string>> rows_;
  bool done_ = false;
};

// Of a sandbox that both have, the row in `newer` counts. Both in order of id, as is what comes.
std::vector<SandboxRow> MergeById(std::vector<SandboxRow> newer, std::vector<SandboxRow> older,
                                  std::size_t limit) {
  std::vector<SandboxRow> merged;
  auto a = newer.begin();
  auto b = older.begin();
  while (merged.size() < limit && (a != newer.end() || b != older.end())) {
    if (b == older.end() || (a != newer.end() && a->sandbox_id <= b->sandbox_id)) {
      if (b != older.end() && a->sandbox_id == b->sandbox_id) ++b;
      merged.push_back(std::move(*a++));
    } else {
      merged.push_back(std::move(*b++));
    }
  }
  return merged;
}

}  // namespace

absl::StatusOr<std::unique_ptr<JournalView>> JournalView::Open(const std::string& path) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<ReadConnection> hot, ReadConnection::Open(path));
  HF_ASSIGN_OR_RETURN(Archive archive, Archive::Create(hot->database(), path));
  return std::unique_ptr<JournalView>(new JournalView(std::move(hot), std::move(archive)));
}

absl::Status JournalView::Begin() {
  parts_known_ = false;
  HF_RETURN_IF_ERROR(hot_->Begin());
  return archive_.Begin();
}

absl::StatusOr<const std::vector<Archive::Part>*> JournalView::PartsOf(
    std::string_view sandbox_id) {
  if (!parts_known_ || parts_of_ != sandbox_id) {
    parts_known_ = false;
    HF_ASSIGN_OR_RETURN(parts_, archive_.Find(sandbox_id));
    parts_of_ = std::string(sandbox_id);
    parts_known_ = true;
  }
  return &parts_;
}

absl::StatusOr<JournalView::SandboxKeys> JournalView::FindSandbox(std::string_view sandbox_id) {
  auto found = hot_->FindSandbox(sandbox_id);
  if (!absl::IsNotFound(found.status())) return found;
  HF_ASSIGN_OR_RETURN(const auto* const parts, PartsOf(sandbox_id));
  if (parts->empty()) return found;
  return parts->front().head;
}

absl::StatusOr<std::vector<std::uint64_t>> JournalView::WalkBack(const SandboxKeys& sandbox,
                                                                 std::uint64_t from_sequence) {
  const std::string& id = sandbox.row.sandbox_id;
  std::vector<std::uint64_t> positions;
  std::uint64_t position = sandbox.row.head_position;
  std::shared_ptr<ReadConnection> segment;
  for (std::uint64_t sequence = sandbox.row.head_sequence;
       sequence > 0 && sequence >= from_sequence; --sequence) {
    std::optional<ReadConnection::Link> link;
    if (segment == nullptr) {
      HF_ASSIGN_OR_RETURN(link, hot_->FindLink(position));
    } else {
      HF_ASSIGN_OR_RETURN(link, segment->FindLink(position));
    }
    if (!link.has_value()) {
      HF_ASSIGN_OR_RETURN(const auto* const parts, PartsOf(id));
      for (auto part = parts->begin(); part != parts->end() && !link.has_value(); ++part) {
        HF_ASSIGN_OR_RETURN(segment, archive_.Open(part->row.segment));
        HF_ASSIGN_OR_RETURN(link, segment->FindLink(position));
      }
    }
    if (!link.has_value() || link->sandbox != sandbox.key || link->sequence != sequence ||
        link->previous >= position || (link->previous == 0) != (sequence == 1)) {
      return absl::DataLossError(
          fmt::format("sandbox \"{}\": record {} at position {}{}", id, sequence, position,
                      link ? " is not what its successor points to" : " is missing"));
    }
    positions.push_back(position);
    position = link->previous;
  }
  return positions;
}

absl::StatusOr<std::optional<StoredRecord>> JournalView::ReadRecord(std::uint64_t position,
                                                                    std::string_view sandbox_id) {
  HF_ASSIGN_OR_RETURN(std::optional<StoredRecord> record, hot_->ReadRecord(position, sandbox_id));
  if (record.has_value()) return record;
  HF_ASSIGN_OR_RETURN(const auto* const parts, PartsOf(sandbox_id));
  for (const Archive::Part& part : *parts) {
    const Segment& segment = part.row.segment;
    if (position < segment.first_position || position > segment.last_position) continue;
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<ReadConnection> opened, archive_.Open(segment));
    auto archived = opened->ReadRecord(position, sandbox_id);
    if (!archived.ok()) return InSegment(segment.file, archived.status());
    if (archived->has_value()) return archived;
  }
  return std::nullopt;
}

absl::Status JournalView::Scan(std::uint64_t after, std::size_t limit,
                               absl::FunctionRef<Visit(const StoredRecord&)> visit) {
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, archive_.ListAfter(after));
  if (rows.empty()) return hot_->Scan(after, limit, visit);
  std::vector<RecordCursor> cursors;
  cursors.reserve(rows.size());
  for (const SegmentRow& row : rows) cursors.emplace_back(row.segment, after);
  std::size_t left = limit;
  bool stopped = left == 0;
  const auto give = [&](const StoredRecord& stored) {
    stopped = visit(stored) == Visit::kStop || --left == 0;
  };
  std::uint64_t given = 0;
  const auto give_archived = [&](std::uint64_t up_to) -> absl::Status {
    while (!stopped && !cursors.empty()) {
      const auto first = std::min_element(
          cursors.begin(), cursors.end(),
          [](const RecordCursor& a, const RecordCursor& b) { return a.next() < b.next(); });
      if (first->next() > up_to) break;
      if (first->loaded()) {
        const StoredRecord stored = first->Take();
        // In two segments only when a file was meddled with; Verify finds it.
        if (std::exchange(given, stored.record.position) != given) give(stored);
        continue;
      }
      const absl::Status loaded = first->Load(archive_);
      // The others are not to be lost with it; who asks for the segments is told why.
      if (absl::IsDataLoss(loaded)) archive_.LeaveOut(first->number());
      if (!loaded.ok() && !absl::IsDataLoss(loaded)) return loaded;
      if (!loaded.ok() || first->done()) cursors.erase(first);
    }
    return absl::OkStatus();
  };
  absl::Status status;
  absl::Status scanned = hot_->Scan(after, SIZE_MAX, [&](const StoredRecord& stored) {
    if (status = give_archived(stored.record.position); !status.ok()) return Visit::kStop;
    // One that is still being removed was given from its segment.
    if (!stopped && given != stored.record.position) give(stored);
    return stopped ? Visit::kStop : Visit::kContinue;
  });
  HF_RETURN_IF_ERROR(scanned);
  HF_RETURN_IF_ERROR(status);
  return give_archived(UINT64_MAX);
}

absl::Status JournalView::ForEachSandbox(
    bool live_only,
    const std::function<absl::StatusOr<Visit>(const SandboxKeys&, std::string_view wrong)>& visit) {
  if (live_only) return hot_->ForEachSandbox(live_only, 0, visit);
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, archive_.ListAfter(0));
  std::vector<SandboxCursor> cursors;
  cursors.reserve(rows.size());
  for (const SegmentRow& row : rows) cursors.emplace_back(row.segment);
  bool stopped = false;
  // Those with lesser keys; of the one with this key, its row in the journal counts.
  const auto give_archived = [&](std::uint64_t key) -> absl::Status {
    while (!stopped) {
      SandboxCursor* first = nullptr;
      for (SandboxCursor& cursor : cursors) {
        HF_RETURN_IF_ERROR(cursor.Load(archive_));
        if (cursor.front() == nullptr) continue;
        if (first == nullptr || std::pair(cursor.front()->first.key, first->number()) <
                                    std::pair(first->front()->first.key, cursor.number())) {
          first = &cursor;
        }
      }
      if (first == nullptr || first->front()->first.key > key) break;
      const auto sandbox = *first->front();
      for (SandboxCursor& cursor : cursors) {
        if (cursor.front() != nullptr && cursor.front()->first.key == sandbox.first.key) {
          cursor.Drop();
        }
      }
      if (sandbox.first.key == key) continue;
      HF_ASSIGN_OR_RETURN(const Visit next, visit(sandbox.first, sandbox.second));
      stopped = next == Visit::kStop;
    }
    return absl::OkStatus();
  };
  const absl::Status visited = hot_->ForEachSandbox(
      live_only, 0,
      [&](const SandboxKeys& sandbox, std::string_view wrong) -> absl::StatusOr<Visit> {
        HF_RETURN_IF_ERROR(give_archived(sandbox.key));
        if (stopped) return Visit::kStop;
        HF_ASSIGN_OR_RETURN(const Visit next, visit(sandbox, wrong));
        stopped = next == Visit::kStop;
        return next;
      });
  HF_RETURN_IF_ERROR(visited);
  return give_archived(UINT64_MAX);
}

absl::StatusOr<std::vector<SandboxRow>> JournalView::ListSandboxes(bool live_only,
                                                                   std::string_view after_id,
                                                                   std::size_t limit) {
  HF_ASSIGN_OR_RETURN(std::vector<SandboxRow> merged,
                      hot_->ListSandboxes(live_only, after_id, limit));
  if (live_only) return merged;
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, archive_.List());
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->segment.expired) continue;
    const auto list = [&]() -> absl::StatusOr<std::vector<SandboxRow>> {
      HF_ASSIGN_OR_RETURN(const auto segment, archive_.Open(row->segment));
      return segment->ListSandboxes(/*live_only=*/false, after_id, limit);
    };
    auto listed = list();
    if (absl::IsDataLoss(listed.status())) {
      archive_.LeaveOut(row->segment.number);
      continue;
    }
    if (!listed.ok()) return InSegment(row->segment.file, listed.status());
    merged = MergeById(std::move(merged), *std::move(listed), limit);
  }
  return merged;
}

absl::StatusOr<std::vector<LedgerRow>> JournalView::ReadLedger(std::string_view sandbox_id,
                                                               bool all) {
  HF_ASSIGN_OR_RETURN(ReadConnection::KeyedLedger hot, hot_->ReadLedger(sandbox_id, all));
  // What was archived is held by nobody.
  std::vector<Segment> segments;
  if (all && sandbox_id.empty()) {
    HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, archive_.List());
    for (const SegmentRow& row : rows) {
      if (!row.segment.expired) segments.push_back(row.segment);
    }
  } else if (all) {
    HF_ASSIGN_OR_RETURN(const auto* const parts, PartsOf(sandbox_id));
    for (const Archive::Part& part : *parts) segments.insert(segments.begin(), part.row.segment);
  }
  std::vector<LedgerRow> rows;
  if (segments.empty()) {
    for (auto& [key, row] : hot) rows.push_back(std::move(row));
    return rows;
  }
  // A later part of a sandbox knows better what became of a thing.
  std::map<std::tuple<std::uint64_t, std::string, std::string, std::string>, LedgerRow> merged;
  const auto add = [&merged](ReadConnection::KeyedLedger& ledger) {
    for (auto& [key, row] : ledger) {
      merged[{key, row.participant, row.kind, row.name}] = std::move(row);
    }
  };
  for (const Segment& segment : segments) {
    const auto read = [&]() -> absl::StatusOr<ReadConnection::KeyedLedger> {
      HF_ASSIGN_OR_RETURN(const auto opened, archive_.Open(segment));
      return opened->ReadLedger(sandbox_id, all);
    };
    auto ledger = read();
    if (absl::IsDataLoss(ledger.status()) && sandbox_id.empty()) {
      archive_.LeaveOut(segment.number);
      continue;
    }
    if (!ledger.ok()) return InSegment(segment.file, ledger.status());
    add(*ledger);
  }
  add(hot);
  rows.reserve(merged.size());
  for (auto& [key, row] : merged) rows.push_back(std::move(row));
  return rows;
}

}  // namespace holdfast::journal
