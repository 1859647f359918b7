// SPDX-License-Identifier: Apache-2.0
//
// The journal: an append-only log of many sandboxes' records in one SQLite file, with one writer.
//
//   Journal  owns the file for writing. Any number of threads append; what waits is gathered into
//            one transaction (group commit) by one writer thread, and who appends while nobody else
//            does commits by itself. When an append returns, its batch is on disk.
//   Reader   reads: the journal's own from inside, or any journal file from outside, read-only,
//            also while a writer is at work.
//
// Promises (docs/journal-format.md): a batch is stored whole or not at all; records of one sandbox
// are gapless; all records have one order; a stale writer is refused; a stored record never changes
// and a changed one is found by Verify.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/record.h"

namespace holdfast::journal {

struct Limits {
  std::size_t id_bytes_max = 512;           // of a sandbox id, a record's type, a state's name
  std::size_t payload_bytes_max = 1 << 20;  // of one record, of a summary
  std::size_t batch_records_max = 256;
  std::size_t queue_batches_max = 16'384;  // waiting appends; more are refused
  std::size_t commit_records_max = 8'192;  // gathered into one transaction
  std::size_t commit_batches_max = 256;    // likewise; see journal/queue.h
  // Records that may lie behind the projections (docs/journal-format.md, "Flushing"). Bounds what
  // the next open, and a reader from outside, has to fold.
  std::size_t flush_records_max = 65'536;
  // How long they may lie there when nothing else makes a flush due. Short enough that a reader
  // from outside has little to fold, long enough to cost nothing.
  std::chrono::milliseconds flush_after{1'000};
};

struct Options {
  std::string path;
  bool create_if_missing = true;
  // Who we are, for the message that a second writer gets. pid and start time are added.
  std::string owner = "holdfast";
  std::string boot_id;  // of the host; stored with the epoch
  Limits limits;
};

// Who holds, or last held, the journal.
struct Ownership {
  std::string owner;
  std::int64_t pid = 0;
  std::int64_t since_unix_ms = 0;
  std::uint64_t epoch = 0;
  std::string boot_id;
  bool held_now = false;
  // Of a journal that was restored from a backup (journal/backup.h): when, and the last position
  // that the backup knew of. 0 when it never was.
  std::int64_t restored_unix_ms = 0;
  std::uint64_t restored_position = 0;
};

struct Damage {
  std::string sandbox_id;      // empty when it concerns the whole file
  std::uint64_t position = 0;  // 0 when unknown
  std::uint64_t sequence = 0;  // 0 when unknown
  std::string kind;            // "checksum", "chain", "gap", "missing", "projection", "sqlite", …
  std::string message;         // one sentence: what is wrong and what is lost
};

enum class VerifyMode {
  // Every page, checksum and pointer from the last flush on, every head and live row, every
  // segment's size and seal. Grows with what is live and with the number of segments.
  kQuick,
  // All of it: every record's checksum and chain, all projections folded anew, every segment.
  kDeep,
};

struct VerifyReport {
  std::uint64_t records = 0;
  std::uint64_t sandboxes = 0;
  std::vector<Damage> damages;  // at most 1000 are named
  bool ok() const { return damages.empty(); }
};

// A digest of all records up to a position. Kept outside by an auditor, it proves later that none
// of them was changed, also by somebody who knows how to rewrite a chain.
struct Checkpoint {
  std::string journal_id;
  std::uint64_t position = 0;
  std::uint64_t sandboxes = 0;  // with records up to there
  std::string digest;           // SHA-256, hexadecimal (docs/journal-format.md, "Checkpoints")
};

// What a visitor wants next.
enum class Visit { kContinue, kStop };

class Reader {
 public:
  // Opens a journal file read-only. Changes nothing in it.
  // Errors: NotFound            no such file
  //         FailedPrecondition  not a Holdfast journal, or written by a newer version
  //         DataLoss            truncated or damaged beyond reading
  static absl::StatusOr<std::unique_ptr<Reader>> Open(const std::string& path);

  virtual ~Reader() = default;

