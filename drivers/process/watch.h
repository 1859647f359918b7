// SPDX-License-Identifier: Apache-2.0
//
// Sees supervisors end, adopted ones included, and reports the exits that nobody asked for. One
// pidfd per running sandbox, no thread. Used on `io` only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "boost/asio/posix/stream_descriptor.hpp"
#include "drivers/process/context.h"

namespace holdfast::drivers::process {

class Watcher {
 public:
  explicit Watcher(Context& context) : context_(context) {}

  // Reports to it from now on, and first what ended while nobody watched.
  void Begin(ExitObserver observer);

  // The sandbox was found running, or to have run: wait for its end, or report it.
  void Consider(const Owner& owner);

 private:
  struct Watched {
    ProcessIdentity identity;
    std::shared_ptr<boost::asio::posix::stream_descriptor> pidfd;
  };

  void ConsiderAll();
  // One that cannot be read is tried again alone; the others are watched meanwhile.
  void Discover(const model::SandboxId& id);
  // `was_running`: a start of it was answered with Done, so that even "it could not be executed" is
  // news.
  absl::Status Look(const Owner& owner, bool was_running);
  absl::Status Attach(const Owner& owner, const ProcessIdentity& identity);
  void LookLater(const Owner& owner, bool was_running, Clock::duration delay);
  void LookOrRetry(const Owner& owner, bool was_running);
  void Report(const Owner& owner, const Run& run);

  Context& context_;
  ExitObserver observer_;
  std::map<Owner, Watched> watched_;
};

}  // namespace holdfast::drivers::process
