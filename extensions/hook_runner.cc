// SPDX-License-Identifier: Apache-2.0
#include "extensions/hook_runner.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::extensions {
namespace {

using Clock = std::chrono::steady_clock;

struct Job {
  HookRunner::Task task;
  bool running = false;
  bool answered = false;  // by its delivery or as missed; whoever sets it, calls back
};
using JobPtr = std::shared_ptr<Job>;  // owned by the queue or the deadlines, and by its thread

// Missed calls, to be told once the lock is released.
using Misses = std::vector<std::pair<JobPtr, Miss>>;

void Tell(Misses misses) {
  for (auto& [job, miss] : misses) std::move(job->task.missed)(miss);
}

}  // namespace

// Invariant: every job that is not answered is in `deadlines`; those not running are in `queue`
// too. Invariant: threads = `workers` (of which `idle` wait) + `hung`.
struct HookRunner::Shared {
  explicit Shared(HookLimits limits_in) : limits(limits_in) {}

  const HookLimits limits;
  std::mutex mu;
  std::condition_variable work_came;      // for idle workers
  std::condition_variable deadline_came;  // for the watch
  std::condition_variable worker_left;    // for the destructor
  std::deque<JobPtr> queue;
  std::multimap<Clock::time_point, JobPtr> deadlines;
  std::size_t workers = 0;
  std::size_t idle = 0;
  std::size_t hung = 0;
  bool closed = false;
  bool watch_stopped = false;
  std::thread watch;

  void Forget(const JobPtr& job) {
    const auto [begin, end] = deadlines.equal_range(job->task.deadline);
    const auto at = std::find_if(begin, end, [&](const auto& d) { return d.second == job; });
    if (at != end) deadlines.erase(at);
  }

  // Answers for a job in place of its hook. Caller holds the lock and tells afterwards.
  void GiveUp(JobPtr job, Miss miss, Misses& misses) {
    job->answered = true;
    if (job->running) {
      --workers;
      ++hung;
    } else {
      queue.erase(std::find(queue.begin(), queue.end(), job));
    }
    misses.emplace_back(std::move(job), miss);
  }

  void GiveUpQueued(Miss miss, Misses& misses) {
    while (!queue.empty()) {
      JobPtr job = queue.front();
      Forget(job);
      GiveUp(std::move(job), miss, misses);
    }
  }

  static void AddWorkers(const std::shared_ptr<Shared>& self, Misses& misses);
  static void Work(const std::shared_ptr<Shared>& self);
  void Watch(const std::shared_ptr<Shared>& self);
};

// As many threads as there is waiting work for, within the bound. Caller holds the lock.
void HookRunner::Shared::AddWorkers(const std::shared_ptr<Shared>& self, Misses& misses) {
  while (self->queue.size() > self->idle && self->workers < self->limits.concurrent_max) {
    try {
      std::thread([self] { Work(self); }).detach();
      ++self->workers;
      // Counted as idle until it takes its first job, so that one job does not make two threads.
      ++self->idle;
    } catch (const std::system_error&) {
      // The host gives no more threads. Those that exist take the work; without any, nobody would.
      if (self->workers == 0) self->GiveUpQueued(Miss::kNotStarted, misses);
      return;
    }
  }
}

void HookRunner::Shared::Work(const std::shared_ptr<Shared>& self) {
  std::unique_lock lock(self->mu);
  for (;;) {  // idle here
    self->work_came.wait(lock, [&] { return self->closed || !self->queue.empty(); });
    --self->idle;
    if (self->queue.empty()) break;
    JobPtr job = std::move(self->queue.front());
    self->queue.pop_front();
    job->running = true;
    lock.unlock();

    Delivery delivery = std::move(job->task.work)();

    lock.lock();
    if (job->answered) {
      // Written off while it hung. Welcome back, if its place was not taken. What the call owns is
      // let go without the lock: it may belong to anybody.
      lock.unlock();
      delivery = nullptr;
      job.reset();
      lock.lock();
      --self->hung;
      if (self->closed || self->workers >= self->limits.concurrent_max) {
        self->worker_left.notify_all();
        return;
      }
      ++self->workers;
    } else {
      job->answered = true;
      self->Forget(job);
      lock.unlock();
      std::move(delivery)();
      delivery = nullptr;
      job.reset();
      lock.lock();
    }
    ++self->idle;
  }
  --self->workers;
  self->worker_left.notify_all();
}

void HookRunner::Shared::Watch(const std::shared_ptr<Shared>& self) {
  std::unique_lock lock(mu);
  while (!watch_stopped) {
    if (deadlines.empty()) {
      deadline_came.wait(lock);
      continue;
    }
    const auto next = deadlines.begin()->first;
    if (Clock::now() < next) {
      deadline_came.wait_until(lock, next);
      continue;
    }
    Misses misses;
    JobPtr job = std::move(deadlines.begin()->second);
    deadlines.erase(deadlines.begin());
    const Miss miss = job->running ? Miss::kLate : Miss::kNotStarted;
    GiveUp(std::move(job), miss, misses);
    if (hung >= limits.hung_max) GiveUpQueued(Miss::kHung, misses);
    if (!closed) AddWorkers(self, misses);
    worker_left.notify_all();
    lock.unlock();
    Tell(std::move(misses));
    lock.lock();
  }
}

HookRunner::HookRunner(HookLimits limits) : shared_(std::make_shared<Shared>(limits)) {}

HookRunner::~HookRunner() {
  Misses misses;
  std::unique_lock lock(shared_->mu);
  shared_->closed = true;
  shared_->GiveUpQueued(Miss::kClosing, misses);
  shared_->work_came.notify_all();
  shared_->worker_left.wait_for(lock, shared_->limits.close_grace,
                                [&] { return shared_->workers == 0; });
  while (!shared_->deadlines.empty()) {
    JobPtr job = std::move(shared_->deadlines.begin()->second);
    shared_->deadlines.erase(shared_->deadlines.begin());
    shared_->GiveUp(std::move(job), Miss::kLate, misses);
  }
  shared_->watch_stopped = true;
  shared_->deadline_came.notify_all();
  lock.unlock();
  Tell(std::move(misses));
  if (shared_->watch.joinable()) shared_->watch.join();
}

void HookRunner::Submit(Task task) {
  auto job = std::make_shared<Job>();
  job->task = std::move(task);
  Misses misses;
  {
    const std::lock_guard lock(shared_->mu);
    Shared& s = *shared_;
    if (s.hung >= s.limits.hung_max) {
      misses.emplace_back(job, Miss::kHung);
    } else if (s.queue.size() >= s.limits.queued_max) {
      misses.emplace_back(job, Miss::kNotStarted);
    } else {
      try {
        if (!s.watch.joinable()) s.watch = std::thread([self = shared_] { self->Watch(self); });
        s.queue.push_back(job);
        s.deadlines.emplace(job->task.deadline, job);
        Shared::AddWorkers(shared_, misses);
        s.work_came.notify_one();
        s.deadline_came.notify_one();
      } catch (const std::system_error&) {
        misses.emplace_back(job, Miss::kNotStarted);  // no thread for the watch
      }
    }
  }
  Tell(std::move(misses));
}

}  // namespace holdfast::extensions
