// SPDX-License-Identifier: Apache-2.0
//
// What backup and restore share: a journal is copied under another name first (a draft), checked
// there, and then moved to where it belongs.
//
//   <path>.new            the draft's database
//   <path>.new.archive/   the draft's archive
//
// A draft is left over when its maker was killed; whoever makes the next one removes it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

class Copy {
 public:
  // Of the journal that is to be at `path`. Removes what an earlier one left.
  // Refused when `from`, which is to be copied, has the draft's own name.
  static absl::StatusOr<Copy> Begin(const std::string& path, const std::string& from);

  // Copies the journal at `from`, which may be live, database and archive. REQUIRES: called once.
  // Errors: as Backup.
  absl::Status CopyFrom(const std::string& from);

  // Reads all of the draft. DataLoss when anything in it is damaged: `blame` is what the message
  // says is damaged.
  absl::StatusOr<VerifyReport> Check(const std::string& blame);

  // Syncs the draft's database, once all was done to it.
  absl::Status Sync();

  // What to do about a segment that is in the target archive already, and is another one.
  enum class Conflict { kRefuse, kReplace };
  // Moves the draft's segments into the archive of `path`, which is made if need be. Segments that
  // are there already are kept. Before the database is moved: a database may not name a segment
  // that is not there, while a segment that no database names harms nobody.
  absl::Status MoveArchive(Conflict conflict);

  // Removes what is left of it. For errors, and when all was moved.
  absl::Status Remove();

  const std::string& database() const { return database_; }
  std::uint64_t archive_files() const { return archive_files_; }

 private:
  explicit Copy(const std::string& path) : path_(path), database_(path + ".new") {}
  absl::Status CopyDatabase(const std::string& from);
  absl::Status CopyArchive(const std::string& from);

  std::string path_;
  std::string database_;
  std::uint64_t archive_files_ = 0;
};

}  // namespace holdfast::journal
