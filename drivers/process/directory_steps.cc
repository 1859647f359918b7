// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/directory_steps.h"

#include <memory>
#include <optional>

#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "drivers/process/fence.h"
#include "drivers/process/stop.h"
#include "fmt/format.h"
#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

model::Outcome Conflict(const Context& context, const Owner& owner) {
  return Refused("Conflict",
                 fmt::format("{} is there and is not provably of this sandbox's generation {}; it "
                             "was not touched. Find out whose it is and move it away",
                             context.store.PathOf(owner), owner.generation.value));
}

// Done or refused when that is clear already; nullopt when it is to be made.
absl::StatusOr<std::optional<model::Outcome>> AlreadyProvisioned(const Context& context,
                                                                 const Owner& owner) {
  HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found,
                      context.store.Find(owner.sandbox));
  if (found && context.store.IsOurs(*found, owner)) {
    return DoneWith(context.store.DirectoryResource(owner, context.store.PathOf(owner)));
  }
  if (found) return Conflict(context, owner);
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> tombstone,
                      context.store.FindTombstone(owner));
  if (tombstone) {
    return Refused("Conflict", "this generation of the sandbox is being destroyed");
  }
  return std::nullopt;
}

absl::StatusOr<model::Outcome> Provision(Context& context, const StepRequest& request) {
  HF_ASSIGN_OR_RETURN(const Fd epoch, EnterEpoch(context.store.state_dir(), request.epoch));
  HF_ASSIGN_OR_RETURN(std::optional<model::Outcome> already,
                      AlreadyProvisioned(context, request.owner));
  if (already) return *std::move(already);
  if (request.cancelled.stop_requested()) {
    return Refused("Cancelled", "the sandbox was called off before anything was made");
  }
  if (!Store::CanHold(request.secrets)) {
    return Refused("InvalidSecretName", "the name of a secret cannot be a file's name");
  }
  // It may have waited long for a thread. Past the deadline somebody has answered for it and
  // looked: a directory made now would be found by nobody.
  if (Clock::now() >= request.deadline) {
    model::Outcome late =
        Refused("DeadlineExceeded", "the deadline passed before anything was made");
    late.retryable = true;
    return late;
  }
  HF_FAILPOINT(kProcessBeforeProvision);
  const absl::Status made = context.store.Make(request.owner, request.key, request.secrets);
  HF_FAILPOINT(kProcessAfterProvision);
  // Also after an error: another attempt at the same time may have done it.
  HF_ASSIGN_OR_RETURN(already, AlreadyProvisioned(context, request.owner));
  if (already) return *std::move(already);
  model::Outcome outcome = model::Outcome::Failed("CannotProvision", std::string(made.message()));
  outcome.retryable = true;
  return outcome;
}

class Destroy : public std::enable_shared_from_this<Destroy> {
 public:
  Destroy(Context& context, StepRequest request, Answer answer)
      : context_(context),
        request_(std::move(request)),
        answer_(std::move(answer)),
        again_(context.io) {}

  void Begin() {
    HF_FAILPOINT(kProcessBeforeDestroy);
    StopSandbox(context_,
                {.owner = request_.owner,
                 .epoch = request_.epoch,
                 .grace = std::chrono::milliseconds(0),
                 .deadline = request_.deadline,
                 .cancelled = {}},
                [self = shared_from_this()](absl::Status stopped) {
                  if (!stopped.ok()) return self->answer_(OutcomeOf(stopped));
                  self->SetAside();
                });
  }

 private:
  void SetAside() {
    const absl::StatusOr<std::optional<model::Outcome>> answer = SetAsideOnce();
    if (!answer.ok()) return answer_(OutcomeOf(answer.status()));
    if (*answer) return answer_(**answer);
  }

  // An answer, or none when the work goes on.
  absl::StatusOr<std::optional<model::Outcome>> SetAsideOnce() {
    HF_ASSIGN_OR_RETURN(const Fd epoch, EnterEpoch(context_.store.state_dir(), request_.epoch));
    HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found,
                        context_.store.Find(request_.owner.sandbox));
    if (found && !found->owner) return Conflict(context_, request_.owner);
    if (found && context_.store.IsOurs(*found, request_.owner)) {
      // Held while it gets its other name, so that no start comes in between.
      HF_ASSIGN_OR_RETURN(const std::optional<Fd> lock, TryLockSupervisor(found->fd.get()));
      if (!lock) {
        StopAgain();
        return std::nullopt;
      }
      HF_RETURN_IF_ERROR(context_.store.Entomb(request_.owner));
    }
    boost::asio::post(context_.files, [self = shared_from_this()] { self->Bury(); });
    return std::nullopt;
  }

  void StopAgain() {
    if (Clock::now() > request_.deadline) {
      return answer_(
          model::Outcome::Unknown("DeadlineExceeded", "the sandbox keeps being started"));
    }
    again_.expires_after(kLookAgain);
    again_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->Begin();
    });
  }

  // On a thread of `files`.
  void Bury() {
    const absl::Status buried = context_.store.Bury(request_.owner);
    HF_FAILPOINT(kProcessAfterDestroy);
    if (buried.ok()) return answer_(model::Outcome::Done());
    model::Outcome outcome = model::Outcome::Failed("CannotRemove", std::string(buried.message()));
    outcome.retryable = true;
    answer_(std::move(outcome));
  }

  Context& context_;
  const StepRequest request_;
  Answer answer_;
  boost::asio::steady_timer again_;
};

}  // namespace

model::Outcome ProvisionSandbox(Context& context, const StepRequest& request) {
  absl::StatusOr<model::Outcome> outcome = Provision(context, request);
  return outcome.ok() ? *std::move(outcome) : OutcomeOf(outcome.status());
}

void DestroySandbox(Context& context, StepRequest request, Answer answer) {
  std::make_shared<Destroy>(context, std::move(request), std::move(answer))->Begin();
}

}  // namespace holdfast::drivers::process
