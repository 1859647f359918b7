// SPDX-License-Identifier: Apache-2.0
//
// What is true on disk when a transaction ends. One writer, used by one thread at a time: it takes
// the batches that were gathered, checks each one alone, writes all that passed in one transaction
// and answers every one of them. It never waits for anything but the disk.
//
// A commit writes what grows at an end: the records, and what was said of their sandboxes. The
// tables that are keyed by the sandbox would dirty a page per batch somewhere, and are flushed now
// and then; what they lack meanwhile is in memory here, and is folded from the records after a
// crash.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/archive.h"
#include "journal/background.h"
#include "journal/canonical.h"
#include "journal/flush.h"
#include "journal/journal.h"
#include "journal/ledger_store.h"
#include "journal/plan.h"
#include "journal/prepared.h"
#include "journal/sqlite.h"
#include "journal/tail.h"
#include "journal/transaction.h"

namespace holdfast::journal {

// A batch and its answer.
struct Waiting {
  explicit Waiting(PreparedBatch batch, AppendCallback callback = nullptr)
      : prepared(std::move(batch)), done(std::move(callback)) {}

  PreparedBatch prepared;
  AppendCallback done;  // empty: somebody blocks for the answer
  absl::StatusOr<Appended> answer;
};

// DataLoss is the word for damage to one sandbox. What stops all of them is Unavailable.
absl::Status OfTheWhole(absl::Status status);

class Writer {
 public:
  // Opens the file for writing and raises the epoch, durably. REQUIRES: the journal's lock is held.
  static absl::StatusOr<std::unique_ptr<Writer>> Open(const Options& options,
                                                      Ownership& previous_ownership);

  // Commits the batches together and sets every answer as it is when this returns OK. A batch that
  // fails its own checks is answered alone and is no failure of the others. Any other status is why
  // the transaction itself failed: then nothing of it was written, and it is everybody's answer.
  //   ResourceExhausted, Unavailable   the disk, or tables that no sandbox owns alone are damaged
  //   FailedPrecondition               the epoch is no longer ours, for ever
  absl::Status Commit(std::span<Waiting*> batches);

  // The same in two steps, so that one plan is made while the one before it is written. A plan is
  // made in memory as if all before it had been written: when one fails, so have all made after it,
  // and everything is folded from the disk again.
  absl::Status PlanBatches(std::span<Waiting*> batches, Plan& plan);  // adds to the plan
  absl::Status Write(const Plan& plan);
  // On a thread of its own, which calls `written` at the end. Nothing but PlanBatches may be called
  // until FinishWrite has returned what came of it.
  void StartWrite(const Plan& plan, absl::AnyInvocable<void() &&> written);
  absl::Status FinishWrite(const Plan& plan);

  // Makes one small commit, to find out whether the disk takes writes again.
  absl::Status Probe();

  // See Journal::ReplaceSealed.
  absl::Status ReplaceSealed(std::string_view sandbox_id, std::string_view expected,
                             std::string_view replacement);

  // What follows is for the archive (journal/archiver.h); journal/writer_archive.cc. Each flushes
  // first and is one transaction; errors as Commit.
  //
  // Makes the sealed segment the place of its sandboxes, and takes their rows from the tables;
  // their records stay. Aborted when one of them has changed since: then nothing happened.
  absl::Status AdoptSegment(const Segment& segment, std::span<const SegmentPart> parts);
  // Removes records that are in an adopted segment.
  absl::Status RemoveArchived(std::span<const std::uint64_t> positions);
  // All of its records were removed.
  absl::Status SettleSegment(std::uint64_t number);
  // The segments' files may be removed from now on. Aborted when a sandbox in them lives again.
  struct ArchivedEntry {
    std::int64_t fingerprint = 0;
    std::uint64_t sandbox = 0;
    std::uint64_t segment = 0;
  };
  absl::Status ExpireSegments(std::span<const std::uint64_t> numbers,
                              std::span<const ArchivedEntry> entries);

  // Moves what lies in memory into the tables. Errors: as Commit; nothing is lost by one.
  absl::Status Flush();
  // Something lies in memory that a flush would move.
  bool dirty() const { return flushed_position_ != last_position_; }
  // Flushes, and moves the WAL into the file, when enough has gathered since the last time. Not
  // under anybody's append: it is called when all are answered.
  absl::Status MaintainIfDue();
  bool maintenance_due() const { return flush_due() || checkpoint_due(); }
  absl::Status Close();

  std::uint64_t epoch() const { return epoch_; }

