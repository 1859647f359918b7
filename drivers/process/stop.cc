// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/stop.h"

#include <signal.h>

#include <memory>
#include <optional>

#include "boost/asio/posix/stream_descriptor.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "drivers/process/fence.h"
#include "drivers/process/launch_format.h"
#include "drivers/process/records.h"
#include "drivers/process/sweep.h"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

// For the supervisor to kill its tree and to sync exit.json to a busy disk, before it is killed
// too.
constexpr std::chrono::seconds kKillPatience{5};

class Stop : public std::enable_shared_from_this<Stop> {
 public:
  Stop(Context& context, StopWish wish, StatusCallback done)
      : context_(context),
        wish_(std::move(wish)),
        done_(std::move(done)),
        supervisor_(context.io),
        step_(context.io),
        deadline_(context.io) {}

  void Begin() {
    deadline_.expires_at(wish_.deadline);
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->finished_) return;
      self->ForgetAsking();
      self->Finish(absl::DeadlineExceededError("the workload did not end before the deadline"));
    });
    // The callback runs wherever the stop is requested; it only leaves word.
    cancel_.emplace(wish_.cancelled, Cancel{context_, weak_from_this()});
    Look();
  }

 private:
  struct Cancel {
    Context& context;
    std::weak_ptr<Stop> stop;
    void operator()() const {
      boost::asio::post(context.io, [weak = stop] {
        if (const auto self = weak.lock()) self->OnCancelled();
      });
    }
  };

  void Finish(absl::Status status) {
    if (finished_) return;
    finished_ = true;
    boost::system::error_code ignored;
    supervisor_.close(ignored);
    step_.cancel();
    deadline_.cancel();
    std::move(done_)(std::move(status));
  }

  void OnCancelled() {
    // After the grace it is being killed anyway, and the answer is near.
    if (finished_ || !in_grace_) return;
    ForgetAsking();
    Finish(
        absl::CancelledError("the stop was called off; the workload was asked to end and may "
                             "still run"));
  }

  void After(Clock::duration delay, void (Stop::*next)()) {
    step_.expires_after(delay);
    step_.async_wait([self = shared_from_this(), next](const boost::system::error_code& error) {
      if (!error && !self->finished_) (self.get()->*next)();
    });
  }

  void Look() {
    const absl::Status looked = LookOnce();
    if (!looked.ok()) Finish(looked);
  }

  absl::Status LookOnce() {
    HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> directory,
                        context_.store.Find(wish_.owner.sandbox));
    if (!directory || !context_.store.IsOurs(*directory, wish_.owner)) {
      Sweep();
      return absl::OkStatus();
    }
    HF_ASSIGN_OR_RETURN(const bool supervised, IsSupervised(directory->fd.get()));
    const absl::StatusOr<Run> run = context_.store.LookAtRun(*directory);
    if (!supervised) {
      // What ended by itself took its tree along; only a killed supervisor leaves something.
      if (run.ok() && (run->phase == RunPhase::kNone || run->phase == RunPhase::kEnded ||
                       run->phase == RunPhase::kRebooted)) {
        Finish(absl::OkStatus());
      } else if (run.ok() && run->phase != RunPhase::kLost) {
        After(kLookAgain, &Stop::Look);  // started between the two looks
      } else {
        Sweep();
      }
      return absl::OkStatus();
    }
    HF_RETURN_IF_ERROR(run.status());
    if (run->phase == RunPhase::kRunning) return Engage(*directory, run->supervisor);
    After(kLookAgain, &Stop::Look);  // it has not said yet who it is, or is just going
    return absl::OkStatus();
  }

  absl::Status Engage(const SandboxDirectory& directory, const SupervisorRecord& record) {
    HF_ASSIGN_OR_RETURN(std::optional<Fd> pidfd,
                        OpenProcess(record.identity, context_.store.boot_id()));
    if (!pidfd) {
      After(kLookAgain, &Stop::Look);
      return absl::OkStatus();
    }
    {
      HF_ASSIGN_OR_RETURN(const Fd epoch, EnterEpoch(context_.store.state_dir(), wish_.epoch));
      // First the word that this end is wanted, then the end: a crash between them reports nothing
      // that did not happen.
      HF_RETURN_IF_ERROR(WriteFileAt(directory.fd.get(), kStopFile, FormatStop(record.key)));
      in_grace_ = wish_.grace.count() > 0;
      HF_RETURN_IF_ERROR(SignalProcess(pidfd->get(), in_grace_ ? SIGTERM : SIGUSR1));
    }
    boost::system::error_code error;
    supervisor_.assign(pidfd->get(), error);
    if (error) return absl::UnavailableError(fmt::format("wait for it: {}", error.message()));
    pidfd->release();
    supervisor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& failed) {
                             if (failed || self->finished_) return;
                             self->in_grace_ = false;
                             self->step_.cancel();
                             boost::system::error_code ignored;
                             self->supervisor_.close(ignored);
                             self->Look();  // gone; what is left of it is another question
                           });
    if (in_grace_) {
      After(wish_.grace, &Stop::Kill);
    } else {
      After(kKillPatience, &Stop::KillSupervisor);
    }
    // Asked before we listened.
    if (in_grace_ && wish_.cancelled.stop_requested()) OnCancelled();
    return absl::OkStatus();
  }

  void Kill() {
    if (!supervisor_.is_open()) return;  // gone in the very moment in which the grace ended
    in_grace_ = false;
    SignalSupervisor(SIGUSR1);
    if (!finished_) After(kKillPatience, &Stop::KillSupervisor);
  }

  void KillSupervisor() {
    if (supervisor_.is_open()) SignalSupervisor(SIGKILL);
  }

  void SignalSupervisor(int signal) {
    if (const absl::Status sent = SignalProcess(supervisor_.native_handle(), signal); !sent.ok()) {
      Finish(sent);
    }
  }

  void Sweep() {
    SweepLeftovers(
        context_, wish_.owner, wish_.deadline,
        [self = shared_from_this()](absl::Status status) { self->Finish(std::move(status)); });
  }

  // It goes on running: should it end later, that is news again.
  void ForgetAsking() {
    const absl::StatusOr<std::optional<SandboxDirectory>> directory =
        context_.store.Find(wish_.owner.sandbox);
    if (directory.ok() && *directory && context_.store.IsOurs(**directory, wish_.owner)) {
      UnlinkAt((*directory)->fd.get(), kStopFile).IgnoreError();  // costs one report, no truth
    }
  }

  Context& context_;
  const StopWish wish_;
  StatusCallback done_;
  boost::asio::posix::stream_descriptor supervisor_;
  boost::asio::steady_timer step_;
  boost::asio::steady_timer deadline_;
  bool in_grace_ = false;
  bool finished_ = false;
  std::optional<std::stop_callback<Cancel>> cancel_;
};

}  // namespace

void StopSandbox(Context& context, StopWish wish, StatusCallback done) {
  std::make_shared<Stop>(context, std::move(wish), std::move(done))->Begin();
}

}  // namespace holdfast::drivers::process
