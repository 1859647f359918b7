// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "journal/backup.h"
#include "journal/copy.h"
#include "journal/files.h"
#include "journal/journal.h"
#include "journal/lock.h"
#include "journal/ownership.h"
#include "journal/schema.h"
#include "journal/segment.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

std::int64_t NowUnixMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

absl::Status CheckBackup(const RestoreOptions& options) {
  absl::Status found = InspectFile(options.backup);
  if (absl::IsNotFound(found)) {
    return absl::NotFoundError(fmt::format("no backup at {}", options.backup));
  }
  HF_RETURN_IF_ERROR(found);
  if (IsSameFile(options.backup, options.journal_path)) {
    return absl::FailedPreconditionError(
        fmt::format("{} is the journal itself, no backup of it", options.backup));
  }
  // Two journals with one id that both go on would each take the other's things for its own.
  if (Lock::IsHeld(options.backup)) {
    return absl::FailedPreconditionError(
        fmt::format("{} is a journal in use, held by {}; make a backup of it first", options.backup,
                    DescribeHolder(options.backup)));
  }
  return absl::OkStatus();
}

// The epoch of what is replaced may be beyond the backup's; 0 when it cannot be read.
std::uint64_t EpochAt(const std::string& path) {
  const auto reader = Reader::Open(path);
  if (!reader.ok()) return 0;
  const auto ownership = (*reader)->ReadOwnership();
  return ownership.ok() ? ownership->epoch : 0;
}

// Makes a journal of the verified copy: marks it, and gives its header the mark for WAL.
absl::Status Mark(const std::string& database, std::uint64_t epoch_seen, RestoreReport& report) {
  HF_ASSIGN_OR_RETURN(Database journal, Database::Open(database, OpenMode::kReadWrite));
  HF_RETURN_IF_ERROR(journal.SetPragma("synchronous", "FULL", "2"));
  HF_RETURN_IF_ERROR(journal.Execute("BEGIN IMMEDIATE"));
  HF_ASSIGN_OR_RETURN(const Ownership ownership, ReadOwnership(journal));
  const std::int64_t now = NowUnixMillis();
  report.epoch = std::max(ownership.epoch, epoch_seen) + kRestoredEpochJump +
                 static_cast<std::uint64_t>(std::max<std::int64_t>(
                     0, now - std::max<std::int64_t>(0, ownership.since_unix_ms)));
  HF_RETURN_IF_ERROR(WriteRestoration(journal, now, report.position, report.epoch));
  HF_RETURN_IF_ERROR(journal.Execute("COMMIT"));
  return journal.SetPragma("journal_mode", "WAL", "wal");
}

// Moves the WAL of a journal that nobody writes into its file. False when that cannot be done
// (damage, a reader in the way, no journal at all): then the WAL goes with the file.
bool EmptyWal(const std::string& path) {
  if (!InspectFile(path).ok()) return false;
  if (!IsThere(path + "-wal")) return true;
  auto database = Database::Open(path, OpenMode::kReadWrite);
  if (!database.ok() || !ConfigureWriter(*database).ok()) return false;
  return sqlite3_wal_checkpoint_v2(database->get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                                   nullptr) == SQLITE_OK;
}

// A name beside the journal that nothing has.
std::string AsideName(const std::string& path) {
  const std::string base =
      fmt::format("{}.before-restore-{}", path,
                  absl::FormatTime("%Y%m%dT%H%M%SZ", absl::FromUnixMillis(NowUnixMillis()),
                                   absl::UTCTimeZone()));
  std::string name = base;
  for (int i = 2; IsThere(name) || IsThere(name + "-wal") || IsThere(ArchiveOf(name)); ++i) {
    name = fmt::format("{}-{}", base, i);
  }
  return name;
}

// The aside of a journal that was on its way there when a restore was killed: its WAL is there
// under both names, and its file under the new one alone.
std::string UnfinishedAside(const std::string& path) {
  if (IsThere(path) || !HasBytes(path + "-wal")) return "";
  const auto names = ListFiles(DirectoryOf(path));
  if (!names.ok()) return "";
  const std::size_t base = path.rfind('/') + 1;  // 0 when there is no slash
  const std::string prefix = path.substr(base) + ".before-restore-";
  for (const std::string& name : *names) {
    const std::string aside = path.substr(0, base) + name;
    if (name.starts_with(prefix) && IsSameFile(aside + "-wal", path + "-wal")) return aside;
  }
  return "";
}

// Gives every segment a second name in `to`.
absl::Status LinkArchive(const std::string& from, const std::string& to) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(from));
  if (names.empty()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(MakeDirectory(to));
  for (const std::string& name : names) {
    const std::string aside = fmt::format("{}/{}", to, name);
    if (IsThere(aside)) continue;
    HF_RETURN_IF_ERROR(LinkOrCopy(fmt::format("{}/{}", from, name), aside));
  }
  return SyncDirectory(to);
}

// Takes the names away that only the journal before had.
absl::Status PruneArchive(const std::string& archive, const std::vector<std::string>& wanted) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(archive));
  for (const std::string& name : names) {
    if (std::binary_search(wanted.begin(), wanted.end(), name)) continue;
    HF_RETURN_IF_ERROR(Remove(fmt::format("{}/{}", archive, name)));
  }
  return names.empty() ? absl::OkStatus() : SyncDirectory(archive);
}

