// SPDX-License-Identifier: Apache-2.0
//
// What an OpenShell gateway does all day: reads a driver's watch. Collects the events on a thread
// of its own until it is destroyed.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/api.h"
#include "tests/e2e/eventually.h"

namespace holdfast::e2e {

class OpenShellWatch {
 public:
  explicit OpenShellWatch(const std::string& socket)
      : api_(socket), stream_(api_.openshell().WatchSandboxes(&context_, {})), thread_([this] {
          compute::WatchSandboxesEvent event;
          while (stream_->Read(&event)) {
            const std::lock_guard lock(mu_);
            events_.push_back(event);
          }
        }) {}
  ~OpenShellWatch() {
    context_.TryCancel();
    thread_.join();
    static_cast<void>(stream_->Finish());  // cancelled by us
  }
  OpenShellWatch(const OpenShellWatch&) = delete;
  OpenShellWatch& operator=(const OpenShellWatch&) = delete;

  // Whether an event of which `is_it` is true came, or comes.
  template <typename Condition>
  bool Sees(Condition is_it) {
    return Eventually([&] {
      const std::lock_guard lock(mu_);
      return std::any_of(events_.begin(), events_.end(), is_it);
    });
  }
  std::string Text() {
    const std::lock_guard lock(mu_);
    std::string text;
    for (const auto& event : events_) text += event.ShortDebugString() + "\n";
    return text;
  }

 private:
  Api api_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<compute::WatchSandboxesEvent>> stream_;
  std::mutex mu_;
  std::vector<compute::WatchSandboxesEvent> events_;  // guarded by mu_
  std::thread thread_;
};

}  // namespace holdfast::e2e
