// SPDX-License-Identifier: Apache-2.0
#include "journal/archiver.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "journal/files.h"
#include "journal/strays.h"
#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Records removed by one transaction: about 10 milliseconds that an append may wait.
constexpr int kSliceRecords = 2'048;
// A sandbox that is used while it is archived sends the run back to choose anew. More often than
// this in a row, somebody appends with times of long ago, and a later run may be luckier.
constexpr int kAttemptsMax = 8;

constexpr char kSelectSlice[] =
    "SELECT position\n"
    "FROM records\n"
    "WHERE position > ?1\n"
    "ORDER BY position\n"
    "LIMIT ?2";
constexpr char kSelectEntries[] =
    "SELECT fingerprint, sandbox, segment\n"
    "FROM archived";
constexpr char kIsHot[] =
    "SELECT 1\n"
    "FROM sandboxes\n"
    "WHERE key = ?1";

// What is read next comes from the disk and not from memory, as far as the system obliges.
void DropCache(const std::string& path) {
  const auto file = File::Open(path, O_RDONLY);
  if (file.ok()) ::posix_fadvise(file->fd(), 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace

absl::StatusOr<std::unique_ptr<JournalView>> Archiver::Look() {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<JournalView> view, JournalView::Open(journal_path_));
  HF_RETURN_IF_ERROR(view->Begin());
  archive_ = view->archive().directory();
  HF_ASSIGN_OR_RETURN(journal_id_, view->database().QueryText("SELECT value\nFROM meta\n"
                                                              "WHERE name = 'journal_id'"));
  return view;
}

absl::StatusOr<ArchiveReport> Archiver::Run(const ArchiveOptions& options) {
  ArchiveReport report;
  const absl::Status ran = RunUntilStopped(options, report);
  // Nothing is half done: a draft is removed, and what is sealed is gone on with.
  if (!ran.ok() && !absl::IsCancelled(ran)) return ran;
  report.kept.insert(report.kept.begin(), kept_.begin(), kept_.end());
  return report;
}

absl::Status Archiver::RunUntilStopped(const ArchiveOptions& options, ArchiveReport& report) {
  HF_RETURN_IF_ERROR(GoOn(options.stop));
  // What is finished while this runs is for the next run: else one that is overtaken never ends.
  std::uint64_t through = 0;
  {
    HF_ASSIGN_OR_RETURN(const auto view, Look());
    through = view->LastPosition();
  }
  for (int attempts = 0; attempts < kAttemptsMax && !Asked(options.stop);) {
    // The tables must tell what is finished.
    HF_RETURN_IF_ERROR(turn_([](Writer& writer) { return writer.Flush(); }));
    HF_ASSIGN_OR_RETURN(const BuiltSegment built, Build(options, through, report));
    const Segment& segment = built.segment;
    if (segment.sandboxes == 0) break;
    const std::string path = fmt::format("{}/{}", archive_, segment.file);
    const std::string draft = fmt::format("{}/{}", archive_, DraftName(segment.number));
    if (absl::Status checked = Check(built, options.stop); !checked.ok()) {
      Remove(draft).IgnoreError();  // the next run does it
      return checked;
    }
    HF_FAILPOINT(kArchiveBeforeSeal);
    HF_RETURN_IF_ERROR(RenameToFree(draft, path));
    HF_RETURN_IF_ERROR(SyncDirectory(archive_));
    HF_FAILPOINT(kArchiveAfterSeal);
    const absl::Status adopted =
        turn_([&](Writer& writer) { return writer.AdoptSegment(segment, built.parts); });
    if (absl::IsAborted(adopted)) {
      ++attempts;
      HF_RETURN_IF_ERROR(Remove(path));
      continue;
    }
    HF_RETURN_IF_ERROR(adopted);
    HF_FAILPOINT(kArchiveAfterCommit);
    attempts = 0;
    ++report.segments;
    report.sandboxes += segment.sandboxes;
    report.records += segment.records;
    HF_RETURN_IF_ERROR(RemoveRecords(segment, options.stop));
  }
  return absl::OkStatus();
}

absl::Status Archiver::GoOn(const StopFunction& stop) {
  // A commit has succeeded since one failed, or this is refused: what the journal says is so.
  HF_RETURN_IF_ERROR(turn_([](Writer& writer) { return writer.Flush(); }));
  std::vector<SegmentRow> rows;
  {
    HF_ASSIGN_OR_RETURN(const auto view, Look());
    HF_ASSIGN_OR_RETURN(rows, view->archive().List());
    HF_RETURN_IF_ERROR(RemoveStrays(*view, stop, kept_));
  }
  for (const SegmentRow& row : rows) {
    if (row.state != SegmentState::kRemoving) continue;
    // Days may have passed. What the journal still has is not removed for a file that is not whole.
    const absl::Status whole = Read(row.segment, row.segment.file, stop).status();
    if (absl::IsDataLoss(whole)) {
      kept_.emplace_back(whole.message());
      broken_.insert(row.segment.number);
      continue;
    }
    HF_RETURN_IF_ERROR(whole);
    HF_RETURN_IF_ERROR(RemoveRecords(row.segment, stop));
  }
  return absl::OkStatus();
}

absl::StatusOr<BuiltSegment> Archiver::Build(const ArchiveOptions& options, std::uint64_t through,
                                             ArchiveReport& report) {
  HF_ASSIGN_OR_RETURN(const auto view, Look());
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, view->archive().List());
  HF_ASSIGN_OR_RETURN(Hasher hasher, Hasher::Create());
  SegmentBuilder builder(*view, options, through, std::move(hasher));
  for (const SegmentRow& row : rows) {
    if (row.state != SegmentState::kRemoving) continue;
    // Asked to stop while it was being removed.
    if (!broken_.contains(row.segment.number)) return BuiltSegment{};
    builder.LeaveSandboxesOf(row.segment.number);
  }
  HF_ASSIGN_OR_RETURN(const std::uint64_t number, NextSegmentNumber(*view));
  auto built = builder.Build(number);
  if (!built.ok()) {
    Remove(fmt::format("{}/{}", archive_, DraftName(number))).IgnoreError();  // as above
    return built;
  }
  report.kept.clear();
  for (const auto& [key, why] : builder.damaged()) report.kept.push_back(why);
  return built;
}

