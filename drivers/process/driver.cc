// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/driver.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "drivers/process/context.h"
#include "drivers/process/directory_steps.h"
#include "drivers/process/look.h"
#include "drivers/process/start.h"
#include "drivers/process/stop.h"
#include "drivers/process/validate.h"
#include "drivers/process/watch.h"
#include "fmt/format.h"
#include "statemachine/model/action.h"
#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

constexpr char kSupervisorName[] = "holdfast-process-supervisor";
constexpr char kVersion[] = HOLDFAST_VERSION;
constexpr std::size_t kJournalIdBytesMax = 128;
constexpr std::size_t kKeyBytesMax = 512;
// Of callers that set no deadline.
constexpr std::chrono::seconds kDeadlineDefault{60};
// A probe waits this long at most for a supervisor to say who it is.
constexpr std::chrono::seconds kProbePatience{5};

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

absl::StatusOr<std::string> FindSupervisor(const std::string& configured) {
  std::vector<std::string> candidates = {configured};
  if (configured.empty()) {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    candidates = {self.parent_path() / kSupervisorName,
                  self.parent_path().parent_path() / "libexec/holdfast" / kSupervisorName};
  }
  for (const std::string& candidate : candidates) {
    if (candidate.starts_with('/') && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absl::FailedPreconditionError(
      fmt::format("the process driver's supervisor is not at {}; install it beside the gateway or "
                  "set its absolute path",
                  candidates.front()));
}

class ProcessDriver : public Driver {
 public:
  ProcessDriver(std::string name, Store store, std::string supervisor, IsolationFound isolation,
                std::vector<std::string> hidden)
      : context_(std::move(store)), watcher_(context_) {
    capabilities_.name = std::move(name);
    capabilities_.version = kVersion;
    capabilities_.features = {isolation.bubblewrap ? "isolation.bubblewrap"
                                                   : "isolation.process-group"};
    capabilities_.resource_families = {"directory", "process"};
    capabilities_.secret_steps = {std::string(model::action::kProvision)};
    capabilities_.facts = {
        {"isolation",
         fmt::format("{}: {}", isolation.bubblewrap ? kBackendBubblewrap : kBackendProcessGroup,
                     isolation.why)},
        {"state_dir", context_.store.state_dir()},
        {"supervisor", supervisor}};
    context_.supervisor = std::move(supervisor);
    context_.isolation = std::move(isolation);
    context_.hidden = std::move(hidden);
    context_.watcher = &watcher_;
    thread_ = std::thread([this] { context_.io.run(); });
  }

  // What waits answers Unknown when its queue is destroyed; what works on files is let finish.
  ~ProcessDriver() override {
    context_.io.stop();
    thread_.join();
    context_.files.join();
  }

  const Capabilities& capabilities() const override { return capabilities_; }

  absl::Status Validate(const model::SandboxSpec& spec) override { return ValidateSpec(spec); }

  absl::StatusOr<model::LaunchPlan> MakePlan(const Owner& owner,
                                             const model::SandboxSpec& spec) override {
    return PlanLaunch(owner, spec);
  }

  absl::StatusOr<model::LaunchPlan> ResolvePlan(const Owner& owner,
                                                const model::SandboxSpec& /*spec*/,
                                                model::LaunchPlan plan) override {
    return ResolveLaunch(owner, std::move(plan), context_.isolation.bubblewrap);
  }

  void Perform(StepRequest request, OutcomeCallback done) override {
    Answer answer(std::move(done));
    if (!model::IsValidSandboxId(request.owner.sandbox.value)) {
      return answer(Refused("InvalidSandboxId", "the sandbox id is not a safe name"));
    }
    if (request.key.empty() || request.key.size() > kKeyBytesMax || !IsPrintable(request.key)) {
      return answer(Refused("InvalidKey", "the idempotency key is not printable ASCII"));
    }
    if (request.deadline == Clock::time_point()) {
      request.deadline = Clock::now() + kDeadlineDefault + request.grace;
    }
    if (request.action == model::action::kProvision) {
      boost::asio::post(context_.files,
                        [this, request = std::move(request), answer = std::move(answer)]() mutable {
                          answer(ProvisionSandbox(context_, request));
                        });
      return;
    }
    boost::asio::post(context_.io,
                      [this, request = std::move(request), answer = std::move(answer)]() mutable {
                        Dispatch(std::move(request), std::move(answer));
                      });
  }

  void Probe(ProbeRequest request, OutcomeCallback done) override {
    Answer answer(std::move(done));
    if (!model::IsValidSandboxId(request.owner.sandbox.value)) {
      return answer(CannotTell(absl::InvalidArgumentError("the sandbox id is not a safe name")));
    }
    auto until = Clock::now() + kProbePatience;
    if (request.deadline != Clock::time_point()) until = std::min(until, request.deadline);
    boost::asio::post(context_.io, [this, request = std::move(request), until,
                                    answer = std::move(answer)]() mutable {
      ProbeUntil(std::move(request), until, std::move(answer));
    });
  }

  void ListOwned(OwnedCallback done) override {
    boost::asio::post(context_.files, [this, done = std::move(done)]() mutable {
      std::move(done)(ListEverything(context_));
    });
  }

  void Watch(ExitObserver observer) override {
    boost::asio::post(context_.io, [this, observer = std::move(observer)]() mutable {
      watcher_.Begin(std::move(observer));
    });
  }

 private:
  void Dispatch(StepRequest request, Answer answer) {
    if (request.action == model::action::kStart) {
      StartSandbox(context_, std::move(request), std::move(answer));
    } else if (request.action == model::action::kStop) {
      HF_FAILPOINT(kProcessBeforeStop);
      StopSandbox(context_,
                  {.owner = request.owner,
                   .epoch = request.epoch,
                   .grace = request.grace,
                   .deadline = request.deadline,
                   .cancelled = request.cancelled},
                  [answer = std::move(answer)](absl::Status stopped) mutable {
                    HF_FAILPOINT(kProcessAfterStop);
                    answer(stopped.ok() ? model::Outcome::Done() : OutcomeOf(stopped));
                  });
    } else if (request.action == model::action::kDestroy) {
      DestroySandbox(context_, std::move(request), std::move(answer));
    } else {
      answer(Refused("UnknownStep",
                     fmt::format("\"{}\" is no step of the process driver", request.action)));
    }
  }

  void ProbeUntil(ProbeRequest request, Clock::time_point until, Answer answer) {
    std::optional<model::Outcome> outcome = ProbeOnce(context_, request);
    if (!outcome && Clock::now() >= until) {
      outcome = CannotTell(absl::UnavailableError("the supervisor does not say who it is"));
    }
    if (outcome) {
      const bool runs =
          outcome->verdict == model::Verdict::kPresent && request.action == model::action::kStart;
      answer(*std::move(outcome));
      if (runs) watcher_.Consider(request.owner);
      return;
    }
    auto timer = std::make_shared<boost::asio::steady_timer>(context_.io, kLookAgain);
    timer->async_wait([this, timer, until, request = std::move(request),
                       answer = std::move(answer)](const boost::system::error_code& error) mutable {
      if (!error) ProbeUntil(std::move(request), until, std::move(answer));
    });
  }

  Capabilities capabilities_;  // constant after construction
  Context context_;
  Watcher watcher_;  // its descriptors go before context_.io
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      context_.io.get_executor()};
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Driver>> MakeProcessDriver(ProcessOptions options) {
  if (options.name.empty()) return absl::InvalidArgumentError("the driver's name is empty");
  if (!options.state_dir.starts_with('/')) {
    return absl::InvalidArgumentError("state_dir must be an absolute path");
  }
  if (options.journal_id.size() > kJournalIdBytesMax || !IsPrintable(options.journal_id) ||
      options.journal_id.find('@') != std::string::npos) {
    return absl::InvalidArgumentError(
        "journal_id must be at most 128 printable ASCII characters without '@'");
  }
  HF_ASSIGN_OR_RETURN(std::string supervisor, FindSupervisor(options.supervisor));
  HF_ASSIGN_OR_RETURN(IsolationFound isolation, FindIsolation(options.isolation));
  HF_ASSIGN_OR_RETURN(std::string boot_id, ReadBootId());
  HF_RETURN_IF_ERROR(EnsurePrivateDirectory(options.state_dir));
  // The real path is part of the marks: the same directory by another name is the same directory.
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(options.state_dir, error);
  if (error)
    return absl::UnavailableError(fmt::format("{}: {}", options.state_dir, error.message()));
  // A mount needs the directory itself, not a link to it.
  std::vector<std::string> hidden;
  for (const std::string& directory : options.hide) {
    const std::filesystem::path found = std::filesystem::canonical(directory, error);
    if (error) {
      return absl::UnavailableError(fmt::format("{}: {}", directory, error.message()));
    }
    if (found != "/") hidden.push_back(found.string());
  }
  HF_ASSIGN_OR_RETURN(
      Store store, Store::Open(real.string(), std::move(options.journal_id), std::move(boot_id)));
  return std::make_unique<ProcessDriver>(std::move(options.name), std::move(store),
                                         std::move(supervisor), std::move(isolation),
                                         std::move(hidden));
}

}  // namespace holdfast::drivers::process
