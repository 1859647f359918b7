// SPDX-License-Identifier: Apache-2.0
//
// From what waits to what is answered: plans, writes and answers, in rounds that overlap, and keeps
// the promise that after a failed commit nothing is taken until one has succeeded again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "journal/journal.h"
#include "journal/plan.h"
#include "journal/queue.h"
#include "journal/spent.h"
#include "journal/writer.h"

namespace holdfast::journal {

// Used by whoever has the queue's turn, but for sound and stats, which are safe from any thread.
// What it is made of outlives it.
class Committer {
 public:
  Committer(const Limits& limits, Writer& writer, Queue& queue, Spent& spent)
      : limits_(limits), writer_(writer), queue_(queue), spent_(spent) {}

  // Commits this group, and those that come meanwhile: each round is planned while the one before
  // it is written, and answered while the one after it is. Answers all of them. Takes no more when
  // something else waits for the writer, nor after `until`.
  void CommitGroups(std::shared_ptr<Group> group, std::chrono::steady_clock::time_point until);
  // Sets the answer. Does not throw: a turn that was never released would leave everybody waiting
  // for ever, where a process that dies loses nothing.
  void CommitAlone(Waiting& waiting) noexcept;

  // What came of something else that the writer did: a disk that refuses that refuses appends too.
  void Maintained(const absl::Status& status);
  // Tries the disk. True: it takes writes, and the journal is sound again.
  bool Probe();

  bool sound() const { return sound_.load(std::memory_order_acquire); }
  // Why it is not sound.
  const absl::Status& failure() const { return failure_; }
  // But for what waits.
  Stats stats() const;

 private:
  // What goes into one transaction.
  struct Round {
    std::vector<std::shared_ptr<Group>> groups;
    std::size_t batches = 0;
    std::size_t records = 0;
    Plan plan;
    absl::Status status;  // of making the plan, then of writing it
  };

  void AddTo(Round& round, std::shared_ptr<Group> group);
  // Writes now_ unless its plan failed; meanwhile answers before_ and makes next_.
  void WriteNow(std::chrono::steady_clock::time_point until);
  // The round has come to its status; nobody is told yet.
  void Conclude(Round& round);
  void Answer(Round& round);  // leaves it empty
  void Answer(Group& group);
  void Settle(std::span<Waiting*> batches, const absl::Status& status);
  void CountCommit(const absl::Status& status, bool wrote);
  void Fail(absl::Status status);

  const Limits& limits_;
  Writer& writer_;
  Queue& queue_;
  Spent& spent_;
  Round before_, now_, next_;
  absl::Status failure_;
  std::atomic<bool> sound_{true};
  std::atomic<std::uint64_t> commits_{0}, batches_{0}, records_{0}, commits_failed_{0};
};

}  // namespace holdfast::journal
