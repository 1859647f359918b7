// SPDX-License-Identifier: Apache-2.0
#include "journal/spent.h"

#include <array>
#include <iterator>
#include <utility>

namespace holdfast::journal {

void Spent::Add(std::vector<std::unique_ptr<Waiting>> answered) {
  const std::lock_guard lock(mutex_);
  if (answered_.empty()) {
    answered_ = std::move(answered);
  } else {
    std::move(answered.begin(), answered.end(), std::back_inserter(answered_));
  }
  any_.store(!answered_.empty(), std::memory_order_relaxed);
}

void Spent::FreeSome() {
  if (!any_.load(std::memory_order_relaxed)) return;
  std::array<std::unique_ptr<Waiting>, 2> some;  // outlives the lock
  const std::lock_guard lock(mutex_);
  for (std::unique_ptr<Waiting>& one : some) {
    if (answered_.empty()) break;
    one = std::move(answered_.back());
    answered_.pop_back();
  }
  any_.store(!answered_.empty(), std::memory_order_relaxed);
}

void Spent::FreeAll() {
  std::vector<std::unique_ptr<Waiting>> all;  // outlives the lock
  const std::lock_guard lock(mutex_);
  all.swap(answered_);
  any_.store(false, std::memory_order_relaxed);
}

}  // namespace holdfast::journal
