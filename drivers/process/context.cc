// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/context.h"

namespace holdfast::drivers::process {

Answer::~Answer() {
  if (done_) {
    std::exchange(done_, nullptr)(model::Outcome::Unknown(
        "DriverClosed", "the driver was closed before there was an answer"));
  }
}

void Answer::operator()(model::Outcome outcome) {
  if (done_) std::exchange(done_, nullptr)(std::move(outcome));
}

model::Outcome Refused(std::string reason, std::string message) {
  model::Outcome outcome = model::Outcome::Failed(std::move(reason), std::move(message));
  outcome.no_effect = true;
  return outcome;
}

model::Outcome OutcomeOf(const absl::Status& error) {
  std::string message(error.message());
  switch (error.code()) {
    case absl::StatusCode::kFailedPrecondition:
      return Refused("StaleEpoch", std::move(message));
    case absl::StatusCode::kCancelled: {
      model::Outcome outcome = model::Outcome::Failed("Cancelled", std::move(message));
      outcome.retryable = true;
      return outcome;
    }
    case absl::StatusCode::kDeadlineExceeded:
      return model::Outcome::Unknown("DeadlineExceeded", std::move(message));
    default:
      return model::Outcome::Unknown("CannotLook", std::move(message));
  }
}

model::Outcome DoneWith(model::Resource resource) {
  model::Outcome outcome = model::Outcome::Done();
  outcome.resources.push_back(std::move(resource));
  return outcome;
}

model::Outcome CannotTell(const absl::Status& error) {
  model::Outcome outcome = model::Outcome::Probed(model::Verdict::kCannotTell);
  outcome.reason = "CannotLook";
  outcome.message = std::string(error.message());
  return outcome;
}

}  // namespace holdfast::drivers::process