absl::StatusOr<std::unique_ptr<ReadConnection>> Archiver::Open(const Segment& segment) {
  return OpenSegment(archive_, journal_id_, segment);
}

absl::StatusOr<SegmentContent> Archiver::Read(Segment segment, const std::string& file,
                                              const StopFunction& stop) {
  segment.file = file;
  HF_ASSIGN_OR_RETURN(const auto opened, Open(segment));
  auto content = ReadSegment(*opened, stop);
  absl::Status whole = content.status();
  if (whole.ok()) whole = Matches(*content, segment);
  if (!whole.ok()) return InSegment(file, whole);
  return content;
}

absl::Status Archiver::Check(const BuiltSegment& built, const StopFunction& stop) {
  const std::string draft = DraftName(built.segment.number);
  DropCache(fmt::format("{}/{}", archive_, draft));
  HF_ASSIGN_OR_RETURN(const SegmentContent content, Read(built.segment, draft, stop));
  if (content.ledger == built.ledger) return absl::OkStatus();
  return InSegment(draft, absl::DataLossError("its ledger is not what was written into it"));
}

absl::Status Archiver::RemoveRecords(const Segment& segment, const StopFunction& stop) {
  HF_ASSIGN_OR_RETURN(const auto opened, Open(segment));
  HF_ASSIGN_OR_RETURN(Statement select, opened->database().Prepare(kSelectSlice));
  std::uint64_t last = 0;
  while (!Asked(stop)) {
    std::vector<std::uint64_t> positions;
    select.Bind(1, last).Bind(2, std::int64_t{kSliceRecords});
    while (true) {
      HF_ASSIGN_OR_RETURN(const bool found, select.Step());
      if (!found) break;
      positions.push_back(select.Unsigned(0));
    }
    if (positions.empty()) {
      return turn_([&](Writer& writer) { return writer.SettleSegment(segment.number); });
    }
    HF_RETURN_IF_ERROR(turn_([&](Writer& writer) { return writer.RemoveArchived(positions); }));
    HF_FAILPOINT(kArchiveAfterSlice);
    last = positions.back();
  }
  return absl::OkStatus();
}

