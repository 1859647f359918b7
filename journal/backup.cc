// SPDX-License-Identifier: Apache-2.0
#include "journal/backup.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "journal/copy.h"
#include "journal/files.h"
#include "journal/journal.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Held on the destination's directory while a backup is made into it, so that no other takes its
// draft for a dead one's. The kernel drops it with the process.
absl::StatusOr<File> LockDirectory(const std::string& path) {
  HF_ASSIGN_OR_RETURN(File directory, File::Open(path, O_RDONLY | O_DIRECTORY));
  if (::flock(directory.fd(), LOCK_EX | LOCK_NB) == 0) return directory;
  if (errno == EWOULDBLOCK) {
    return absl::FailedPreconditionError(fmt::format("another backup into {} is under way", path));
  }
  // Some network file systems cannot lock a directory. A backup is worth more than the guard.
  if (errno == EBADF || errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP) {
    return directory;
  }
  return FileError(errno, fmt::format("locking {}", path));
}

absl::Status Exists(const std::string& destination) {
  return absl::AlreadyExistsError(
      fmt::format("{} exists; a backup never goes over anything", destination));
}

// Crash story:
//  1. Killed while it copies or checks: there is a draft, and nothing at the destination.
//  2. Killed when the archive is moved: there are segments that nothing names; the next run puts
//     its own in the place of those that it has too.
//  3. Killed after the rename: the backup is there and whole.
absl::StatusOr<BackupReport> Write(const std::string& journal_path, const std::string& destination,
                                   Copy& draft) {
  HF_RETURN_IF_ERROR(draft.CopyFrom(journal_path));
  BackupReport report;
  HF_ASSIGN_OR_RETURN(const VerifyReport verified,
                      draft.Check(fmt::format("the journal {}", journal_path)));
  {
    HF_ASSIGN_OR_RETURN(const auto reader, Reader::Open(draft.database()));
    report.journal_id = reader->journal_id();
    HF_ASSIGN_OR_RETURN(report.position, reader->LastPosition());
  }
  report.records = verified.records;
  report.sandboxes = verified.sandboxes;
  report.archive_files = draft.archive_files();
  HF_RETURN_IF_ERROR(draft.Sync());
  HF_RETURN_IF_ERROR(draft.MoveArchive());
  absl::Status renamed = RenameToFree(draft.database(), destination);
  if (absl::IsAlreadyExists(renamed)) return Exists(destination);
  HF_RETURN_IF_ERROR(renamed);
  if (absl::Status synced = SyncDirectory(DirectoryOf(destination)); !synced.ok()) {
    // It might not be there after a power cut, so it is not said to be there now.
    Remove(destination).IgnoreError();  // the sync's error is the one to tell
    return synced;
  }
  return report;
}

}  // namespace

absl::StatusOr<BackupReport> Backup(const std::string& journal_path,
                                    const std::string& destination) {
  if (IsThere(destination)) return Exists(destination);
  HF_ASSIGN_OR_RETURN(const File lock, LockDirectory(DirectoryOf(destination)));
  const std::string source = RealPath(journal_path);
  HF_ASSIGN_OR_RETURN(Copy draft, Copy::Begin(destination));
  absl::StatusOr<BackupReport> report = Write(source, destination, draft);
  draft.Remove().IgnoreError();  // the next run does it
  return report;
}

}  // namespace holdfast::journal
