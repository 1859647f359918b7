// SPDX-License-Identifier: Apache-2.0
//
// Handles of the C interface: numbers that look like pointers and are looked up, never
// dereferenced. So a handle that was closed, or that never was one, is recognised, and closing
// while other threads are inside a call is no use after free: what they use lives until the last of
// them leaves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

namespace holdfast::journal::c {

// A number that no handle of this process had. Shared by all tables, so that a handle of one kind
// is unknown to the table of another.
inline std::uintptr_t NextHandle() {
  static std::atomic<std::uintptr_t> last{0};
  constexpr std::uintptr_t kStep = 16;  // aligned as a pointer would be
  return last.fetch_add(kStep, std::memory_order_relaxed) + kStep;
}

// Thread-safe.
template <typename Handle, typename Object>
class HandleTable {
 public:
  Handle* Add(std::shared_ptr<Object> object) {
    auto* handle = reinterpret_cast<Handle*>(NextHandle());
    const std::unique_lock lock(mutex_);
    objects_.emplace(handle, std::move(object));
    return handle;
  }

  // Empty: not an open handle.
  std::shared_ptr<Object> Find(const Handle* handle) const {
    const std::shared_lock lock(mutex_);
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second;
  }

  // Closes the handle. Of several that do so at once, one gets the object.
  std::shared_ptr<Object> Remove(const Handle* handle) {
    const std::unique_lock lock(mutex_);
    const auto node = objects_.extract(handle);
    return node.empty() ? nullptr : std::move(node.mapped());
  }

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<const Handle*, std::shared_ptr<Object>> objects_;  // guarded by mutex_
};

}  // namespace holdfast::journal::c