absl::Status Archiver::FindDue(const std::vector<SegmentRow>& rows, std::int64_t older_than_unix_ms,
                               const StopFunction& stop, std::set<std::uint64_t>& due) {
  for (const SegmentRow& row : rows) {
    if (row.state != SegmentState::kSettled) continue;
    const auto opened = Open(row.segment);
    absl::Status read = opened.status();
    if (read.ok()) {
      HF_ASSIGN_OR_RETURN(
          Statement newest,
          (*opened)->database().Prepare("SELECT value\nFROM meta\nWHERE name = 'newest_unix_ms'"));
      HF_ASSIGN_OR_RETURN(const bool found, newest.Step());
      if (found && newest.Integer(0) >= older_than_unix_ms) continue;
      // So it says itself. What goes for ever is read: its records count.
      read = Read(row.segment, row.segment.file, stop).status();
    }
    if (absl::IsCancelled(read)) return read;
    if (read.ok()) {
      due.insert(row.segment.number);
    } else {
      kept_.emplace_back(read.message());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ExpireReport> Archiver::Expire(std::int64_t older_than_unix_ms,
                                              const StopFunction& stop) {
  ExpireReport report;
  const absl::Status ran = ExpireUntilStopped(older_than_unix_ms, stop, report);
  // Stopped while it read: nothing has gone yet.
  if (!ran.ok() && !absl::IsCancelled(ran)) return ran;
  return report;
}

absl::Status Archiver::ExpireUntilStopped(std::int64_t older_than_unix_ms, const StopFunction& stop,
                                          ExpireReport& report) {
  HF_RETURN_IF_ERROR(GoOn(stop));
  std::vector<SegmentRow> rows;
  std::vector<Writer::ArchivedEntry> entries;
  std::set<std::uint64_t> due;
  std::set<std::uint64_t> hot;
  {
    HF_ASSIGN_OR_RETURN(const auto view, Look());
    HF_ASSIGN_OR_RETURN(rows, view->archive().List());
    HF_RETURN_IF_ERROR(FindDue(rows, older_than_unix_ms, stop, due));
    report.kept = kept_;
    if (due.empty()) return absl::OkStatus();
    HF_ASSIGN_OR_RETURN(Statement select, view->database().Prepare(kSelectEntries));
    while (true) {
      HF_ASSIGN_OR_RETURN(const bool found, select.Step());
      if (!found) break;
      entries.push_back({select.Integer(0), select.Unsigned(1), select.Unsigned(2)});
    }
    HF_ASSIGN_OR_RETURN(Statement is_hot, view->database().Prepare(kIsHot));
    for (const Writer::ArchivedEntry& entry : entries) {
      if (!due.contains(entry.segment)) continue;
      const ResetOnExit reset(is_hot);
      HF_ASSIGN_OR_RETURN(const bool found, is_hot.Bind(1, entry.sandbox).Step());
      if (found || view->tail().Find(entry.sandbox) != nullptr) hot.insert(entry.sandbox);
    }
  }
  // A sandbox's records go together: what would lose its beginning, or its end, stays.
  std::map<std::uint64_t, std::vector<std::uint64_t>> segments_of;
  for (const auto& entry : entries) segments_of[entry.sandbox].push_back(entry.segment);
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [sandbox, segments] : segments_of) {
      const bool all = std::all_of(segments.begin(), segments.end(),
                                   [&due](std::uint64_t segment) { return due.contains(segment); });
      if (all && !hot.contains(sandbox)) continue;
      for (const std::uint64_t segment : segments) {
        if (due.erase(segment) == 0) continue;
        changed = true;
        report.kept.push_back(
            fmt::format("segment {} holds records of a sandbox that has later ones", segment));
      }
    }
  }
  if (due.empty()) return absl::OkStatus();
  std::erase_if(entries, [&due](const auto& entry) { return !due.contains(entry.segment); });
  const std::vector<std::uint64_t> numbers(due.begin(), due.end());
  const absl::Status expired =
      turn_([&](Writer& writer) { return writer.ExpireSegments(numbers, entries); });
  if (absl::IsAborted(expired)) {
    report.kept.emplace_back(expired.message());
    return absl::OkStatus();
  }
  HF_RETURN_IF_ERROR(expired);
  for (const SegmentRow& row : rows) {
    if (!due.contains(row.segment.number)) continue;
    HF_FAILPOINT(kArchiveBeforeUnlink);
    HF_RETURN_IF_ERROR(Remove(fmt::format("{}/{}", archive_, row.segment.file)));
    report.segments.push_back(row.segment);
    report.segments.back().expired = true;
  }
  HF_RETURN_IF_ERROR(SyncDirectory(archive_));
  return absl::OkStatus();
}

}  // namespace holdfast::journal
