// SPDX-License-Identifier: Apache-2.0
#include "journal/queue.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "fmt/format.h"

namespace holdfast::journal {

// A futex rather than std::atomic::wait, which spins and yields first: with hundreds of waiters on
// few cores that time is the writer's. For the same reason the writer wakes two and goes on, and
// each that was woken wakes two more: waking costs more than a microsecond apiece.
namespace {
constexpr int kWokenByEach = 2;

int FutexCall(std::atomic<int>& word, int operation, int value) {
  return static_cast<int>(
      ::syscall(SYS_futex, reinterpret_cast<int*>(&word), operation, value, nullptr, nullptr, 0));
}
}  // namespace

void Gate::Open() {
  open_.store(1, std::memory_order_release);
  FutexCall(open_, FUTEX_WAKE_PRIVATE, kWokenByEach);
}

void Gate::Wait() {
  if (open_.load(std::memory_order_acquire) != 0) return;
  while (open_.load(std::memory_order_acquire) == 0) {
    FutexCall(open_, FUTEX_WAIT_PRIVATE, 0);
  }
  // Whoever may have slept passes it on, so that the chain ends only when nobody sleeps.
  FutexCall(open_, FUTEX_WAKE_PRIVATE, kWokenByEach);
}

absl::StatusOr<Queue::Place> Queue::Push(Waiting& waiting) {
  const std::size_t records = waiting.prepared.batch.drafts.size();
  const std::lock_guard lock(mutex_);
  if (!refusal_.ok()) return refusal_;
  if (waiting_batches_ >= limits_.queue_batches_max) {
    return absl::ResourceExhaustedError(
        fmt::format("{} appends are waiting already", waiting_batches_));
  }
  if (groups_.empty() || groups_.back()->records + records > limits_.commit_records_max ||
      groups_.back()->waiting.size() >= limits_.commit_batches_max) {
    groups_.push_back(std::make_shared<Group>());
  }
  Group& group = *groups_.back();
  group.waiting.push_back(std::move(waiting));
  group.records += records;
  ++waiting_batches_;
  if (writer_waits_) {
    writer_waits_ = false;
    arrived_.notify_one();
  }
  return Place{groups_.back(), group.waiting.size() - 1};
}

void Queue::PushRefused(AppendCallback done, absl::Status refusal) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      refused_.emplace_back(std::move(done), std::move(refusal));
      arrived_.notify_one();
      return;
    }
  }
  std::move(done)(std::move(refusal));
}

void Queue::Refuse(absl::Status refusal) {
  const std::lock_guard lock(mutex_);
  if (!closed_) refusal_ = std::move(refusal);
}

std::size_t Queue::waiting_batches() const {
  const std::lock_guard lock(mutex_);
  return waiting_batches_;
}

Queue::Work Queue::Take(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return !groups_.empty() || !refused_.empty() || closed_; };
  while (!ready()) {
    writer_waits_ = true;
    if (timeout.count() == 0) {
      arrived_.wait(lock);
    } else if (arrived_.wait_for(lock, timeout) == std::cv_status::timeout) {
      break;
    }
  }
  writer_waits_ = false;
  Work work;
  work.refused.swap(refused_);
  if (!groups_.empty()) {
    work.group = std::move(groups_.front());
    groups_.pop_front();
    waiting_batches_ -= work.group->waiting.size();
  }
  work.closing = closed_ && work.group == nullptr;
  return work;
}

void Queue::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  refusal_ = absl::UnavailableError("the journal is closed");
  arrived_.notify_one();
}

}  // namespace holdfast::journal
