// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/loading.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>

namespace holdfast::engine {
namespace {

using std::chrono::milliseconds;

// Each borrows a connection of the journal's reader, which keeps four between
// calls.
constexpr std::size_t kThreads = 4;
// Rows that wait for a thread: bounds the snapshots in memory.
constexpr std::size_t kWaitingMax = 64;
// A read that failed for a passing reason is tried again this often; the pauses
// double, so that all of them together are less than a second.
constexpr int kTriesMore = 3;
constexpr milliseconds kFirstPause{100};

// A sandbox to load; without a row it is looked up.
struct Job {
  model::SandboxId id;
  std::optional<journal::SandboxRow> row;
  std::optional<journal::Snapshot> snapshot;
};

// A few threads at a bounded queue.
class Crew {
 public:
  explicit Crew(std::function<void(Job)> work) : work_(std::move(work)) {
    for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Work(); });
  }
  // Returns when all is done that was put.
  ~Crew() {
    {
      std::lock_guard lock(mu_);
      closed_ = true;
    }
    more_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Waits while the queue is full.
  void Put(Job job) {
    std::unique_lock lock(mu_);
    room_.wait(lock, [this] { return jobs_.size() < kWaitingMax; });
    jobs_.push_back(std::move(job));
    more_.notify_one();
  }

 private:
  void Work() {
    std::unique_lock lock(mu_);
    for (;;) {
      more_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      room_.notify_one();
      lock.unlock();
      work_(std::move(job));
      lock.lock();
    }
  }

  const std::function<void(Job)> work_;
  std::mutex mu_;
  std::condition_variable more_, room_;
  std::deque<Job> jobs_;  // guarded by mu_
  bool closed_ = false;   // guarded by mu_; nothing is put any more
  std::vector<std::thread> threads_;
};

}  // namespace

void LoadLive(journal::Reader& reader, const std::vector<model::SandboxId>& ids,
              const AdoptLoaded& adopt) {
  std::mutex mu;
  std::vector<model::SandboxId> again;  // guarded by mu
  int tries_left = kTriesMore;          // changed only while no crew is at work
  const auto load = [&](const Job& job) {
    auto loaded = job.row ? LoadSandbox(reader, *job.row, job.snapshot ? &*job.snapshot : nullptr)
                          : LoadSandbox(reader, job.id);
    if (absl::IsUnavailable(loaded.status()) && tries_left > 0) {
      std::lock_guard lock(mu);
      again.push_back(job.id);
    } else {
      adopt(job.id, std::move(loaded));
    }
  };

  std::unordered_set<std::string> unseen;
  for (const model::SandboxId& id : ids) unseen.insert(id.value);
  {
    Crew crew(load);
    const absl::Status read = reader.ReadLive([&](const journal::SandboxRow& row,
                                                  const journal::Snapshot* snapshot) {
      // One that is not asked for was made since.
      if (unseen.erase(row.sandbox_id) != 0) {
        crew.Put(
            {{row.sandbox_id}, row, snapshot == nullptr ? std::nullopt : std::optional(*snapshot)});
      }
      return journal::Visit::kContinue;
    });
    // Cut short, it leaves some unseen.
    read.IgnoreError();
  }
  // Each of them is looked up, so that what is wrong with one row costs that
  // one.
  for (const std::string& id : unseen) again.push_back({id});

  for (milliseconds pause = kFirstPause; !again.empty(); pause *= 2) {
    std::this_thread::sleep_for(pause);
    --tries_left;
    const std::vector<model::SandboxId> now = std::exchange(again, {});
    Crew crew(load);
    for (const model::SandboxId& id : now) crew.Put({id, std::nullopt, std::nullopt});
  }
}

}  // namespace holdfast::engine