  // All calls are thread-safe and see one consistent snapshot each. A record that cannot be read or
  // whose checksum fails ends the call with DataLoss naming position and sandbox.
  virtual absl::Status ReadSandbox(std::string_view sandbox_id, std::uint64_t from_sequence,
                                   const std::function<Visit(const Record&)>& visit) = 0;
  // Records with position > after, in order.
  virtual absl::Status ReadTail(std::uint64_t after, std::size_t limit,
                                const std::function<Visit(const Record&)>& visit) = 0;
  // NotFound when the sandbox has no records.
  virtual absl::StatusOr<SandboxRow> FindSandbox(std::string_view sandbox_id) = 0;
  // In order of id, those after `after_id`.
  virtual absl::StatusOr<std::vector<SandboxRow>> ListSandboxes(bool live_only,
                                                                std::string_view after_id,
                                                                std::size_t limit) = 0;
  virtual absl::StatusOr<std::vector<OpenIntent>> ListOpenIntents(std::string_view sandbox_id) = 0;
  // Of one sandbox, or of all when empty. Only what is held or maybe, unless `all`.
  virtual absl::StatusOr<std::vector<LedgerRow>> ReadLedger(std::string_view sandbox_id,
                                                            bool all) = 0;
  // All live sandboxes in the order of their first records, each with its snapshot if it has one
  // that is whole. What came after the snapshot is read with ReadSandbox(id, snapshot.sequence +
  // 1).
  virtual absl::Status ReadLive(
      const std::function<Visit(const SandboxRow&, const Snapshot*)>& visit) = 0;
  // Empty when there is none that is whole.
  virtual absl::StatusOr<std::optional<Snapshot>> FindSnapshot(std::string_view sandbox_id) = 0;
  // See Batch::sealed. Empty when there is none.
  virtual absl::StatusOr<std::optional<std::string>> ReadSealed(std::string_view sandbox_id) = 0;
  // Of the archive, in the order of their numbers, expired ones too.
  virtual absl::StatusOr<std::vector<Segment>> ListSegments() = 0;
  virtual absl::StatusOr<std::uint64_t> LastPosition() = 0;
  virtual absl::StatusOr<Ownership> ReadOwnership() = 0;
  // Random name of this journal file, made when it was created; on labels of what its gateway
  // makes.
  virtual std::string journal_id() const = 0;

  // Reads every record and checks checksum, chain, order and the journal's own projections.
  // Errors only when it cannot be run at all; what it finds is in the report.
  virtual absl::StatusOr<VerifyReport> Verify(VerifyMode mode = VerifyMode::kDeep) = 0;
  // Of all records up to `position`, or up to the last one when it is 0. Reads the last record of
  // each sandbox, and those after `position`; whether the records before are sound, Verify says.
  // journal/checkpoint.h has what to do with it.
  // Errors: OutOfRange  the journal ends before `position`
  //         DataLoss    a sandbox's last record is damaged
  virtual absl::StatusOr<Checkpoint> MakeCheckpoint(std::uint64_t position) = 0;
};

struct ArchiveOptions {
  // Sandboxes that are finished, hold nothing, and whose last record is older than this go.
  std::int64_t finished_before_unix_ms = 0;
  // Of one segment. Moving a segment's sandboxes is one transaction, which appends wait for: about
  // 20 microseconds each. A segment is also what a reader opens for one sandbox, and what a
  // retention removes at once, so it must not hold years.
  std::size_t sandboxes_per_segment_max = 4'096;
  // The records are counted in memory while it is built, at 16 bytes each; about 150 MB of file.
  std::size_t records_per_segment_max = 500'000;
  // Asked now and then; true: end early, the next run goes on. May be empty. It must not call the
  // journal.
  std::function<bool()> stop;
};

struct ArchiveReport {
  std::uint64_t segments = 0;  // sealed by this run
  std::uint64_t sandboxes = 0;
  std::uint64_t records = 0;
  // Why sandboxes stay that were due: what is damaged is not sealed. One sentence each.
  std::vector<std::string> kept;
};

struct ExpireReport {
  std::vector<Segment> segments;  // removed by this run
  // Why segments stay that were due. One sentence each.
  std::vector<std::string> kept;
};

// Of this process's hold on the journal, for metrics.
struct Stats {
  std::uint64_t commits = 0;  // transactions that became durable
  std::uint64_t batches = 0;  // in them
  std::uint64_t records = 0;  // in them
  std::uint64_t commits_failed = 0;
  std::uint64_t batches_waiting = 0;  // now
};

using AppendCallback = absl::AnyInvocable<void(absl::StatusOr<Appended>) &&>;

class Journal {
 public:
  // Takes the journal: locks it, raises the epoch, checks format and integrity of the head.
  // Errors: FailedPrecondition  held by another process (the message names owner, pid and since
  //                             when), not a Holdfast journal, or of a newer version. Untouched.
  //         NotFound            missing and not to be created
  //         DataLoss            truncated or damaged. Untouched.
  //         Unavailable / ResourceExhausted   I/O error / disk full
  static absl::StatusOr<std::unique_ptr<Journal>> Open(Options options);

