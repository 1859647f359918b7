// SPDX-License-Identifier: Apache-2.0
//
// The threads of one extension. They are made when needed and bounded; work beyond the bound waits
// its turn. A call that is silent past its deadline is answered for, and its thread is written off:
// a replacement is made, until so many hang that the extension is refused further work. Another
// extension has a runner of its own and notices nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "extensions/chain.h"

namespace holdfast::extensions {

// Why a call has no answer of its own.
enum class Miss : std::uint8_t {
  kLate,        // it was started, and is silent past its deadline
  kNotStarted,  // all threads were busy until its deadline, or the queue is full
  kHung,        // too many threads of this extension hang; it was not started
  kClosing,     // the runner is being destroyed; it was not started
};

class HookRunner {
 public:
  // Hands a finished call's answer over.
  using Delivery = absl::AnyInvocable<void() &&>;

  struct Task {
    // Runs on a hook thread. Must not throw. What it returns is run there too, unless the call was
    // missed meanwhile; then it is dropped.
    absl::AnyInvocable<Delivery() &&> work;
    // Runs instead of the delivery; from any thread, also during Submit.
    absl::AnyInvocable<void(Miss) &&> missed;
    std::chrono::steady_clock::time_point deadline;
  };

  explicit HookRunner(HookLimits limits);
  // Refuses what is queued, waits for running calls for HookLimits::close_grace, leaves the rest.
  ~HookRunner();
  HookRunner(const HookRunner&) = delete;
  HookRunner& operator=(const HookRunner&) = delete;

  // Exactly one of delivery and missed is called. Never blocks. Thread-safe.
  void Submit(Task task);

 private:
  struct Shared;
  // Shared with the threads: one that hangs outlives the runner.
  std::shared_ptr<Shared> shared_;
};

}  // namespace holdfast::extensions
