// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/participants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/utf8.h"
#include "statemachine/model/action.h"
#include "support/status_macros.h"

namespace holdfast::engine {
namespace {

using model::Outcome;

// What a participant may say is bounded, so that no answer can be too large for the journal.
constexpr std::size_t kTextBytesMax = 4096;
constexpr std::size_t kResourcesMax = 1024;
constexpr std::size_t kAnswerBytesMax = 512 << 10;
// A plan is one record with its answer, which is at most 1 MiB (journal::Limits).
constexpr std::size_t kPlanBytesMax = 1'000'000;

bool AnswersProbe(const Outcome& outcome) {
  return outcome.verdict == model::Verdict::kPresent ||
         outcome.verdict == model::Verdict::kAbsent ||
         outcome.verdict == model::Verdict::kCannotTell;
}

std::size_t BytesOf(const Outcome& outcome) {
  std::size_t bytes = outcome.state ? outcome.state->bytes.size() : 0;
  for (const model::Resource& resource : outcome.resources) {
    bytes += resource.kind.size() + resource.name.size() + resource.handle.size();
  }
  for (const auto& [name, value] : outcome.env) bytes += name.size() + value.size();
  return bytes;
}

Outcome Bounded(Outcome outcome, bool probing) {
  // Who answers another question than the one that was asked has told us nothing.
  if (AnswersProbe(outcome) != probing) {
    outcome.verdict = probing ? model::Verdict::kCannotTell : model::Verdict::kUnknown;
  }
  if (outcome.reason.size() > 256) outcome.reason.resize(256);
  if (outcome.message.size() > kTextBytesMax) outcome.message.resize(kTextBytesMax);
  // As the journal will keep them: what is folded now and what is read back must not differ.
  outcome.reason = codec::Utf8(outcome.reason);
  outcome.message = codec::Utf8(outcome.message);
  for (model::Resource& resource : outcome.resources) {
    resource.name = codec::Utf8(resource.name);
    resource.handle = codec::Utf8(resource.handle);
  }
  for (const model::Resource& resource : outcome.resources) {
    if (resource.handle.size() > kTextBytesMax || resource.name.size() > kTextBytesMax) {
      outcome = Outcome::Unknown("AnswerTooLarge", "a resource's name or handle is over 4 KiB");
      break;
    }
  }
  if (outcome.resources.size() > kResourcesMax) {
    outcome = Outcome::Unknown("AnswerTooLarge", "the answer names more than 1024 resources");
  } else if (BytesOf(outcome) > kAnswerBytesMax) {
    outcome = Outcome::Unknown("AnswerTooLarge", "the answer is over 512 KiB");
  }
  if (probing && outcome.verdict == model::Verdict::kUnknown) {
    outcome.verdict = model::Verdict::kCannotTell;
  }
  return outcome;
}

// Participants throw only by mistake; the mistake stays theirs.
template <typename Call>
void Guarded(bool probing, AnswerCallback done, Call call) {
  auto shared = std::make_shared<AnswerCallback>(std::move(done));
  auto answer = [shared, probing](Outcome outcome) {
    if (*shared) std::exchange(*shared, nullptr)(Bounded(std::move(outcome), probing));
  };
  try {
    call(answer);
  } catch (const std::exception& e) {
    answer(Outcome::Unknown("ParticipantThrew", e.what()));
  } catch (...) {
    answer(Outcome::Unknown("ParticipantThrew", "something that is not an exception"));
  }
}

std::set<std::string> FeaturesOf(const drivers::Driver& driver) {
  const auto& features = driver.capabilities().features;
  return {features.begin(), features.end()};
}

drivers::Owner OwnerOf(const model::Sandbox& sandbox) { return {sandbox.id, sandbox.generation}; }

std::chrono::steady_clock::time_point DeadlineOf(const model::Step& step) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(step.what.deadline_ms);
}

Outcome PlanFailed(const absl::Status& status) {
  Outcome outcome = Outcome::Failed("PlanRefused", std::string(status.message()));
  outcome.no_effect = true;
  outcome.retryable = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  return outcome;
}

Outcome Missing(const model::Step& step) {
  const bool undo = step.what.kind == model::StepKind::kUndo;
  Outcome outcome = Outcome::Failed(
      undo ? "UndoBlocked" : "DriverMissing",
      fmt::format(
          "driver '{}' is not configured any more; configure it again and repair the sandbox",
          step.what.participant));
  outcome.no_effect = true;
  return outcome;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Participants>> Participants::Make(
    extensions::ExtensionChain& chain, std::vector<std::unique_ptr<drivers::Driver>> drivers) {
  auto participants = std::unique_ptr<Participants>(new Participants(chain));
  if (drivers.empty()) return absl::FailedPreconditionError("no driver is configured");
  std::set<std::string> extension_names;
  for (const auto* descriptor : chain.descriptors()) extension_names.insert(descriptor->name);
  for (auto& driver : drivers) {
    const drivers::Capabilities& can = driver->capabilities();
    HF_RETURN_IF_ERROR(chain.CheckDriver(can.name, FeaturesOf(*driver)));
    if (extension_names.contains(can.name) || participants->drivers_.contains(can.name)) {
      return absl::FailedPreconditionError(
          fmt::format("two participants are named '{}'; rename one of them", can.name));
    }
    if (participants->default_driver_.empty()) participants->default_driver_ = can.name;
    participants->drivers_.emplace(can.name, std::move(driver));
  }
  return participants;
}

drivers::Driver* Participants::Find(const std::string& name) const {
  const auto found = drivers_.find(name);
  return found == drivers_.end() ? nullptr : found->second.get();
}

std::vector<drivers::Driver*> Participants::drivers() const {
  std::vector<drivers::Driver*> all;
  for (const auto& [name, driver] : drivers_) all.push_back(driver.get());
  return all;
}

absl::StatusOr<model::Chain> Participants::Validate(const model::SandboxId& id,
                                                    model::SandboxSpec& spec) {
  if (spec.driver.empty()) spec.driver = default_driver_;
  drivers::Driver* driver = Find(spec.driver);
  if (driver == nullptr) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : drivers_) names.push_back(name);
    return absl::InvalidArgumentError(fmt::format("there is no driver '{}'; configured: {}",
                                                  spec.driver, fmt::join(names, ", ")));
  }
  if (spec.image.empty()) spec.image = driver->capabilities().default_image;
  HF_RETURN_IF_ERROR(driver->Validate(spec));
  HF_ASSIGN_OR_RETURN(model::Chain frozen, chain_.Activate(spec));
  HF_RETURN_IF_ERROR(chain_.CheckDriver(spec.driver, FeaturesOf(*driver), frozen));
  HF_RETURN_IF_ERROR(chain_.Validate(frozen, id, model::Generation{}, spec));
  return frozen;
}

