// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/driver_caller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "fmt/format.h"

namespace holdfast::conformance {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{60};
constexpr std::chrono::seconds kStepDeadline{40};
constexpr std::chrono::seconds kExitTimeout{30};

std::string KeyOf(const Subject& subject, std::string_view action) {
  return fmt::format("{}/{}/{}/{}", subject.owner.sandbox.value, subject.owner.generation.value,
                     subject.run, action);
}

}  // namespace

drivers::StepRequest RequestOf(const Subject& subject, std::string_view action) {
  drivers::StepRequest request;
  request.owner = subject.owner;
  request.action = std::string(action);
  request.key = KeyOf(subject, action);
  request.epoch = subject.epoch;
  request.spec = subject.spec;
  request.plan = subject.plan;
  request.grace = std::chrono::milliseconds(5'000);
  request.deadline = std::chrono::steady_clock::now() + kStepDeadline;
  for (const model::StepClaims& claims : subject.plan.claims) {
    const bool undone_here = (action == "stop" && claims.step == "start") ||
                             (action == "destroy" && claims.step == "provision");
    if (undone_here) request.undo_args = claims.undo_args;
  }
  return request;
}

drivers::ProbeRequest ProbeOf(const Subject& subject, std::string_view action) {
  drivers::ProbeRequest request;
  request.owner = subject.owner;
  request.action = std::string(action);
  request.key = KeyOf(subject, action);
  request.epoch = subject.epoch;
  request.deadline = std::chrono::steady_clock::now() + kStepDeadline;
  for (const model::StepClaims& claims : subject.plan.claims) {
    if (claims.step == action) request.claims = claims.claims;
  }
  return request;
}

Subject MakeSubject(drivers::Driver& driver, std::string id, model::SandboxSpec spec,
                    std::uint64_t generation) {
  Subject subject;
  subject.owner = {.sandbox = {std::move(id)}, .generation = {generation}};
  subject.spec = std::move(spec);
  const absl::Status valid = driver.Validate(subject.spec);
  EXPECT_TRUE(valid.ok()) << valid;
  absl::StatusOr<model::LaunchPlan> plan = driver.MakePlan(subject.owner, subject.spec);
  EXPECT_TRUE(plan.ok()) << plan.status();
  if (!plan.ok()) return subject;
  plan = driver.ResolvePlan(subject.owner, subject.spec, *std::move(plan));
  EXPECT_TRUE(plan.ok()) << plan.status();
  if (plan.ok()) subject.plan = *std::move(plan);
  return subject;
}

std::future<model::Outcome> PerformLater(drivers::Driver& driver, drivers::StepRequest request) {
  auto promise = std::make_shared<std::promise<model::Outcome>>();
  std::future<model::Outcome> future = promise->get_future();
  driver.Perform(std::move(request),
                 [promise](model::Outcome outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

model::Outcome Wait(std::future<model::Outcome> answer) {
  if (answer.wait_for(kAnswerTimeout) != std::future_status::ready) {
    return model::Outcome::Unknown("TestTimeout", "the driver did not answer within a minute");
  }
  return answer.get();
}

model::Outcome Perform(drivers::Driver& driver, drivers::StepRequest request) {
  return Wait(PerformLater(driver, std::move(request)));
}

model::Outcome Perform(drivers::Driver& driver, const Subject& subject, std::string_view action) {
  return Perform(driver, RequestOf(subject, action));
}

model::Outcome Probe(drivers::Driver& driver, const Subject& subject, std::string_view action) {
  auto promise = std::make_shared<std::promise<model::Outcome>>();
  std::future<model::Outcome> future = promise->get_future();
  driver.Probe(ProbeOf(subject, action),
               [promise](model::Outcome outcome) { promise->set_value(std::move(outcome)); });
  return Wait(std::move(future));
}

absl::StatusOr<std::vector<drivers::OwnedResource>> ListOwned(drivers::Driver& driver) {
  using Listed = absl::StatusOr<std::vector<drivers::OwnedResource>>;
  auto promise = std::make_shared<std::promise<Listed>>();
  std::future<Listed> future = promise->get_future();
  driver.ListOwned([promise](Listed listed) { promise->set_value(std::move(listed)); });
  if (future.wait_for(kAnswerTimeout) != std::future_status::ready) {
    return absl::DeadlineExceededError("the driver did not list within a minute");
  }
  return future.get();
}

drivers::ExitObserver Exits::Observer() {
  return [this](const drivers::WorkloadExit& exit) {
    const std::lock_guard lock(mu_);
    exits_.push_back(exit);
    arrived_.notify_all();
  };
}

std::optional<drivers::WorkloadExit> Exits::WaitFor(const drivers::Owner& owner) {
  std::unique_lock lock(mu_);
  std::optional<drivers::WorkloadExit> found;
  arrived_.wait_for(lock, kExitTimeout, [&] {
    for (const drivers::WorkloadExit& exit : exits_) {
      if (exit.owner == owner) found = exit;
    }
    return found.has_value();
  });
  return found;
}

std::size_t Exits::CountNow(const drivers::Owner& owner) {
  const std::lock_guard lock(mu_);
  return static_cast<std::size_t>(
      std::count_if(exits_.begin(), exits_.end(),
                    [&](const drivers::WorkloadExit& exit) { return exit.owner == owner; }));
}

}  // namespace holdfast::conformance
