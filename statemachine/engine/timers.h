// SPDX-License-Identifier: Apache-2.0
//
// Timers of the engine: one thread, any number of timers, cancellable. What runs on the thread must
// not block; it only puts something into a lane.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace holdfast::engine {

class Timers {
 public:
  Timers();
  // Drops what has not fired.
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Thread-safe. Never fires during the call. The number is for Cancel and never zero.
  std::uint64_t After(std::chrono::milliseconds delay, std::function<void()> fire);
  // Thread-safe. A timer that is firing at this moment may still fire. Zero is nothing.
  void Cancel(std::uint64_t timer);
  // Drops what has not fired; nothing fires after it returns. Not from a timer. Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::engine