model::Outcome Participants::MakePlan(const model::Sandbox& sandbox) {
  drivers::Driver* driver = Find(sandbox.spec.driver);
  if (driver == nullptr) return Missing(*sandbox.current);
  const drivers::Owner owner = OwnerOf(sandbox);
  const auto key_of_step = [&](std::string_view step) {
    return fmt::format("{}/{}/{}", sandbox.id.value, sandbox.current->what.operation.value, step);
  };
  auto plan = driver->MakePlan(owner, sandbox.spec);
  if (!plan.ok()) return PlanFailed(plan.status());
  plan = chain_.ConfigureLaunch(sandbox.chain, sandbox.id, sandbox.generation, sandbox.spec,
                                key_of_step, *std::move(plan));
  if (!plan.ok()) return PlanFailed(plan.status());
  plan = driver->ResolvePlan(owner, sandbox.spec, *std::move(plan));
  if (!plan.ok()) return PlanFailed(plan.status());
  if (const std::size_t bytes = codec::EncodePlan(*plan).size(); bytes > kPlanBytesMax) {
    return PlanFailed(absl::InvalidArgumentError(
        fmt::format("the plan has {} bytes, and the journal takes at most {}; ask for less, most "
                    "of all in the environment",
                    bytes, kPlanBytesMax)));
  }
  Outcome outcome = Outcome::Done();
  outcome.plan = *std::move(plan);
  return outcome;
}

extensions::HookCall Participants::Hook(const model::Sandbox& sandbox, const model::Step& step,
                                        model::Epoch epoch) const {
  extensions::HookCall call;
  call.extension = step.what.participant;
  call.hook = step.what.action;
  call.sandbox = sandbox.id;
  call.generation = sandbox.generation;
  call.spec = sandbox.spec;
  call.plan = planning::EffectivePlan(sandbox);
  call.key = step.what.key;
  call.attempt = step.attempt;
  call.epoch = epoch;
  if (const auto state = sandbox.extension_state.find(step.what.participant);
      state != sandbox.extension_state.end()) {
    call.state = state->second;
  }
  for (const model::Step& held : sandbox.held) {
    if (held.what.participant != step.what.participant) continue;
    call.held.insert(call.held.end(), held.resources.begin(), held.resources.end());
    // A release speaks of the step that it undoes.
    if (held.intent == step.what.undoes) call.key = held.what.key;
  }
  call.undo_args = step.what.args;
  if (sandbox.operation) call.failure_reason = sandbox.operation->failure_reason;
  call.deadline = DeadlineOf(step);
  return call;
}

