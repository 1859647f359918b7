// SPDX-License-Identifier: Apache-2.0
//
// Moves finished sandboxes into segments, and throws old segments away, when it is asked to. Works
// on its caller's thread; only what must be one transaction is done in the writer's turn.
//
// Crash story of a move. At each of these the next run goes on, and every record is read once:
//  1. While a segment is built and checked: a draft, `….new`, that the next run removes.
//  2. Sealed and renamed: a file that no row of `segments` names. The next run removes it, once it
//     has found that the journal still has all of it (journal/strays.h).
//  3. The one transaction: the segment's row (state 1) and the rows of `archived` are there, and
//  the
//     rows of its sandboxes are gone; or none of that. When its COMMIT failed, the file stays until
//     another commit has succeeded, because SQLite may yet find the failed one complete.
//  4. Its records are removed from the journal in slices: those left are there twice, with the same
//     positions, and read once. The next run checks the segment anew and goes on.
//  5. State 2: done.
// Crash story of a removal: the row says state 3 and `archived` has forgotten it, and then its file
// is removed. A file of a row in state 3 is removed by the next run.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/segment_build.h"
#include "journal/view.h"
#include "journal/writer.h"

namespace holdfast::journal {

class Archiver {
 public:
  // Runs its argument in the writer's turn and returns what came of it.
  using Turn = absl::FunctionRef<absl::Status(absl::FunctionRef<absl::Status(Writer&)>)>;

  Archiver(std::string journal_path, Turn turn)
      : journal_path_(std::move(journal_path)), turn_(turn) {}

  // See Journal::Archive and Journal::ExpireArchives.
  absl::StatusOr<ArchiveReport> Run(const ArchiveOptions& options);
  absl::StatusOr<ExpireReport> Expire(std::int64_t older_than_unix_ms, const StopFunction& stop);

 private:
  absl::StatusOr<std::unique_ptr<JournalView>> Look();
  // What a run that was cut short has left. What must stay is told to kept_.
  absl::Status GoOn(const StopFunction& stop);
  absl::Status RunUntilStopped(const ArchiveOptions& options, ArchiveReport& report);
  // Empty segment: nothing is due.
  absl::StatusOr<BuiltSegment> Build(const ArchiveOptions& options, std::uint64_t through,
                                     ArchiveReport& report);
  absl::Status Check(const BuiltSegment& built, const StopFunction& stop);
  absl::Status RemoveRecords(const Segment& segment, const StopFunction& stop);
  // Settled segments that are older and sound; others that claim to be old are told to kept_.
  absl::Status FindDue(const std::vector<SegmentRow>& rows, std::int64_t older_than_unix_ms,
                       const StopFunction& stop, std::set<std::uint64_t>& due);
  absl::Status ExpireUntilStopped(std::int64_t older_than_unix_ms, const StopFunction& stop,
                                  ExpireReport& report);
  // All of it, from the file of that name. DataLoss unless it is what was sealed.
  absl::StatusOr<SegmentContent> Read(Segment segment, const std::string& file,
                                      const StopFunction& stop);
  absl::StatusOr<std::unique_ptr<ReadConnection>> Open(const Segment& segment);

  const std::string journal_path_;
  const Turn turn_;
  std::string archive_;
  std::string journal_id_;
  std::vector<std::string> kept_;   // as in the reports; of segments
  std::set<std::uint64_t> broken_;  // segments whose records stay in the journal for that
};

}  // namespace holdfast::journal
