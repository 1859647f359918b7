// SPDX-License-Identifier: Apache-2.0
//
// What the driver's flows share: one thread that waits (for processes, pipes and timers, of all
// sandboxes together), a few that do slow work on files, the store, and what is constant.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/thread_pool.hpp"
#include "drivers/driver.h"
#include "drivers/process/isolation.h"
#include "drivers/process/store.h"

namespace holdfast::drivers::process {

using Clock = std::chrono::steady_clock;

class Watcher;

// Disk work that may take long: making and removing directories, listing.
inline constexpr std::size_t kFileThreads = 4;
// Between two looks at what changes within milliseconds and gives no notice.
inline constexpr std::chrono::milliseconds kLookAgain{5};

struct Context {
  explicit Context(Store opened) : store(std::move(opened)) {}

  // Constant after construction.
  const Store store;
  std::string supervisor;
  IsolationFound isolation;
  std::vector<std::string> hidden;  // from workloads in bubblewrap
  Watcher* watcher = nullptr;       // owned by the driver, used on `io` only

  boost::asio::io_context io{1};
  boost::asio::thread_pool files{kFileThreads};
};

// Calls back exactly once: with Unknown when the driver goes before there is an answer.
class Answer {
 public:
  explicit Answer(OutcomeCallback done) : done_(std::move(done)) {}
  Answer(Answer&& other) noexcept : done_(std::exchange(other.done_, nullptr)) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer();
  void operator()(model::Outcome outcome);

 private:
  OutcomeCallback done_;
};

using StatusCallback = absl::AnyInvocable<void(absl::Status) &&>;

// What a step's error means. FailedPrecondition is a stale epoch: refused, nothing was done.
// Cancelled is Failed and may be tried again. All others: nobody knows.
model::Outcome OutcomeOf(const absl::Status& error);

model::Outcome DoneWith(model::Resource resource);
model::Outcome CannotTell(const absl::Status& error);
// Nothing was made.
model::Outcome Refused(std::string reason, std::string message);

}  // namespace holdfast::drivers::process