  // Commits what waits, then closes. Close first to see its errors.
  virtual ~Journal() = default;

  // Appends and makes durable. Any thread. Returns after the commit.
  // Errors: Aborted             another batch advanced the sequence; read and decide again
  //         InvalidArgument     empty or over a limit. Nothing was written.
  //         DataLoss            what is stored of this sandbox is damaged. Nothing was written; no
  //                             other sandbox is concerned.
  //         ResourceExhausted   disk full, or too many are waiting. Nothing was written.
  //         Unavailable         I/O error, closed. Nothing acknowledged was lost; nothing was
  //                             written.
  //         FailedPrecondition  the epoch was taken by another process: stop being a writer
  virtual absl::StatusOr<Appended> Append(Batch batch) = 0;
  // The same without waiting. `done` runs on the writer thread after the commit and must not block.
  virtual void AppendAsync(Batch batch, AppendCallback done) = 0;

  // Puts `replacement` in the place of `expected` as what is sealed for the sandbox, durably. Any
  // thread. Errors: Aborted  something else is kept by now, or nothing;  else as Append.
  virtual absl::Status ReplaceSealed(std::string_view sandbox_id, std::string expected,
                                     std::string replacement) = 0;
  // Brings the projections up to the last record, durably. It happens by itself; this is for those
  // who want to read the file's tables with other tools. Errors: as Append.
  virtual absl::Status Flush() = 0;

  // Moves finished sandboxes, whole, into sealed segments in `<path>.archive/`, where every call of
  // the reader finds them; then goes on with what an earlier run had to leave. Any thread, which
  // does the work; appends wait at most for the moves. One run at a time; a second one waits.
  // Errors: as Append; DataLoss  a segment was not on the disk what was written into it. Nothing is
  // lost by any of them, and the next run goes on.
  virtual absl::StatusOr<ArchiveReport> Archive(const ArchiveOptions& options) = 0;
  // Throws away, for ever, segments of which every record is older. Not one with records of a
  // sandbox that lives again, or that has others in a segment which stays. Any thread. `stop` as
  // for Archive. Errors: as Append.
  virtual absl::StatusOr<ExpireReport> ExpireArchives(std::int64_t older_than_unix_ms,
                                                      const std::function<bool()>& stop = {}) = 0;

  virtual Reader& reader() = 0;
  virtual std::uint64_t epoch() const = 0;
  // False after a failed commit until one succeeds again; take no commands meanwhile. A failed
  // journal tries by itself.
  virtual bool sound() const = 0;
  virtual Stats stats() const = 0;
  // Of the process that held the journal before us.
  virtual const Ownership& previous_ownership() const = 0;

  // Commits what waits, answers it, and lets go of the file: a next owner may open it. Waits for a
  // call of Archive or ExpireArchives, which ends as if it was asked to stop. From any thread but
  // that of a callback. A second call says what the first one said.
  virtual absl::Status Close() = 0;
};

}  // namespace holdfast::journal
