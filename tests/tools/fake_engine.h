// SPDX-License-Identifier: Apache-2.0
//
// An engine for tests of what is in front of it: it records commands, answers as it is told, and
// holds whatever sandboxes the test puts into it. Its journal is a real, empty one.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "statemachine/engine/engine.h"

namespace holdfast::testing {

class FakeEngine final : public engine::Engine {
 public:
  explicit FakeEngine(journal::Journal& journal) : journal_(journal) {}

  struct Received {
    model::Command command;
    bool wait = false;
    engine::SubmitCallback done;
  };

  // How the next commands are answered; unset: they are kept and wait for TakePending.
  void AnswerWith(absl::StatusOr<engine::Submitted> answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  void Put(engine::Update update) {
    std::lock_guard lock(mutex_);
    sandboxes_[update.sandbox.id.value] = update;
    for (auto& [number, observer] : observers_) observer(update);
  }
  void SetListStatus(absl::Status status) {
    std::lock_guard lock(mutex_);
    list_status_ = std::move(status);
  }
  void SetValidateStatus(absl::Status status) {
    std::lock_guard lock(mutex_);
    validate_status_ = std::move(status);
  }
  std::vector<std::pair<model::Command, bool>> commands() {
    std::lock_guard lock(mutex_);
    return commands_;
  }
  // Blocks until a command waits for its answer.
  Received TakePending() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !pending_.empty(); });
    Received received = std::move(pending_.front());
    pending_.erase(pending_.begin());
    return received;
  }
  std::size_t observers() {
    std::lock_guard lock(mutex_);
    return observers_.size();
  }
  void WaitForObservers(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return observers_.size() == count; });
  }

  void Drain() override {}
  void Submit(model::Command command, bool wait, engine::SubmitCallback done) override {
    std::unique_lock lock(mutex_);
    commands_.emplace_back(command, wait);
    if (!answer_) {
      pending_.push_back({std::move(command), wait, std::move(done)});
      arrived_.notify_all();
      return;
    }
    auto answer = *answer_;
    lock.unlock();
    std::move(done)(std::move(answer));
  }
  absl::StatusOr<engine::Submitted> SubmitAndWait(model::Command, bool) override {
    return absl::UnimplementedError("not used by the gateway");
  }
  absl::Status ValidateCreate(const model::SandboxId&, const model::SandboxSpec&) override {
    std::lock_guard lock(mutex_);
    return validate_status_;
  }
  absl::StatusOr<engine::Update> Get(const model::SandboxId& id) override {
    std::lock_guard lock(mutex_);
    auto found = sandboxes_.find(id.value);
    if (found == sandboxes_.end()) return absl::NotFoundError("no such sandbox");
    return found->second;
  }
  absl::StatusOr<std::vector<engine::Update>> ListLive() override {
    std::lock_guard lock(mutex_);
    if (!list_status_.ok()) return list_status_;
    std::vector<engine::Update> live;
    for (const auto& [id, update] : sandboxes_) {
      if (update.sandbox.live()) live.push_back(update);
    }
    return live;
  }
  std::uint64_t Observe(engine::UpdateObserver observer) override {
    std::lock_guard lock(mutex_);
    for (const auto& [id, update] : sandboxes_) {
      if (update.sandbox.live()) observer(update);
    }
    observers_.emplace(++last_observer_, std::move(observer));
    arrived_.notify_all();
    return last_observer_;
  }
  void Unobserve(std::uint64_t observer) override {
    std::lock_guard lock(mutex_);
    observers_.erase(observer);
    arrived_.notify_all();
  }
  bool recovering() const override { return false; }
  bool WaitRecovered(std::chrono::milliseconds) override { return true; }
  engine::StartupReport startup_report() const override {
    engine::StartupReport report;
    report.restored = report.total = 3;
    return report;
  }
  bool WaitIdleForTest(std::chrono::milliseconds) override { return true; }
  journal::Journal& journal() override { return journal_; }
  std::vector<drivers::Capabilities> drivers() const override {
    drivers::Capabilities capabilities;
    capabilities.name = "process";
    capabilities.default_image = "img";
    return {capabilities};
  }
  std::vector<const extensions::Descriptor*> extensions() const override { return {}; }

 private:
  journal::Journal& journal_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<absl::StatusOr<engine::Submitted>> answer_;
  std::map<std::string, engine::Update> sandboxes_;
  std::vector<std::pair<model::Command, bool>> commands_;
  std::vector<Received> pending_;
  absl::Status list_status_;
  absl::Status validate_status_;
  std::map<std::uint64_t, engine::UpdateObserver> observers_;
  std::uint64_t last_observer_ = 0;
};

}  // namespace holdfast::testing
