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

void Gate::WakeSome() {
  if (to_wake_.fetch_sub(kWokenByEach, std::memory_order_relaxed) <= 0) return;
  FutexCall(open_, FUTEX_WAKE_PRIVATE, kWokenByEach);
}

void Gate::Open(int waiters) {
  to_wake_.store(waiters, std::memory_order_relaxed);
  open_.store(1, std::memory_order_release);
  WakeSome();
}

void Gate::Wait() {
  if (open_.load(std::memory_order_acquire) != 0) return;
  while (open_.load(std::memory_order_acquire) == 0) {
    FutexCall(open_, FUTEX_WAIT_PRIVATE, 0);
  }
  // Whoever may have slept passes it on, so that the chain ends only when nobody sleeps.
  WakeSome();
}

absl::StatusOr<std::shared_ptr<Group>> Queue::Push(Waiting& waiting) {
  const std::size_t records = waiting.prepared.batch.drafts.size();
  const bool blocks = waiting.done == nullptr;
  const std::lock_guard lock(mutex_);
  if (!refusal_.ok()) return refusal_;
  if (waiting_batches_ >= limits_.queue_batches_max) {
    return absl::ResourceExhaustedError(
        fmt::format("{} appends are waiting already", waiting_batches_));
  }
  // Not when the last turn was for many: they come again, and are better committed together.
  // Nor past work of the writer's own: who appends in a loop would keep it from ever being done.
  if (blocks && alone_ && !turn_taken_ && !HasWork()) {
    turn_taken_ = true;
    return nullptr;
  }
  if (groups_.empty() || groups_.back()->records + records > limits_.commit_records_max ||
      groups_.back()->waiting.size() >= limits_.commit_batches_max) {
    groups_.push_back(std::make_shared<Group>());
  }
  Group& group = *groups_.back();
  group.waiting.push_back(&waiting);
  group.records += records;
  group.blocked += blocks ? 1 : 0;
  ++waiting_batches_;
  if (HasPiece()) WakeForMore();
  WakeWriter();
  return groups_.back();
}

void Queue::WakeWriter() {
  if (!writer_waits_ || turn_taken_) return;
  writer_waits_ = false;
  arrived_.notify_one();
}

void Queue::WakeForMore() {
  if (!writer_wants_more_) return;
  writer_wants_more_ = false;
  arrived_.notify_one();
}

void Queue::PushRefused(AppendCallback done, absl::Status refusal) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      refused_.emplace_back(std::move(done), std::move(refusal));
      WakeWriter();
      return;
    }
  }
  std::move(done)(std::move(refusal));
}

absl::Status Queue::PushTask(absl::AnyInvocable<void() &&> task) {
  const std::lock_guard lock(mutex_);
  if (closed_) return refusal_;
  tasks_.push_back(std::move(task));
  WakeWriter();
  return absl::OkStatus();
}

bool Queue::HasWork() const {
  return !groups_.empty() || !refused_.empty() || !tasks_.empty() || wake_writer_ || closed_;
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
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  bool expired = false;
  while (turn_taken_ || !(HasWork() || expired)) {
    writer_waits_ = true;
    if (timeout.count() == 0 || expired) {
      arrived_.wait(lock);
    } else {
      expired = arrived_.wait_until(lock, deadline) == std::cv_status::timeout;
    }
  }
  writer_waits_ = false;
  wake_writer_ = false;
  turn_taken_ = true;
  Work work;
  work.refused.swap(refused_);
  work.tasks.swap(tasks_);
  if (!groups_.empty()) {
    work.group = TakeFront();
    alone_ = work.group->waiting.size() == 1;
  }
  work.closing = closed_ && work.group == nullptr;
  return work;
}

std::shared_ptr<Group> Queue::TakeFront() {
  std::shared_ptr<Group> group = std::move(groups_.front());
  groups_.pop_front();
  waiting_batches_ -= group->waiting.size();
  return group;
}

bool Queue::HasPiece() const {
  return groups_.size() > 1 || (!groups_.empty() && groups_.front()->waiting.size() >= kPiece);
}

std::shared_ptr<Group> Queue::TakeMore(std::size_t batches, std::size_t records) {
  std::unique_lock lock(mutex_);
  while (writing_ && !HasPiece()) {
    writer_wants_more_ = true;
    arrived_.wait(lock);
  }
  writer_wants_more_ = false;
  const bool other_work = !refused_.empty() || !tasks_.empty() || closed_;
  // After the write nothing is overlapped any more: who was written is answered first.
  if (!writing_ || other_work) return nullptr;
  const Group& next = *groups_.front();
  if (next.waiting.size() > batches || next.records > records) return nullptr;
  return TakeFront();
}

void Queue::WriteStarts() {
  const std::lock_guard lock(mutex_);
  writing_ = true;
}

void Queue::WriteEnded() {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  WakeForMore();
}

void Queue::Release(bool wake_writer) {
  const std::lock_guard lock(mutex_);
  turn_taken_ = false;
  wake_writer_ = wake_writer_ || wake_writer;
  if (HasWork()) WakeWriter();
}

void Queue::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  refusal_ = absl::UnavailableError("the journal is closed");
  WakeWriter();
}

}  // namespace holdfast::journal
