// SPDX-License-Identifier: Apache-2.0
//
// What backup and restore share: a journal is copied under another name first (a draft), checked
// there, and then moved to where it belongs.
//
//   <path>.holdfast-unfinished            the draft's database
//   <path>.holdfast-unfinished.archive/   the draft's archive
//
// A draft is left over when its maker was killed; whoever makes the next one removes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/files.h"
#include "journal/journal.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

class Copy {
 public:
  // Of the journal that is to be at `path`. Removes what an earlier one left.
  static absl::StatusOr<Copy> Begin(const std::string& path);

  // Copies the journal at `from`, which may be live, database and archive. REQUIRES: called once.
  // Errors: as Backup.
  absl::Status CopyFrom(const std::string& from);

  // Reads all of the draft, and takes from its archive what its database does not name. DataLoss
  // when anything in it is damaged: `blame` is what the message says is damaged.
  absl::StatusOr<VerifyReport> Check(const std::string& blame);

  // Syncs the draft's database, once all was done to it.
  absl::Status Sync();

  // Moves the draft's segments into the archive of `path`, which is made if need be. What has the
  // name of one already has or had the same content, and is replaced: this one was verified. Before
  // the database is moved: a database may not name a segment that is not there, while a segment
  // that no database names harms nobody.
  absl::Status MoveArchive();

  // Removes what is left of it. For errors, and when all was moved.
  absl::Status Remove();

  const std::string& database() const { return database_; }
  std::uint64_t archive_files() const { return archive_files_; }

 private:
  explicit Copy(const std::string& path) : path_(path), database_(UnfinishedName(path)) {}
  absl::Status CopyDatabase(const std::string& from);
  absl::Status CopyArchive(const std::string& from);
  // The segments that the draft's database names and that did not expire, sorted.
  absl::StatusOr<std::vector<std::string>> ListNamed();
  bool IsComplete();
  absl::Status DropUnnamed();

  std::string path_;
  std::string database_;
  std::uint64_t archive_files_ = 0;
};

}  // namespace holdfast::journal
