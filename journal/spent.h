// SPDX-License-Identifier: Apache-2.0
//
// Answered batches on their way to be freed. What one thread allocates and another frees makes both
// wait for the allocator's lock: by profile the writer's thread slept there for a quarter of its
// time. So the writer only lays down what it has answered, and whoever appends next frees two for
// the one that it brings.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "journal/writer.h"

namespace holdfast::journal {

// Safe from any thread.
class Spent {
 public:
  void Add(std::vector<std::unique_ptr<Waiting>> answered);
  // Called with each append: what lies here is never more than was under way at once.
  void FreeSome();
  void FreeAll();

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Waiting>> answered_;  // guarded by mutex_
  std::atomic<bool> any_ = false;                   // a hint, so that nobody locks for nothing
};

}  // namespace holdfast::journal
