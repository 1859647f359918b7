// SPDX-License-Identifier: Apache-2.0
#include "journal/background.h"

#include <pthread.h>

#include <utility>

namespace holdfast::journal {

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Background::Start(const Plan& plan, absl::AnyInvocable<void() &&> written) {
  {
    const std::lock_guard lock(mutex_);
    plan_ = &plan;
    written_ = std::move(written);
  }
  if (thread_.joinable()) {
    changed_.notify_all();
  } else {
    thread_ = std::thread([this] { Run(); });
  }
}

void Background::Wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return plan_ == nullptr; });
}

absl::Status Background::Finish() {
  Wait();
  const std::lock_guard lock(mutex_);
  return status_;
}

void Background::Run() {
  ::pthread_setname_np(::pthread_self(), "journal-commit");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return plan_ != nullptr || stopping_; });
    if (plan_ == nullptr) return;
    const Plan& plan = *plan_;
    auto written = std::move(written_);
    lock.unlock();
    absl::Status status = transaction_.Write(plan);
    // Before Finish returns, so that it is never about a plan that was started later.
    std::move(written)();
    lock.lock();
    status_ = std::move(status);
    plan_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace holdfast::journal
