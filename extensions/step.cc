// SPDX-License-Identifier: Apache-2.0
//
// Single steps of the chain: a hook, or a probe of one, on the extension's threads. What can be
// said without the extension (it is gone, its state is too new) is answered here.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "extensions/answer.h"
#include "extensions/chain_impl.h"
#include "extensions/text.h"
#include "statemachine/model/action.h"

namespace holdfast::extensions {
namespace {

namespace action = model::action;
using model::Outcome;

bool IsRelease(std::string_view hook) {
  return hook == action::kAfterLaunchFailed || hook == action::kAfterDelete;
}

// Failed before the extension was called. Nothing was made by this attempt; nothing by the step
// only when there was no attempt before it.
Outcome NotCalled(const HookCall& call, std::string reason, std::string message, bool retryable) {
  Outcome outcome = Outcome::Failed(std::move(reason), std::move(message));
  outcome.retryable = retryable;
  outcome.no_effect = call.attempt <= 1 && !IsRelease(call.hook);
  return outcome;
}

Outcome CannotTell(std::string reason, std::string message) {
  Outcome outcome = Outcome::Probed(model::Verdict::kCannotTell);
  outcome.reason = std::move(reason);
  outcome.message = std::move(message);
  return outcome;
}

std::string_view ReasonOf(Miss miss) {
  switch (miss) {
    case Miss::kLate:
      return "DeadlineExceeded";
    case Miss::kNotStarted:
      return "ExtensionBusy";
    case Miss::kHung:
      return "ExtensionHung";
    case Miss::kClosing:
      return "ShuttingDown";
  }
  return "ExtensionBusy";
}

// One call, shared by its work and its miss; exactly one of them uses `done`.
struct StepRun {
  std::shared_ptr<Participant> participant;
  HookCall call;
  StepCallback done;

  HookContext Context() const {
    HookContext context;
    context.sandbox = call.sandbox;
    context.generation = call.generation;
    context.spec = &call.spec;
    context.plan = call.plan ? &*call.plan : nullptr;
    context.hook = call.hook;
    context.key = call.key;
    context.attempt = call.attempt;
    context.epoch = call.epoch;
    context.state = call.state ? &*call.state : nullptr;
    context.held = call.held;
    context.undo_args = call.undo_args;
    context.failure_reason = call.failure_reason;
    context.deadline = call.deadline;
    context.cancelled = call.cancelled;
    return context;
  }

  AnswerRules Rules() const {
    return {.hook = call.hook,
            .descriptor = &participant->descriptor,
            .plan = call.plan ? &*call.plan : nullptr};
  }

  const std::string& name() const { return participant->descriptor.name; }

  Outcome RunHook() const {
    return SanitizeRun(Guarded([&] { return participant->extension->Run(Context()); },
                               [&](std::string_view what) {
                                 return Outcome::Unknown("HookThrew",
                                                         MessageOfThrow(name(), call.hook, what));
                               }),
                       Rules());
  }

  Outcome RunProbe() const {
    return SanitizeProbe(Guarded([&] { return participant->extension->Probe(Context()); },
                                 [&](std::string_view what) {
                                   return CannotTell("HookThrew",
                                                     MessageOfThrow(name(), "a probe", what));
                                 }),
                         Rules());
  }

