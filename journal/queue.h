// SPDX-License-Identifier: Apache-2.0
//
// The queue between those who append and the one writer. It says whose turn it is to commit:
//   - the writer's thread has it for a group: the batches that gathered while the last transaction
//     was under way. All who block for a group wait on one word, so that waking five hundred of
//     them is no loop of the writer's.
//   - who blocks for a batch while nobody else appends has it for that batch alone, and commits on
//     its own thread: two hand-offs between threads cost more than all that the journal does.
//
// A group is closed at commit_batches_max, although SQLite would take more: with all appenders in
// one group, writer and appenders would wait for each other in turn. With two groups under way, one
// is committed while the other gathers (measured by holdfast_journal_bench at 512 appenders), and
// is handed out to be planned in pieces as soon as they are worth it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "journal/writer.h"

namespace holdfast::journal {

// A door that is shut, then open for ever.
class Gate {
 public:
  // Lets at most `waiters` through that wait already, and whoever comes later.
  void Open(int waiters);
  void Wait();

 private:
  void WakeSome();
  std::atomic<int> open_{0};
  // Use: what the calls that wake may still wake. Invariant: never less than the sleepers.
  std::atomic<int> to_wake_{0};
};

struct Group {
  // Appended to under the queue's lock until the writer takes it. One with a callback owns itself
  // and is freed when that was called; any other lives on the stack of its appender, which may
  // leave as soon as the gate is open.
  std::vector<Waiting*> waiting;
  std::size_t records = 0;
  int blocked = 0;  // how many have no callback
  Gate answered;
};

class Queue {
 public:
  explicit Queue(const Limits& limits) : limits_(limits) {}

  // The group that `waiting` was put into; none: it is the caller's turn to commit it, alone, and
  // then to call Release. Refused while a refusal is set, or when too many wait.
  absl::StatusOr<std::shared_ptr<Group>> Push(Waiting& waiting);
  // An answer that is known already, to be given on the writer's thread.
  void PushRefused(AppendCallback done, absl::Status refusal);

  // Runs `task` on the writer's thread, in its turn. Refused, and then not run, once closed.
  absl::Status PushTask(absl::AnyInvocable<void() &&> task);

  // While set, Push is refused with this. OK lifts it.
  void Refuse(absl::Status refusal);
  std::size_t waiting_batches() const;

  struct Work {
    std::shared_ptr<Group> group;  // empty: nothing waits
    std::vector<std::pair<AppendCallback, absl::Status>> refused;
    std::vector<absl::AnyInvocable<void() &&>> tasks;
    bool closing = false;  // and nothing waits any more
  };
  // Blocks until there is work, or for `timeout` when it is not zero; then it is the caller's turn
  // until Release. One caller: the writer's thread.
  Work Take(std::chrono::milliseconds timeout);
  // For who has the turn from Take and writes on another thread. More for the next transaction:
  // blocks until kPiece batches wait, or a group is closed, or WriteEnded. Empty: the write has
  // ended, the next group has more than `batches` or `records`, or there is other work to be done.
  std::shared_ptr<Group> TakeMore(std::size_t batches, std::size_t records);
  void WriteStarts();
  void WriteEnded();  // on any thread
  // Less is not worth planning beside a write: whoever waits for it would be woken for little.
  static constexpr std::size_t kPiece = 64;

  // Ends a turn. `wake_writer`: Take returns although nothing waits.
  void Release(bool wake_writer);
  // Push is refused from now on; Take says closing once all that waited was taken.
  void Close();

 private:
  // REQUIRES, all of them: mutex_ is held
  void WakeWriter();
  void WakeForMore();
  bool HasPiece() const;
  std::shared_ptr<Group> TakeFront();
  bool HasWork() const;

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  // Guarded by mutex_.
  std::deque<std::shared_ptr<Group>> groups_;
  std::vector<std::pair<AppendCallback, absl::Status>> refused_;
  std::vector<absl::AnyInvocable<void() &&>> tasks_;
  std::size_t waiting_batches_ = 0;
  absl::Status refusal_;
  bool closed_ = false;
  bool turn_taken_ = false;         // somebody commits
  bool alone_ = true;               // the last turn was for one batch
  bool wake_writer_ = false;        // asked for by Release
  bool writer_waits_ = false;       // for the turn and for work
  bool writer_wants_more_ = false;  // it waits in TakeMore
  bool writing_ = false;            // between WriteStarts and WriteEnded
};

}  // namespace holdfast::journal
