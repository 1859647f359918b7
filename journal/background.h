// SPDX-License-Identifier: Apache-2.0
//
// Writes one plan at a time on a thread of its own, while the writer's thread plans the next one
// and answers those before. The thread is there from the first Start on: a journal that is never
// busy has none, and one that gets none writes where it is called.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "journal/plan.h"
#include "journal/transaction.h"

namespace holdfast::journal {

// One caller. While a plan is being written its connection is the background's alone.
class Background {
 public:
  explicit Background(Transaction& transaction) : transaction_(transaction) {}
  ~Background();

  // `plan` stays until Finish has returned. `written` is called on the thread when it is done, just
  // before Wait and Finish return. REQUIRES: nothing is being written.
  void Start(const Plan& plan, absl::AnyInvocable<void() &&> written);
  // Blocks until nothing is being written: the connection may be used.
  void Wait();
  // As Wait, and what came of the plan.
  absl::Status Finish();

 private:
  void Run();
  void WritePlan();

  Transaction& transaction_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  const Plan* plan_ = nullptr;  // being written
  absl::AnyInvocable<void() &&> written_;
  absl::Status status_;  // of the last one
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace holdfast::journal
