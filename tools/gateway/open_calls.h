// SPDX-License-Identifier: Apache-2.0
//
// The calls that are not answered yet. When the gateway drains, those that would wait for ever (a
// watch, a wait for an operation that now goes on after the restart) are told so instead of being
// cut.
#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace holdfast::gateway {

class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // Ends the call with this status unless it is already answered. Any thread.
  virtual void Close(const grpc::Status& status) = 0;
};

// Thread-safe.
class OpenCalls {
 public:
  // False when draining: the call must be refused.
  [[nodiscard]] bool Add(const std::shared_ptr<OpenCall>& call) {
    std::lock_guard lock(mutex_);
    if (draining_) return false;
    calls_.emplace(call.get(), call);
    return true;
  }
  void Remove(const OpenCall* call) {
    std::lock_guard lock(mutex_);
    calls_.erase(call);
  }
  // Closes all, and refuses those that come from now on.
  void Drain(const grpc::Status& status) {
    std::vector<std::shared_ptr<OpenCall>> open;
    {
      std::lock_guard lock(mutex_);
      draining_ = true;
      for (const auto& [key, weak] : calls_) {
        if (auto call = weak.lock()) open.push_back(std::move(call));
      }
    }
    for (const auto& call : open) call->Close(status);
  }

  // gRPC has a reactor of ours, until it has sent its answer or given it up.
  void ReactorBegan() {
    std::lock_guard lock(mutex_);
    ++reactors_;
  }
  void ReactorEnded() {
    std::lock_guard lock(mutex_);
    if (--reactors_ == 0) none_left_.notify_all();
  }
  // Until the answers of all calls are sent, at most for `most`.
  void WaitSent(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    none_left_.wait_for(lock, most, [this] { return reactors_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_left_;
  std::size_t reactors_ = 0;                                            // guarded by mutex_
  bool draining_ = false;                                               // guarded by mutex_
  std::unordered_map<const OpenCall*, std::weak_ptr<OpenCall>> calls_;  // guarded by mutex_
};

// What a call is told that the gateway cannot see to its end.
inline grpc::Status DrainingStatus() {
  return {grpc::StatusCode::UNAVAILABLE,
          "the gateway is shutting down; what was accepted goes on after its restart"};
}

}  // namespace holdfast::gateway
