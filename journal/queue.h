// SPDX-License-Identifier: Apache-2.0
//
// The queue between those who append and the one writer: batches gather in groups, and a group
// becomes one transaction. All who block for a group wait on one word, so that waking five hundred
// of them is no loop of the writer's.
//
// A group is closed at commit_batches_max, although SQLite would take more: with all appenders in
// one group, writer and appenders would wait for each other in turn. With two groups under way, one
// is committed while the other gathers (measured by holdfast_journal_bench at 512 appenders).
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
  void Open();
  void Wait();

 private:
  std::atomic<int> open_{0};
};

struct Group {
  std::vector<Waiting> waiting;  // appended to under the queue's lock until the writer takes it
  std::size_t records = 0;
  Gate answered;  // after it opened, each waiter owns its own element of `waiting`
};

class Queue {
 public:
  explicit Queue(const Limits& limits) : limits_(limits) {}

  // Where a batch went. Two own the group: the writer until it is answered, and whoever blocks for
  // it.
  struct Place {
    std::shared_ptr<Group> group;
    std::size_t index = 0;
  };

  // Unless a refusal is set, or too many wait: then that is returned and `waiting` is left as it
  // was.
  absl::StatusOr<Place> Push(Waiting& waiting);
  // An answer that is known already, to be given on the writer's thread.
  void PushRefused(AppendCallback done, absl::Status refusal);

  // While set, Push is refused with this. OK lifts it.
  void Refuse(absl::Status refusal);
  std::size_t waiting_batches() const;

  struct Work {
    std::shared_ptr<Group> group;  // empty: nothing waits
    std::vector<std::pair<AppendCallback, absl::Status>> refused;
    bool closing = false;  // and nothing waits any more
  };
  // Blocks until there is work, or for `timeout` when it is not zero. One caller.
  Work Take(std::chrono::milliseconds timeout);
  // Push is refused from now on; Take says closing once all that waited was taken.
  void Close();

 private:
  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  // Guarded by mutex_.
  std::deque<std::shared_ptr<Group>> groups_;
  std::vector<std::pair<AppendCallback, absl::Status>> refused_;
  std::size_t waiting_batches_ = 0;
  absl::Status refusal_;
  bool closed_ = false;
  bool writer_waits_ = false;
};

}  // namespace holdfast::journal
