// SPDX-License-Identifier: Apache-2.0
//
// A few threads for calls that read or ask and may block for a moment, so that gRPC's own threads
// never do. Bounded: more work than the queue holds is refused, not gathered.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace holdfast::gateway {

class WorkerPool {
 public:
  using Job = absl::AnyInvocable<void() &&>;

  WorkerPool(std::size_t threads, std::size_t queue_max);
  // Runs what is queued, then ends.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the queue is full: the job will not run. Thread-safe.
  [[nodiscard]] bool Run(Job job);

 private:
  void Work();

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;  // guarded by mutex_
  bool closing_ = false;   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::gateway
