// SPDX-License-Identifier: Apache-2.0
//
// What one watcher still has to be told: per sandbox the latest only, so that the queue is never
// longer than there are sandboxes and yet nothing that is still true is lost. A deletion is kept in
// front of what the same id becomes afterwards: "it was deleted" is news of its own. Thread-safe.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace holdfast::gateway {

template <typename Message>
class WatchQueue {
 public:
  void Push(const std::string& id, Message message, bool deletion) {
    std::lock_guard lock(mutex_);
    std::vector<Item>& items = pending_[id];
    if (items.empty()) order_.push_back(id);
    if (!items.empty() && !items.back().deletion) items.pop_back();
    if (deletion && !items.empty()) items.pop_back();  // told once is enough
    items.push_back({std::move(message), deletion});
  }

  // False when there is nothing to tell.
  bool Pop(Message& message) {
    std::lock_guard lock(mutex_);
    if (order_.empty()) return false;
    auto found = pending_.find(order_.front());
    message = std::move(found->second.front().message);
    found->second.erase(found->second.begin());
    if (found->second.empty()) {
      pending_.erase(found);
      order_.pop_front();
    }
    return true;
  }

 private:
  struct Item {
    Message message;
    bool deletion;
  };

  std::mutex mutex_;
  std::deque<std::string> order_;                               // guarded by mutex_
  std::unordered_map<std::string, std::vector<Item>> pending_;  // guarded by mutex_
};

}  // namespace holdfast::gateway
