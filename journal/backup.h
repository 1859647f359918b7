// SPDX-License-Identifier: Apache-2.0
//
// Backup and restore of a journal (docs/backup.md). A backup is one SQLite file that needs nothing
// beside it, and the archive of finished sandboxes in `<file>.archive/` if the journal has one. It
// is taken of a live journal without holding up its writer, and is checked before it gets its name.
//
// Wherever either is killed or the disk fails: a backup is absent or whole, the journal that was
// there is there still, at its place or aside, and the next run clears what was left over.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace holdfast::journal {

struct BackupReport {
  std::string journal_id;
  std::uint64_t position = 0;  // of the last record in it
  std::uint64_t records = 0;
  std::uint64_t sandboxes = 0;
  std::uint64_t archive_files = 0;
};

// Writes all that is durable at one moment of the journal at `journal_path`, live or not, to
// `destination`, which appears when it is whole, verified and synced. Blocks for as long as reading
// and verifying all records takes. Appends go on meanwhile; the journal's WAL is not shortened
// until the copy is made. Errors: NotFound            no journal at `journal_path`
//         AlreadyExists       something is at `destination`. It is kept.
//         FailedPrecondition  not a journal, or of a newer version; another backup into the same
//                             directory is under way
//         DataLoss            the journal is damaged: there is nothing to be had from backing it up
//                             over older ones; verify says what is damaged
//         ResourceExhausted / Unavailable   disk full / I/O error. Nothing is at `destination`.
absl::StatusOr<BackupReport> Backup(const std::string& journal_path,
                                    const std::string& destination);

// A restored journal's epoch is greater than the backup's by at least this. The life that was lost
// raised the epoch with every start after the backup, and what it asked of the world carries those
// tokens; a token must never be used twice, or a straggler of the lost life would pass for the new
// one. A million starts are eleven days of a gateway that does nothing but start once a second. On
// top of it come the milliseconds since the backup's last start, so that two restores of one backup
// get different tokens as well.
inline constexpr std::uint64_t kRestoredEpochJump = 1'000'000;

struct RestoreOptions {
  std::string backup;
  std::string journal_path;
  // Sets aside what is at `journal_path`, as `<path>.before-restore-<time>`, with its archive. It
  // is never deleted. Without it, a restore refuses to go over anything.
  bool replace = false;
};

struct RestoreReport {
  std::string journal_id;
  std::uint64_t position = 0;  // of the last record
  std::uint64_t sandboxes = 0;
  std::uint64_t epoch = 0;  // from which the next writer goes on
  std::string set_aside;    // where the journal that was there is now; empty when none was
};

// Puts a copy of a backup in the place of a journal, after having verified it. The journal's id
// stays, because what it made in the world carries it. `meta` says from when on and from which
// position it is a restored one (journal/ownership.h). What was begun after the backup is unknown
// to it: the next start probes open intents, and reports things that are in the world and not in
// the ledger as orphans and the reverse as ghosts, as every start does. Errors: NotFound no such
// backup
//         FailedPrecondition  the journal is held by a process (the message says by whom);
//         something
//                             is there and `replace` was not asked; the backup is no journal, of a
//                             newer version, or a journal in use
//         DataLoss            the backup is damaged. Nothing was changed.
//         ResourceExhausted / Unavailable   disk full / I/O error
absl::StatusOr<RestoreReport> Restore(const RestoreOptions& options);

}  // namespace holdfast::journal
