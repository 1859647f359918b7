// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "statemachine/engine/history.h"
#include "statemachine/engine/lanes.h"
#include "statemachine/engine/participants.h"
#include "statemachine/engine/recovery.h"
#include "support/status_macros.h"

namespace holdfast::engine {
namespace {

using std::chrono::milliseconds;

model::UnixMillis SystemNow() {
  return {
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
}

class EngineImpl final : public Engine {
 public:
  EngineImpl(journal::Journal& journal, std::unique_ptr<Participants> participants, Options options)
      : journal_(journal),
        options_(std::move(options)),
        participants_(std::move(participants)),
        lanes_(std::make_shared<Lanes>(journal_, *participants_, options_)) {}

  ~EngineImpl() override {
    Drain();
    if (recovery_.joinable()) recovery_.join();
    lanes_->Drain();  // what recovery released meanwhile
    lanes_->Join();
    participants_->Forget();  // drivers first: no callback is under way after this
    // A timer may hold the lanes for a moment; they must not end on its thread.
    while (lanes_.use_count() > 1) std::this_thread::sleep_for(milliseconds(1));
  }

  absl::Status Begin() {
    HF_ASSIGN_OR_RETURN(std::vector<model::SandboxId> live, HoldBackLive(journal_, *lanes_));
    for (drivers::Driver* driver : participants_->drivers()) {
      driver->Watch([weak = std::weak_ptr<Lanes>(lanes_)](const drivers::WorkloadExit& exit) {
        if (auto lanes = weak.lock()) lanes->Post(exit.owner.sandbox, ExitInput{exit});
      });
    }
    recovery_ = std::thread([this, live = std::move(live)]() mutable {
      StartupReport report =
          Recover(journal_, *participants_, *lanes_, options_, std::move(live), [this] {
            std::lock_guard lock(mu_);
            loaded_ = true;
          });
      std::lock_guard lock(mu_);
      report_ = std::move(report);
      recovered_ = true;
      changed_.notify_all();
    });
    return absl::OkStatus();
  }

  void Drain() override { lanes_->Drain(); }

  void Submit(model::Command command, bool wait, SubmitCallback done) override {
    if (!model::IsValidSandboxId(command.sandbox.value)) {
      std::move(done)(absl::InvalidArgumentError(
          "a sandbox id is 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-'"));
      return;
    }
    if (lanes_->commands_waiting() >= options_.inputs_max) {
      std::move(done)(absl::ResourceExhaustedError(
          fmt::format("{} commands are waiting already; try again later", options_.inputs_max)));
      return;
    }
    const model::SandboxId id = command.sandbox;
    lanes_->Post(id, CommandInput{std::move(command), wait, false, std::move(done)});
  }

  absl::StatusOr<Submitted> SubmitAndWait(model::Command command, bool wait) override {
    std::promise<absl::StatusOr<Submitted>> promise;
    auto answer = promise.get_future();
    Submit(std::move(command), wait, [&promise](absl::StatusOr<Submitted> submitted) {
      promise.set_value(std::move(submitted));
    });
    return answer.get();
  }

  absl::Status ValidateCreate(const model::SandboxId& id, const model::SandboxSpec& spec) override {
    if (!model::IsValidSandboxId(id.value)) {
      return absl::InvalidArgumentError(
          "a sandbox id is 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-'");
    }
    model::SandboxSpec copy = spec;
    return participants_->Validate(id, copy).status();
  }

  absl::StatusOr<Update> Get(const model::SandboxId& id) override {
    if (auto found = lanes_->Find(id)) return Update{std::move(found->sandbox), found->quarantine};
    auto loaded = LoadSandbox(journal_.reader(), id);
    if (absl::IsDataLoss(loaded.status())) {
      Update update;
      update.sandbox.id = id;
      update.quarantine = std::string(loaded.status().message());
      return update;
    }
    HF_RETURN_IF_ERROR(loaded.status());
    if (!loaded->sandbox.exists()) {
      return absl::NotFoundError(fmt::format("there is no sandbox '{}'", id.value));
    }
    return Update{std::move(loaded->sandbox), ""};
  }

  absl::StatusOr<std::vector<Update>> ListLive() override {
    {
      std::lock_guard lock(mu_);
      if (!loaded_)
        return absl::UnavailableError("the gateway is still loading; try again shortly");
    }
    std::vector<Update> all;
    for (Lanes::Snapshot& one : lanes_->All()) {
      all.push_back(Update{std::move(one.sandbox), std::move(one.quarantine)});
    }
    return all;
  }

  std::uint64_t Observe(UpdateObserver observer) override {
    return lanes_->Observe(std::move(observer));
  }
  void Unobserve(std::uint64_t observer) override { lanes_->Unobserve(observer); }

  bool recovering() const override {
    std::lock_guard lock(mu_);
    return !recovered_;
  }
  bool WaitRecovered(milliseconds timeout) override {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, timeout, [this] { return recovered_; });
  }
  StartupReport startup_report() const override {
    std::lock_guard lock(mu_);
    return report_;
  }

  bool WaitIdleForTest(milliseconds timeout) override {
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (!(WaitRecovered(milliseconds(1)) && lanes_->Idle())) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return true;
  }

  journal::Journal& journal() override { return journal_; }
  std::vector<drivers::Capabilities> drivers() const override {
    std::vector<drivers::Capabilities> all;
    for (const drivers::Driver* driver : participants_->drivers()) {
      all.push_back(driver->capabilities());
    }
    return all;
  }
  std::vector<const extensions::Descriptor*> extensions() const override {
    return participants_->chain().descriptors();
  }

 private:
  journal::Journal& journal_;
  const Options options_;
  std::unique_ptr<Participants> participants_;
  std::shared_ptr<Lanes> lanes_;
  std::thread recovery_;

  mutable std::mutex mu_;
  std::condition_variable changed_;
  bool loaded_ = false;     // guarded by mu_
  bool recovered_ = false;  // guarded by mu_
  StartupReport report_;    // guarded by mu_
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Start(
    journal::Journal& journal, extensions::ExtensionChain& chain,
    std::vector<std::unique_ptr<drivers::Driver>> drivers, Options options) {
  if (!options.now) options.now = SystemNow;
  HF_ASSIGN_OR_RETURN(auto participants, Participants::Make(chain, std::move(drivers)));
  auto engine = std::make_unique<EngineImpl>(journal, std::move(participants), std::move(options));
  HF_RETURN_IF_ERROR(engine->Begin());
  return engine;
}

}  // namespace holdfast::engine
