// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/watch.h"

#include <utility>

#include "boost/asio/steady_timer.hpp"
#include "drivers/process/launch_format.h"
#include "drivers/process/records.h"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

// After an error while looking (descriptors used up, a disk that does not answer).
constexpr std::chrono::seconds kRetry{1};
// A shell's way to say "by a signal".
constexpr std::int32_t kSignalBase = 128;
// A shell's way to say "could not be executed".
constexpr std::int32_t kNotExecutable = 127;

void Describe(const Run& run, WorkloadExit& exit) {
  if (run.phase == RunPhase::kRebooted) {
    exit.reason = "HostRebooted";
    exit.message = "the host was started anew, and the workload did not survive it";
  } else if (run.phase == RunPhase::kLost || !run.exit) {
    exit.reason = "Lost";
    exit.message = "the workload's supervisor was killed, and the workload with it";
  } else if (!run.exit->ran) {
    exit.reason = "Exited";
    exit.exit_code = kNotExecutable;
    exit.message = run.exit->error;
  } else if (run.exit->signal) {
    exit.reason = "Killed";
    exit.exit_code = kSignalBase + *run.exit->signal;
    exit.message = fmt::format("the workload was killed by signal {}", *run.exit->signal);
  } else {
    exit.reason = "Exited";
    exit.exit_code = run.exit->exit_code;
    exit.message = fmt::format("the workload ended with exit code {}", exit.exit_code.value_or(0));
  }
}

}  // namespace

void Watcher::Begin(ExitObserver observer) {
  observer_ = std::move(observer);
  ConsiderAll();
}

void Watcher::ConsiderAll() {
  const absl::StatusOr<std::vector<model::SandboxId>> ids = context_.store.ListSandboxes();
  if (ids.ok()) {
    for (const model::SandboxId& id : *ids) Discover(id);
    return;
  }
  // Nothing is reported short: try until the world can be seen.
  auto timer = std::make_shared<boost::asio::steady_timer>(context_.io, kRetry);
  timer->async_wait([this, timer](const boost::system::error_code& error) {
    if (!error) ConsiderAll();
  });
}

void Watcher::Discover(const model::SandboxId& id) {
  const absl::StatusOr<std::optional<SandboxDirectory>> found = context_.store.Find(id);
  if (found.ok()) {
    if (!*found || !(*found)->owner) return;
    const Owner owner = *(*found)->owner;
    if (context_.store.IsOurs(**found, owner)) LookOrRetry(owner, false);
    return;
  }
  auto timer = std::make_shared<boost::asio::steady_timer>(context_.io, kRetry);
  timer->async_wait([this, id, timer](const boost::system::error_code& error) {
    if (!error) Discover(id);
  });
}

void Watcher::Consider(const Owner& owner) {
  if (observer_) LookOrRetry(owner, true);
}

void Watcher::LookOrRetry(const Owner& owner, bool was_running) {
  if (!Look(owner, was_running).ok()) LookLater(owner, was_running, kRetry);
}

void Watcher::LookLater(const Owner& owner, bool was_running, Clock::duration delay) {
  auto timer = std::make_shared<boost::asio::steady_timer>(context_.io, delay);
  timer->async_wait([this, owner, was_running, timer](const boost::system::error_code& error) {
    if (!error) LookOrRetry(owner, was_running);
  });
}

absl::Status Watcher::Look(const Owner& owner, bool was_running) {
  HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> directory,
                      context_.store.Find(owner.sandbox));
  if (!directory || !context_.store.IsOurs(*directory, owner)) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(const Run run, context_.store.LookAtRun(*directory));
  switch (run.phase) {
    case RunPhase::kRunning:
      return Attach(owner, run.supervisor.identity);
    case RunPhase::kLaunching:
      LookLater(owner, was_running, kLookAgain);
      return absl::OkStatus();
    case RunPhase::kNone:
      if (!was_running || !run.exit) return absl::OkStatus();
      break;
    case RunPhase::kEnded:
    case RunPhase::kLost:
    case RunPhase::kRebooted:
      break;
  }
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> stop,
                      ReadFileAt(directory->fd.get(), kStopFile));
  if (stop) {
    HF_ASSIGN_OR_RETURN(const std::string key, ParseStop(*stop));
    if (key == run.supervisor.key) return absl::OkStatus();  // as asked: no news
  }
  Report(owner, run);
  return absl::OkStatus();
}

absl::Status Watcher::Attach(const Owner& owner, const ProcessIdentity& identity) {
  const auto known = watched_.find(owner);
  if (known != watched_.end() && known->second.identity == identity) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(std::optional<Fd> pidfd, OpenProcess(identity, context_.store.boot_id()));
  if (!pidfd) {
    LookLater(owner, true, kLookAgain);  // it ended between the two looks
    return absl::OkStatus();
  }
  auto descriptor = std::make_shared<boost::asio::posix::stream_descriptor>(context_.io);
  boost::system::error_code error;
  descriptor->assign(pidfd->get(), error);
  if (error) return absl::UnavailableError(error.message());
  pidfd->release();
  watched_[owner] = {identity, descriptor};
  descriptor->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this, owner, identity](const boost::system::error_code& failed) {
                           if (failed) return;
                           const auto found = watched_.find(owner);
                           if (found != watched_.end() && found->second.identity == identity)
                             watched_.erase(found);
                           LookOrRetry(owner, true);
                         });
  return absl::OkStatus();
}

void Watcher::Report(const Owner& owner, const Run& run) {
  if (!observer_) return;
  WorkloadExit exit;
  exit.owner = owner;
  exit.resource = Store::ProcessResource(owner, run.supervisor.identity);
  Describe(run, exit);
  observer_(exit);
}

}  // namespace holdfast::drivers::process
