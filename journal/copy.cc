// SPDX-License-Identifier: Apache-2.0
#include "journal/copy.h"

#include <algorithm>
#include <vector>

#include "fmt/format.h"
#include "journal/files.h"
#include "journal/schema.h"
#include "journal/segment.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Of SQLite, beside a database.
constexpr const char* kSidecars[] = {"-wal", "-shm", "-journal"};

// A segment may be sealed and expire while it is not looked; more often than this in a row, not by
// chance.
constexpr int kTriesMax = 5;

}  // namespace

absl::StatusOr<Copy> Copy::Begin(const std::string& path) {
  Copy draft(path);
  HF_RETURN_IF_ERROR(draft.Remove());
  return draft;
}

absl::Status Copy::Remove() {
  HF_RETURN_IF_ERROR(journal::Remove(database_));
  for (const char* suffix : kSidecars) HF_RETURN_IF_ERROR(journal::Remove(database_ + suffix));
  return RemoveDirectoryOfFiles(ArchiveOf(database_));
}

absl::Status Copy::CopyFrom(const std::string& from) {
  // The archive twice: a segment may be sealed, or removed for its age, while the database is
  // copied. What the copied database names was there before it was copied or has come since: the
  // first pass has what is removed meanwhile, the second what is new. Only one that comes and goes
  // in between is missed, and then all is done again. What is copied and not named is dropped.
  for (int tries_left = kTriesMax;; --tries_left) {
    HF_RETURN_IF_ERROR(CopyArchive(from));
    HF_RETURN_IF_ERROR(CopyDatabase(from));
    HF_RETURN_IF_ERROR(CopyArchive(from));
    // In a journal that is damaged there, they are missing for ever; Check says so.
    if (IsComplete() || tries_left == 0) return absl::OkStatus();
    HF_RETURN_IF_ERROR(journal::Remove(database_));
  }
}

absl::StatusOr<std::vector<std::string>> Copy::ListNamed() {
  HF_ASSIGN_OR_RETURN(const auto reader, Reader::Open(database_));
  HF_ASSIGN_OR_RETURN(const std::vector<Segment> segments, reader->ListSegments());
  std::vector<std::string> names;
  for (const Segment& segment : segments) {
    if (!segment.expired) names.push_back(segment.file);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Copy::IsComplete() {
  const auto named = ListNamed();
  if (!named.ok()) return true;  // as far as this can tell; Check says what is wrong
  return std::all_of(named->begin(), named->end(), [this](const std::string& name) {
    return IsThere(fmt::format("{}/{}", ArchiveOf(database_), name));
  });
}

absl::Status Copy::DropUnnamed() {
  const std::string archive = ArchiveOf(database_);
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> named, ListNamed());
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(archive));
  for (const std::string& name : names) {
    if (std::binary_search(named.begin(), named.end(), name)) continue;
    HF_RETURN_IF_ERROR(journal::Remove(fmt::format("{}/{}", archive, name)));
  }
  archive_files_ = named.size();
  return absl::OkStatus();
}

absl::Status Copy::CopyDatabase(const std::string& from) {
  HF_RETURN_IF_ERROR(InspectFile(from));
  // A writer leaves its WAL behind, be it empty. Without one, nobody writes the file.
  HF_ASSIGN_OR_RETURN(
      Database source,
      Database::Open(from, IsThere(from + "-wal") ? OpenMode::kReadOnly : OpenMode::kImmutable));
  HF_RETURN_IF_ERROR(ConfigureReader(source));
  HF_RETURN_IF_ERROR(MakeEmptyFile(database_));
  HF_ASSIGN_OR_RETURN(Database copy, Database::Open(database_, OpenMode::kReadWrite));
  // Nobody needs half of a draft: it is synced when it is whole, and thrown away otherwise.
  HF_RETURN_IF_ERROR(copy.SetPragma("synchronous", "OFF", "0"));
  sqlite3_backup* backup = sqlite3_backup_init(copy.get(), "main", source.get(), "main");
  if (backup == nullptr) {
    return copy.Error(sqlite3_errcode(copy.get()), fmt::format("copying {}", from));
  }
  // All pages in one step, so in one read transaction: a snapshot. In WAL mode a reader never keeps
  // the writer waiting; it only keeps the WAL from starting over, which then grows by what is
  // appended meanwhile. In smaller steps, each commit of another process in between would send the
  // copy back to its first page, and on a busy journal it would never end.
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) {
    return copy.Error(finished == SQLITE_OK ? stepped : finished, fmt::format("copying {}", from));
  }
  // The copied header says WAL, which SQLite cannot read without making files beside it.
  return copy.SetPragma("journal_mode", "DELETE", "delete");
}

absl::Status Copy::CopyArchive(const std::string& from) {
  const std::string source = ArchiveOf(from);
  const std::string target = ArchiveOf(database_);
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListSegmentFiles(source));
  if (names.empty()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(MakeDirectory(target));
  for (const std::string& name : names) {
    const std::string copy = fmt::format("{}/{}", target, name);
    if (IsThere(copy)) continue;  // a segment never changes
    const std::string original = fmt::format("{}/{}", source, name);
    const absl::Status copied = CopyFile(original, copy);
    // Removed for its age between the list and the copy.
    if (!copied.ok() && IsThere(original)) return copied;
  }
  return SyncDirectory(target);
}

absl::StatusOr<VerifyReport> Copy::Check(const std::string& blame) {
  const auto damaged = [&blame](std::string_view how) {
    return absl::DataLossError(fmt::format("{} is damaged: {}", blame, how));
  };
  const auto reader = Reader::Open(database_);
  if (absl::IsDataLoss(reader.status())) {
    return damaged(std::string(reader.status().message()));
  }
  HF_RETURN_IF_ERROR(reader.status());
  HF_ASSIGN_OR_RETURN(VerifyReport report, (*reader)->Verify());
  if (report.ok()) {
    HF_RETURN_IF_ERROR(DropUnnamed());
    return report;
  }
  const Damage& first = report.damages.front();
  const std::string where =
      first.sandbox_id.empty() ? "" : fmt::format("sandbox \"{}\": ", first.sandbox_id);
  const std::string more =
      report.damages.size() == 1 ? "" : fmt::format(" (and {} more)", report.damages.size() - 1);
  return damaged(fmt::format("{}{}{}", where, first.message, more));
}

absl::Status Copy::Sync() { return SyncFile(database_); }

absl::Status Copy::MoveArchive() {
  const std::string source = ArchiveOf(database_);
  const std::string target = ArchiveOf(path_);
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(source));
  if (names.empty()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(MakeDirectory(target));
  for (const std::string& name : names) {
    HF_RETURN_IF_ERROR(
        Rename(fmt::format("{}/{}", source, name), fmt::format("{}/{}", target, name)));
  }
  return SyncDirectory(target);
}

}  // namespace holdfast::journal
