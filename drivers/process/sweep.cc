// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/sweep.h"

#include <signal.h>

#include <memory>

#include "boost/asio/steady_timer.hpp"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

struct Sweep : std::enable_shared_from_this<Sweep> {
  Sweep(Context& shared, Owner whose, Clock::time_point until, StatusCallback callback)
      : context(shared),
        owner(std::move(whose)),
        deadline(until),
        done(std::move(callback)),
        timer(shared.io) {}

  // How many there still were; each was sent SIGKILL.
  absl::StatusOr<std::size_t> KillOnce() const {
    HF_ASSIGN_OR_RETURN(const std::vector<MarkedProcess> marked,
                        FindMarked(context.store.MarkPrefix(), context.store.boot_id()));
    std::size_t ours = 0;
    for (const MarkedProcess& one : marked) {
      if (context.store.OwnerOfMark(one) != owner) continue;
      ++ours;
      HF_ASSIGN_OR_RETURN(const std::optional<Fd> pidfd,
                          OpenProcess(one.identity, context.store.boot_id()));
      if (pidfd) HF_RETURN_IF_ERROR(SignalProcess(pidfd->get(), SIGKILL));
    }
    return ours;
  }

  void Round() {
    const absl::StatusOr<std::size_t> left = KillOnce();
    if (!left.ok()) return std::move(done)(left.status());
    if (*left == 0) return std::move(done)(absl::OkStatus());
    if (Clock::now() > deadline) {
      return std::move(done)(absl::DeadlineExceededError(
          fmt::format("{} processes of the workload do not die", *left)));
    }
    timer.expires_after(kLookAgain);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->Round();
    });
  }

  Context& context;
  const Owner owner;
  const Clock::time_point deadline;
  StatusCallback done;
  boost::asio::steady_timer timer;
};

}  // namespace

void SweepLeftovers(Context& context, Owner owner, Clock::time_point deadline,
                    StatusCallback done) {
  std::make_shared<Sweep>(context, std::move(owner), deadline, std::move(done))->Round();
}

}  // namespace holdfast::drivers::process