  Outcome OfMiss(Miss miss, bool probe) const {
    std::string reason(ReasonOf(miss));
    std::string message = MessageOf(miss, name(), probe ? std::string_view("a probe") : call.hook);
    if (probe) return CannotTell(std::move(reason), std::move(message));
    if (miss == Miss::kLate) return Outcome::Unknown(std::move(reason), std::move(message));
    return NotCalled(call, std::move(reason), std::move(message), /*retryable=*/true);
  }
};

void Submit(Member& member, HookCall call, bool probe, StepCallback done) {
  if (call.deadline == std::chrono::steady_clock::time_point()) {
    call.deadline = std::chrono::steady_clock::now() + member.deadline;
  }
  auto run = std::make_shared<StepRun>();
  run->participant = member.participant;
  run->call = std::move(call);
  run->done = std::move(done);
  HookRunner::Task task;
  task.deadline = run->call.deadline;
  task.work = [run, probe]() -> HookRunner::Delivery {
    return [run, outcome = probe ? run->RunProbe() : run->RunHook()]() mutable {
      std::move(run->done)(std::move(outcome));
    };
  };
  task.missed = [run, probe](Miss miss) { std::move(run->done)(run->OfMiss(miss, probe)); };
  member.runner->Submit(std::move(task));
}

// "its state has schema version 3, …"; empty: this version of the extension can read it.
std::string WhyStateIsTooNew(const HookCall& call, const Descriptor& descriptor) {
  if (!call.state || call.state->schema_version <= descriptor.state_schema_version) return "";
  return fmt::format(
      "extension '{}' {} reads state up to schema version {}, this sandbox has version {}; "
      "configure "
      "the version that wrote it",
      descriptor.name, descriptor.version, descriptor.state_schema_version,
      call.state->schema_version);
}

}  // namespace

std::string MessageOf(Miss miss, std::string_view extension, std::string_view hook) {
  switch (miss) {
    case Miss::kLate:
      return fmt::format("extension '{}' did not answer {} within its deadline", extension, hook);
    case Miss::kNotStarted:
      return fmt::format("extension '{}' was too busy to begin {} before its deadline", extension,
                         hook);
    case Miss::kHung:
      return fmt::format(
          "extension '{}' was not asked for {}: too many of its earlier calls hang; see what they "
          "wait for, or restart the gateway",
          extension, hook);
    case Miss::kClosing:
      return fmt::format("extension '{}' was not asked for {}: the gateway is stopping", extension,
                         hook);
  }
  return std::string(extension);
}

absl::Status StatusOf(Miss miss, std::string_view extension, std::string_view hook) {
  const std::string message = MessageOf(miss, extension, hook);
  return miss == Miss::kLate ? absl::DeadlineExceededError(message)
                             : absl::UnavailableError(message);
}

std::string MessageOfThrow(std::string_view extension, std::string_view hook,
                           std::string_view what) {
  return fmt::format("extension '{}' threw during {}: {}", extension, hook,
                     CleanText(what, kMessageBytesMax));
}

void ExtensionChain::Run(HookCall call, StepCallback done) {
  Member* member = impl_->Find(call.extension);
  if (member == nullptr) {
    std::string message = fmt::format(
        "extension '{}' is not configured any more, so {} cannot be run; configure it again",
        call.extension, call.hook);
    std::move(done)(NotCalled(call, IsRelease(call.hook) ? "UndoBlocked" : "ExtensionMissing",
                              std::move(message), /*retryable=*/false));
    return;
  }
  const Descriptor& descriptor = member->participant->descriptor;
  if (!descriptor.hooks.contains(call.hook)) {
    if (IsRelease(call.hook) && (!call.held.empty() || !call.undo_args.empty())) {
      // An older version of it made something that this one does not know how to release.
      std::string message = fmt::format(
          "extension '{}' {} does not implement {}, which must release what an earlier version "
          "made; configure that version again",
          descriptor.name, descriptor.version, call.hook);
      std::move(done)(NotCalled(call, "UndoBlocked", std::move(message), /*retryable=*/false));
      return;
    }
    std::move(done)(Outcome::Done());
    return;
  }
  if (std::string why = WhyStateIsTooNew(call, descriptor); !why.empty()) {
    std::move(done)(NotCalled(call, "StateTooNew", std::move(why), /*retryable=*/false));
    return;
  }
  Submit(*member, std::move(call), /*probe=*/false, std::move(done));
}

void ExtensionChain::Probe(HookCall call, StepCallback done) {
  Member* member = impl_->Find(call.extension);
  if (member == nullptr) {
    std::move(done)(CannotTell(
        "ExtensionMissing",
        fmt::format("extension '{}' is not configured any more, so nobody can say what it made; "
                    "configure it again",
                    call.extension)));
    return;
  }
  const Descriptor& descriptor = member->participant->descriptor;
  call.hook = std::string(action::kBeforeLaunch);
  if (!descriptor.hooks.contains(call.hook)) {
    std::move(done)(CannotTell(
        "ExtensionMissing",
        fmt::format(
            "extension '{}' {} does not implement before_launch any more, so nobody can say "
            "what an earlier version made; configure that version again",
            descriptor.name, descriptor.version)));
    return;
  }
  if (std::string why = WhyStateIsTooNew(call, descriptor); !why.empty()) {
    std::move(done)(CannotTell("StateTooNew", std::move(why)));
    return;
  }
  Submit(*member, std::move(call), /*probe=*/true, std::move(done));
}

}  // namespace holdfast::extensions