// Puts the draft in the place of what is at `path`, which goes to `aside`. Crash story, when the
// old journal can be opened:
//  1. Its WAL is moved into it. It is the journal still, and whole in one file.
//  2. Its archive gets second names aside, and the draft's segments are added to it. Both journals
//     find all they name.
//  3. The draft takes the name aside, and the two change names at once. Killed between the two, the
//     old journal is at its place, and what is aside is the copy.
//  4. The names of segments that only the old journal had are taken away; they have others aside.
// When it cannot be opened, or the file system cannot change names, its files go aside one by one.
// Killed then, nothing is at the journal's place, and all there was is aside.
absl::Status Place(Copy& draft, const std::string& path, const std::string& aside) {
  const std::string directory = DirectoryOf(path);
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> wanted,
                      ListFiles(ArchiveOf(draft.database())));
  if (!aside.empty()) HF_RETURN_IF_ERROR(LinkArchive(ArchiveOf(path), ArchiveOf(aside)));
  const bool in_one_file = !aside.empty() && EmptyWal(path);
  HF_RETURN_IF_ERROR(draft.MoveArchive());
  bool placed = false;
  if (in_one_file) {
    // Empty, and an index of nothing.
    HF_RETURN_IF_ERROR(Remove(path + "-wal"));
    HF_RETURN_IF_ERROR(Remove(path + "-shm"));
    HF_RETURN_IF_ERROR(Rename(draft.database(), aside));
    absl::Status exchanged = Exchange(aside, path);
    placed = exchanged.ok();
    if (!placed) {
      HF_RETURN_IF_ERROR(Rename(aside, draft.database()));
      if (!absl::IsUnimplemented(exchanged)) return exchanged;
    }
  }
  if (!placed) {
    // The WAL has both names while the file gets its new one: wherever this is killed, the file has
    // its WAL beside it.
    if (HasBytes(path + "-wal") && !IsThere(aside + "-wal")) {
      HF_RETURN_IF_ERROR(LinkOrCopy(path + "-wal", aside + "-wal"));
      HF_RETURN_IF_ERROR(SyncDirectory(directory));
    }
    if (IsThere(path)) HF_RETURN_IF_ERROR(Rename(path, aside));
    HF_RETURN_IF_ERROR(Remove(path + "-wal"));
    HF_RETURN_IF_ERROR(Remove(path + "-shm"));
    HF_RETURN_IF_ERROR(SyncDirectory(directory));
    HF_RETURN_IF_ERROR(RenameToFree(draft.database(), path));
  }
  HF_RETURN_IF_ERROR(SyncDirectory(directory));
  // The restored journal is in place. A segment file too many is no reason to say that it is not.
  if (!aside.empty()) PruneArchive(ArchiveOf(path), wanted).IgnoreError();
  return absl::OkStatus();
}

absl::StatusOr<RestoreReport> RestoreTo(const RestoreOptions& options, const std::string& aside,
                                        Copy& draft) {
  const std::string& path = options.journal_path;
  HF_RETURN_IF_ERROR(draft.CopyFrom(options.backup));
  HF_ASSIGN_OR_RETURN(const VerifyReport verified,
                      draft.Check(fmt::format("the backup {}", options.backup)));
  RestoreReport report;
  report.sandboxes = verified.sandboxes;
  report.set_aside = aside;
  {
    HF_ASSIGN_OR_RETURN(const auto reader, Reader::Open(draft.database()));
    report.journal_id = reader->journal_id();
    HF_ASSIGN_OR_RETURN(report.position, reader->LastPosition());
  }
  HF_RETURN_IF_ERROR(Mark(draft.database(), EpochAt(path), report));
  HF_RETURN_IF_ERROR(draft.Sync());
  HF_RETURN_IF_ERROR(Place(draft, path, aside));
  return report;
}

}  // namespace

absl::StatusOr<RestoreReport> Restore(const RestoreOptions& given) {
  const RestoreOptions options{.backup = RealPath(given.backup),
                               .journal_path = RealPath(given.journal_path),
                               .replace = given.replace};
  const std::string& path = options.journal_path;
  HF_RETURN_IF_ERROR(CheckBackup(options));
  const auto lock = Lock::Take(path);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(
        fmt::format("the journal {} is held by {}; end it first", path, DescribeHolder(path)));
  }
  HF_RETURN_IF_ERROR(lock.status());
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> segments, ListFiles(ArchiveOf(path)));
  // A WAL without its file belongs to a journal too; left where it is, it would be taken for the
  // restored one's.
  const bool occupied = IsThere(path) || HasBytes(path + "-wal") || !segments.empty();
  if (occupied && !options.replace) {
    return absl::FailedPreconditionError(fmt::format(
        "there is a journal at {}; to restore in its place and keep it aside, ask to replace it "
        "(journal-cli restore --replace)",
        path));
  }
  HF_ASSIGN_OR_RETURN(Copy draft, Copy::Begin(path));
  std::string aside = UnfinishedAside(path);
  if (aside.empty() && occupied) aside = AsideName(path);
  absl::StatusOr<RestoreReport> report = RestoreTo(options, aside, draft);
  draft.Remove().IgnoreError();  // the next run does it
  return report;
}

}  // namespace holdfast::journal
