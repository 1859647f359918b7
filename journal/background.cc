// SPDX-License-Identifier: Apache-2.0
#include "journal/background.h"

#include <pthread.h>

#include <system_error>
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
  if (thread_.joinable()) return changed_.notify_all();
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    // No thread to be had now: the plan is written here, and the next one tries again.
    WritePlan();
  }
}

void Background::WritePlan() {
  // Nobody touches what was started until plan_ is empty again.
  absl::Status status = transaction_.Write(*plan_);
  // Before Finish returns, so that it is never about a plan that was started later.
  std::move(written_)();
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
  plan_ = nullptr;
  changed_.notify_all();
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
    lock.unlock();
    WritePlan();
    lock.lock();
  }
}

}  // namespace holdfast::journal
