// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/start.h"

#include <unistd.h>

#include <array>
#include <memory>
#include <optional>

#include "boost/asio/posix/stream_descriptor.hpp"
#include "boost/asio/steady_timer.hpp"
#include "drivers/process/fence.h"
#include "drivers/process/launch_format.h"
#include "drivers/process/spawn.h"
#include "drivers/process/sweep.h"
#include "drivers/process/validate.h"
#include "drivers/process/watch.h"
#include "fmt/format.h"
#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

// Longer than any sentence that the supervisor sends.
constexpr std::size_t kWordBytesMax = 4'096;

class Start : public std::enable_shared_from_this<Start> {
 public:
  Start(Context& context, StepRequest request, Answer answer)
      : context_(context),
        request_(std::move(request)),
        answer_(std::move(answer)),
        ready_(context.io),
        again_(context.io),
        deadline_(context.io) {}

  void Begin() {
    deadline_.expires_at(request_.deadline);
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->Finish(model::Outcome::Unknown(
          "DeadlineExceeded",
          "the supervisor did not say before the deadline that the workload "
          "runs"));
    });
    Look();
  }

 private:
  void Finish(model::Outcome outcome) {
    if (finished_) return;
    finished_ = true;
    boost::system::error_code ignored;
    ready_.close(ignored);
    again_.cancel();
    deadline_.cancel();
    const bool runs = outcome.verdict == model::Verdict::kDone;
    answer_(std::move(outcome));
    // After the answer, so that nobody hears of the end before the beginning.
    if (runs) context_.watcher->Consider(request_.owner);
  }

  void Adopt(const Run& run) {
    Finish(DoneWith(Store::ProcessResource(request_.owner, run.supervisor.identity)));
  }

  void LookAgain() {
    again_.expires_after(kLookAgain);
    again_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && !self->finished_) self->Look();
    });
  }

  void Look() {
    if (const absl::Status looked = LookOnce(); !looked.ok()) Finish(OutcomeOf(looked));
  }

  absl::Status LookOnce() {
    HF_ASSIGN_OR_RETURN(const Fd epoch, EnterEpoch(context_.store.state_dir(), request_.epoch));
    HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> directory,
                        context_.store.Find(request_.owner.sandbox));
    if (!directory) {
      Finish(Refused("NotProvisioned", "the sandbox's directory is not there; provision it first"));
      return absl::OkStatus();
    }
    if (!context_.store.IsOurs(*directory, request_.owner)) {
      Finish(Refused("Conflict", fmt::format("{} is another sandbox's; it was not touched",
                                             context_.store.PathOf(request_.owner))));
      return absl::OkStatus();
    }
    const int fd = directory->fd.get();
    HF_ASSIGN_OR_RETURN(const Run run, context_.store.LookAtRun(*directory));
    const bool same = run.supervisor.key == request_.key;
    switch (run.phase) {
      case RunPhase::kRunning:
        if (same) {
          Adopt(run);
        } else {
          Finish(Refused("Conflict", "an earlier start of this sandbox still runs; stop it first"));
        }
        return absl::OkStatus();
      case RunPhase::kEnded:
      case RunPhase::kLost:
      case RunPhase::kRebooted:
        // It took effect, and ended since: not run twice. The watcher tells how it ended.
        if (same) {
          Adopt(run);
          return absl::OkStatus();
        }
        break;
      case RunPhase::kLaunching:
        // Its lock may be free by now because it has run to its end since we looked.
        LookAgain();
        return absl::OkStatus();
      case RunPhase::kNone:
        break;
    }
    HF_ASSIGN_OR_RETURN(std::optional<Fd> lock, TryLockSupervisor(fd));
    if (!lock) {
      LookAgain();  // one is just coming or going
      return absl::OkStatus();
    }
    if (request_.cancelled.stop_requested()) {
      Finish(Refused("Cancelled", "the start was called off before anything was started"));
      return absl::OkStatus();
    }
    if (run.phase == RunPhase::kLost && !swept_) {
      SweepLeftovers(context_, request_.owner, request_.deadline,
                     [self = shared_from_this()](absl::Status status) {
                       self->swept_ = true;
                       if (!status.ok()) return self->Finish(OutcomeOf(status));
                       self->LookAgain();
                     });
      return absl::OkStatus();
    }
    return Spawn(fd, lock->get());
  }

  // REQUIRES: the epoch and the supervisor's lock are held, nothing of an earlier run lives.
  //
  // 1. Die before the spawn: the lock ends with us, nothing was started, a probe finds nothing.
  // 2. Die after it: the supervisor has the lock with the descriptor, and goes on; a second attempt
  //    finds the lock taken and waits for supervisor.json.
  absl::Status Spawn(int directory, int lock) {
    const absl::StatusOr<LaunchTexts> launch = Launch(directory);
    if (!launch.ok()) {
      Finish(Refused("PlanUnreadable", std::string(launch.status().message())));
      return absl::OkStatus();
    }
    for (const char* file : {kStopFile, kExitFile, kSupervisorFile}) {
      HF_RETURN_IF_ERROR(UnlinkAt(directory, file));
    }
    HF_RETURN_IF_ERROR(SyncDirectory(directory));
    HF_FAILPOINT(kProcessBeforeSpawn);
    absl::StatusOr<Fd> ready = SpawnSupervisor(context_.supervisor, *launch, directory, lock);
    HF_FAILPOINT(kProcessAfterSpawn);
    if (!ready.ok()) {
      model::Outcome outcome = Refused("CannotSpawn", std::string(ready.status().message()));
      outcome.retryable = true;
      Finish(std::move(outcome));
      return absl::OkStatus();
    }
    boost::system::error_code error;
    ready_.assign(ready->get(), error);
    if (error) return absl::UnavailableError(error.message());
    ready->release();
    WaitReady();
    return absl::OkStatus();
  }

  // The path of what provision made of the request's secrets; empty when there were none.
  absl::StatusOr<std::string> SecretsIn(int directory) const {
    HF_ASSIGN_OR_RETURN(const std::optional<Fd> found,
                        OpenDirectoryAt(directory, kSecretsDirectory));
    return found ? context_.store.SecretsPathOf(request_.owner) : std::string();
  }

  absl::StatusOr<LaunchTexts> Launch(int directory) const {
    HF_ASSIGN_OR_RETURN(const auto plan, ReadPlan(request_.plan));
    LaunchTexts launch;
    launch.sandbox = request_.owner.sandbox.value;
    launch.generation = std::to_string(request_.owner.generation.value);
    launch.key = request_.key;
    launch.owner = context_.store.MarkOf(request_.owner);
    launch.tty = plan.tty();
    launch.argv.assign(plan.argv().begin(), plan.argv().end());
    launch.executable = plan.executable();
    const std::string work = context_.store.WorkPathOf(request_.owner);
    std::map<std::string, std::string> env = request_.plan.env;
    env.try_emplace("PATH", kDefaultPath);
    env.try_emplace("HOME", work);
    if (launch.tty) env.try_emplace("TERM", "xterm-256color");
    // After all else: marks are ours, and what a stop looks for.
    HF_ASSIGN_OR_RETURN(const std::string secrets, SecretsIn(directory));
    std::map<std::string, std::string> marks = {{std::string(kEnvSandboxId), launch.sandbox},
                                                {std::string(kEnvSandboxKey), launch.key},
                                                {std::string(kEnvSandboxOwner), launch.owner}};
    if (!secrets.empty()) marks.emplace(kEnvSecrets, secrets);
    for (const auto& [name, value] : marks) env[name] = value;
    HF_RETURN_IF_ERROR(ValidateEnvironment(env, launch.argv));
    if (launch.argv.empty() || launch.executable.empty()) {
      return absl::DataLossError("the plan was never resolved: it names no executable");
    }
    if (plan.isolation() != holdfast::driver::process::v1::ProcessPlan::ISOLATION_BUBBLEWRAP) {
      launch.mode = kModeProcessGroup;
      launch.env = std::move(env);
      return launch;
    }
    if (!context_.isolation.bubblewrap) {
      return absl::FailedPreconditionError(
          fmt::format("the sandbox was planned for bubblewrap, but {}", context_.isolation.why));
    }
    // Bubblewrap itself runs outside: it gets none of the workload's environment (LD_PRELOAD).
    launch.mode = kModeBubblewrap;
    launch.bubblewrap_arguments =
        BubblewrapArguments(context_.hidden, context_.store.state_dir(), work, secrets, env);
    std::vector<std::string> argv = {context_.isolation.executable, "--args",
                                     std::to_string(kArgumentsFd), "--"};
    // It looks its command up itself; the path that was resolved is what must run.
    argv.push_back(launch.executable);
    argv.insert(argv.end(), launch.argv.begin() + 1, launch.argv.end());
    launch.argv = std::move(argv);
    launch.executable = context_.isolation.executable;
    launch.env = marks;
    return launch;
  }

  void WaitReady() {
    ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error && !self->finished_) self->OnReady();
                      });
  }

  void OnReady() {
    std::array<char, kWordBytesMax> word{};
    const ssize_t got = read(ready_.native_handle(), word.data(), word.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return WaitReady();
    if (got > 0 && word[0] == 'E') {
      Finish(Refused("CannotExecute",
                     std::string(word.data() + 1, static_cast<std::size_t>(got) - 1)));
    } else if (got > 0 && word[0] == 'R') {
      OnRunning();
    } else {
      Finish(model::Outcome::Unknown("SupervisorDied",
                                     "the supervisor died before it said whether the workload "
                                     "runs"));
    }
  }

  void OnRunning() {
    const absl::Status found = [this] {
      HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> directory,
                          context_.store.Find(request_.owner.sandbox));
      if (!directory) return absl::UnavailableError("the sandbox's directory is gone");
      HF_ASSIGN_OR_RETURN(const Run run, context_.store.LookAtRun(*directory));
      if (run.supervisor.key != request_.key) return absl::UnavailableError("it cannot be found");
      Adopt(run);
      return absl::OkStatus();
    }();
    if (!found.ok()) Finish(OutcomeOf(found));
  }

  Context& context_;
  const StepRequest request_;
  Answer answer_;
  boost::asio::posix::stream_descriptor ready_;
  boost::asio::steady_timer again_;
  boost::asio::steady_timer deadline_;
  bool swept_ = false;
  bool finished_ = false;
};

}  // namespace

void StartSandbox(Context& context, StepRequest request, Answer answer) {
  std::make_shared<Start>(context, std::move(request), std::move(answer))->Begin();
}

}  // namespace holdfast::drivers::process