 private:
  struct Head {
    std::string id;
    std::uint64_t key = 0;       // position of its first record; 0: it has none
    std::uint64_t position = 0;  // of its last record
    std::uint64_t sequence = 0;  // of its last record
    // Of the last record that the tables knew: it is on the disk, and each intent behind it is in
    // the ledger in memory.
    std::uint64_t stored_position = 0;
    std::uint64_t stored_sequence = 0;
    Hash hash = kChainStart;      // of its last record
    std::size_t said_digest = 0;  // of state and summary as they were said last
    bool live = false;
    bool is_new = false;   // no row in the tables
    bool dirty = false;    // ahead of the tables, and in dirty_
    bool touched = false;  // read or changed by this transaction, and in touched_
    std::unique_ptr<Unflushed> unflushed;
  };

  Writer(const Limits& limits, Hasher hasher, Flusher flusher, LedgerReader ledger, Archive archive,
         Transaction transaction)
      : limits_(limits),
        hasher_(std::move(hasher)),
        flusher_(std::move(flusher)),
        ledger_(std::move(ledger)),
        archive_(std::move(archive)),
        transaction_(std::move(transaction)),
        background_(transaction_) {}

  absl::Status Prepare();
  absl::Status TakeEpoch(const Options& options, Ownership& previous_ownership);
  absl::Status Begin();
  // Commits or rolls back, by what has come of the transaction so far.
  absl::Status End(absl::Status status);
  absl::Status PlanEach(std::span<Waiting*> batches, Plan& plan);
  absl::Status Written(const Plan& plan, absl::Status status);
  absl::StatusOr<Head*> LoadHead(const std::string& sandbox_id);
  absl::Status ReadHead(Head& head);
  absl::Status ReadHash(Head& head);
  absl::Status ReadArchivedHead(Head& head);
  // Everything that can refuse this batch. Nothing is written.
  absl::Status Check(const PreparedBatch& prepared, Head& head);
  absl::Status CheckMeanings(const PreparedBatch& prepared, Head& head);
  absl::StatusOr<LedgerFold*> LoadLedger(Head& head);
  absl::Status PlanBatch(const PreparedBatch& prepared, Head& head, Plan& plan, Appended& appended);
  void PlanRecord(const RecordView& record, Head& head, Plan& plan);
  void Say(Head& head, const Projection& projection, Plan& plan);
  void KeepBeside(Head& head, const Batch& batch, Plan& plan);
  void Touch(Head& head);
  // After a failed transaction: what is in memory may be ahead of the disk, so all of it is folded
  // from there again.
  absl::Status Recover();
  absl::Status RecoverInTransaction();
  absl::Status FlushInTransaction();
  // Flushes, then makes one transaction of `work`, which changes nothing in memory.
  absl::Status InOneTransaction(absl::FunctionRef<absl::Status()> work);
  void ForgetFinished();
  absl::Status AdoptInTransaction(const Segment& segment, std::span<const SegmentPart> parts);
  bool flush_due() const {
    // What is planned counts: it is written before anything else happens.
    return next_position_ - 1 - flushed_position_ >= limits_.flush_records_max ||
           unflushed_bytes_ >= kUnflushedBytesMax;
  }
  bool checkpoint_due() const { return wal_pages_ >= wal_pages_checkpoint_due_; }
  void Checkpoint();

  static constexpr std::size_t kUnflushedBytesMax = 8 << 20;

  const Limits limits_;
  // Before all statements, so that they are finalised before the connection closes.
  Database database_;
  Hasher hasher_;
  Flusher flusher_;
  LedgerReader ledger_;
  Archive archive_;
  Statement probe_, select_sandbox_, select_head_hash_, replace_sealed_;
  Transaction transaction_;

  std::uint64_t epoch_ = 0;
  std::uint64_t last_position_ = 0;     // durable
  std::uint64_t next_position_ = 0;     // of the next record that is planned
  std::uint64_t flushed_position_ = 0;  // up to which the tables stand
  std::size_t unflushed_bytes_ = 0;     // roughly what projections and snapshots hold in memory
  bool behind_ = false;                 // Recover is due
  // Heads of sandboxes that are live, ahead of the tables, or in the current transaction. Others
  // are read when needed.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Head>> heads_;  // by their ids
  std::vector<Head*> touched_;
  std::vector<std::pair<std::uint64_t, Head*>> dirty_;  // with their keys
  Plan lone_plan_;
  int wal_pages_hooked_ = 0;  // by whichever thread commits; the background's while it writes
  int wal_pages_ = 0;         // as of the last commit that is finished
  int wal_pages_checkpoint_due_ = 0;
  // The last: it ends before anything that it uses.
  Background background_;
};

}  // namespace holdfast::journal
