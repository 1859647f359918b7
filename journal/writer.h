// SPDX-License-Identifier: Apache-2.0
//
// What is true on disk when a transaction ends. One writer, used by one thread at a time: it takes
// the batches that were gathered, checks each one alone, writes all that passed in one transaction
// and answers every one of them. It never waits for anything but the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/canonical.h"
#include "journal/journal.h"
#include "journal/prepared.h"
#include "journal/projector.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

// A batch and its answer.
struct Waiting {
  explicit Waiting(PreparedBatch batch, AppendCallback callback = nullptr)
      : prepared(std::move(batch)), done(std::move(callback)) {}

  PreparedBatch prepared;
  AppendCallback done;  // empty: somebody blocks for the answer
  absl::StatusOr<Appended> answer;
};

class Writer {
 public:
  // Opens the file for writing and raises the epoch, durably. REQUIRES: the journal's lock is held.
  static absl::StatusOr<std::unique_ptr<Writer>> Open(const Options& options,
                                                      Ownership& previous_ownership);

  // Commits the batches together and sets every answer. A batch that fails its own checks is
  // answered alone and is no failure of the others. Returns the reason when the transaction itself
  // failed: then nothing of it was written and every answer is that error. Errors:
  // ResourceExhausted, Unavailable   the disk
  //         FailedPrecondition               the epoch is no longer ours, for ever
  absl::Status Commit(std::span<Waiting*> batches);

  // Makes one small commit, to find out whether the disk takes writes again.
  absl::Status Probe();

  // Moves the WAL into the file when it has grown enough since the last time. Not under anybody's
  // append: it is called when all are answered.
  void CheckpointIfDue();
  bool checkpoint_due() const { return wal_pages_ >= wal_pages_checkpoint_due_; }
  absl::Status Close();

  std::uint64_t epoch() const { return epoch_; }

 private:
  struct Head {
    std::uint64_t key = 0;       // position of its first record; 0: it has none
    std::uint64_t position = 0;  // of its last record
    std::uint64_t sequence = 0;  // of its last record
    Hash hash = kChainStart;     // of its last record
    bool live = false;
    std::size_t row_digest = 0;           // of state and summary as they stand in `sandboxes`
    const Projection* pending = nullptr;  // to be written with this transaction
    bool is_new = false;                  // its rows are made by this transaction
    bool touched = false;                 // it is in touched_
  };
  using HeadEntry = std::pair<const std::string, Head>;

  explicit Writer(Hasher hasher, Projector projector)
      : hasher_(std::move(hasher)), projector_(std::move(projector)) {}

  absl::Status Prepare();
  absl::Status TryCommit(std::span<Waiting*> batches);
  absl::Status WriteTransaction(std::span<Waiting*> batches, std::size_t& written);
  absl::Status CheckEpoch();
  absl::StatusOr<HeadEntry*> LoadHead(const std::string& sandbox_id);
  absl::Status ReadHead(const std::string& sandbox_id, Head& head);
  // Everything that can refuse this batch; fills `facts` for its outcomes. Nothing is written.
  absl::Status Check(const PreparedBatch& prepared, const Head& head,
                     std::vector<IntentFacts>& facts);
  absl::Status Insert(const PreparedBatch& prepared, const std::vector<IntentFacts>& facts,
                      HeadEntry& entry, Appended& appended);
  absl::Status WriteHead(HeadEntry& entry);
  void Touch(HeadEntry& entry);
  void Forget();

  // Declared first, so that statements are finalised before the connection closes.
  Database database_;
  Hasher hasher_;
  Projector projector_;
  Statement begin_, commit_, rollback_, select_epoch_, probe_;
  Statement select_sandbox_, select_head_hash_;
  Statement insert_record_, insert_head_, update_head_;
  Statement insert_sandbox_, update_sandbox_, update_sandbox_live_;

  std::uint64_t epoch_ = 0;
  std::uint64_t last_position_ = 0;  // durable
  std::uint64_t next_position_ = 0;  // within the transaction
  // Heads of sandboxes that are live or in the current transaction. Others are read when needed.
  std::unordered_map<std::string, Head> heads_;
  std::vector<HeadEntry*> touched_;
  std::string canonical_;
  int wal_pages_ = 0;  // as of the last commit
  int wal_pages_checkpoint_due_ = 0;
};

}  // namespace holdfast::journal