bool Participants::TakesSecrets(const std::string& driver) const {
  const drivers::Driver* found = Find(driver);
  return found != nullptr && !found->capabilities().secret_steps.empty();
}

bool Participants::NeedsSecrets(const model::Sandbox& sandbox) const {
  if (sandbox.secret_fields.empty() || !sandbox.current) return false;
  const model::StepIntended& step = sandbox.current->what;
  if (step.kind != model::StepKind::kForward || step.participant != sandbox.spec.driver) {
    return false;
  }
  const drivers::Driver* driver = Find(step.participant);
  if (driver == nullptr) return false;  // it cannot be called anyway
  const std::vector<std::string>& steps = driver->capabilities().secret_steps;
  return std::find(steps.begin(), steps.end(), step.action) != steps.end();
}

void Participants::Attempt(const model::Sandbox& sandbox, model::Secrets secrets,
                           model::Epoch epoch, std::stop_token cancelled, AnswerCallback done) {
  const model::Step& step = *sandbox.current;
  Guarded(/*probing=*/false, std::move(done), [&](auto answer) {
    if (step.what.participant != sandbox.spec.driver) {
      extensions::HookCall call = Hook(sandbox, step, epoch);
      call.cancelled = std::move(cancelled);
      chain_.Run(std::move(call), answer);
      return;
    }
    if (step.what.action == model::action::kPlan) {
      answer(MakePlan(sandbox));
      return;
    }
    drivers::Driver* driver = Find(step.what.participant);
    if (driver == nullptr) {
      answer(Missing(step));
      return;
    }
    drivers::StepRequest request;
    request.owner = OwnerOf(sandbox);
    request.action = step.what.action;
    request.key = step.what.key;
    request.attempt = step.attempt;
    request.epoch = epoch;
    request.spec = sandbox.spec;
    request.plan = planning::EffectivePlan(sandbox);
    request.secrets = std::move(secrets);
    for (const model::Step& held : sandbox.held) {
      if (held.what.participant != step.what.participant) continue;
      request.held.insert(request.held.end(), held.resources.begin(), held.resources.end());
    }
    request.undo_args = step.what.args;
    const bool graceful = sandbox.operation && !sandbox.operation->force;
    request.grace = std::chrono::milliseconds(graceful ? sandbox.operation->grace_ms : 0);
    request.deadline = DeadlineOf(step);
    request.cancelled = std::move(cancelled);
    driver->Perform(std::move(request), answer);
  });
}

void Participants::Probe(const model::Sandbox& sandbox, const planning::Probe& probe,
                         model::Epoch epoch, AnswerCallback done) {
  const model::Step* of = planning::FindStep(sandbox, probe.of);
  Guarded(/*probing=*/true, std::move(done), [&](auto answer) {
    if (of == nullptr) {  // already released: nothing to look for
      answer(Outcome::Probed(model::Verdict::kAbsent));
      return;
    }
    if (of->what.participant != sandbox.spec.driver) {
      extensions::HookCall call = Hook(sandbox, *of, epoch);
      call.deadline = DeadlineOf(*sandbox.current);
      if (of->what.undo) call.undo_args = of->what.undo->args;
      chain_.Probe(std::move(call), answer);
      return;
    }
    drivers::Driver* driver = Find(of->what.participant);
    if (driver == nullptr) {
      Outcome outcome = Outcome::Probed(model::Verdict::kCannotTell);
      outcome.reason = "DriverMissing";
      outcome.message = fmt::format("driver '{}' is not configured any more", of->what.participant);
      answer(std::move(outcome));
      return;
    }
    drivers::ProbeRequest request;
    request.owner = OwnerOf(sandbox);
    request.action = of->what.action;
    request.key = of->what.key;
    request.epoch = epoch;
    request.claims = of->what.claims;
    request.known = of->resources;
    request.deadline = DeadlineOf(*sandbox.current);
    driver->Probe(std::move(request), answer);
  });
}

}  // namespace holdfast::engine
