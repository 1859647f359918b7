// SPDX-License-Identifier: Apache-2.0
#include "tests/statemachine/events_sample.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace holdfast::tests {
namespace {

using namespace holdfast::model;  // NOLINT: this file is nothing but model values

SandboxSpec SampleSpec() {
  SandboxSpec spec;
  spec.name = "build agent";
  spec.workspace = "team-a";
  spec.driver = "process";
  spec.image = "alpine:3";
  spec.command = {"/bin/sleep", "60"};
  spec.environment = {{"HOME", "/home/agent"}, {"LANG", "C.UTF-8"}};
  spec.labels = {{"openshell.io/extension.ipam", "true"}};
  spec.tty = true;
  spec.log_level = "debug";
  spec.cpu_request = "500m";
  spec.cpu_limit = "2";
  spec.memory_request = "256Mi";
  spec.memory_limit = "1Gi";
  spec.driver_config = R"({"nice":5})";
  spec.platform_config = R"({"zone":"b"})";
  spec.gpu = true;
  spec.gpu_count = 2;
  return spec;
}

ChainEntry SampleEntry() {
  ChainEntry entry;
  entry.name = "ipam";
  entry.version = "1.2.0";
  entry.config_digest = "sha256:0badcafe";
  entry.activation = "label openshell.io/extension.ipam=true";
  entry.hooks = {"before_launch", "after_delete"};
  entry.on_failure = FailurePolicy::kFail;
  entry.deadline = std::chrono::milliseconds(15'000);
  return entry;
}

LaunchPlan SamplePlan() {
  LaunchPlan plan;
  plan.env = {{"IP", "10.0.0.7"}};
  plan.labels = {{"team", "a"}};
  plan.launcher_args = {"--quiet"};
  plan.backend = "process";
  plan.driver_plan_type = "holdfast.driver.process.v1.Plan";
  plan.driver_plan = std::string("\x0a\x00\xff", 3);
  plan.changes = {{"ipam", "env.IP", "10.0.0.7"}};
  plan.claims = {{"provision", {{"directory", "sb-1"}}, R"({"dir":"sb-1"})", true, false}};
  return plan;
}

StepIntended SampleStep() {
  StepIntended step;
  step.operation = {3};
  step.kind = StepKind::kUndo;
  step.name = "undo provision";
  step.participant = "process";
  step.action = "destroy";
  step.key = "sb-1/3/undo provision";
  step.undoes = {12};
  step.claims = {{"directory", "sb-1"}};
  step.undo = Undo{"process", "destroy", R"({"dir":"sb-1"})", false};
  step.idempotent = false;
  step.args = R"({"dir":"sb-1"})";
  step.deadline_ms = 120'000;
  return step;
}

Outcome SampleOutcome(Verdict verdict) {
  Outcome outcome;
  outcome.verdict = verdict;
  outcome.reason = "PoolExhausted";
  outcome.message = "The pool 10.0.0.0/29 has no free address: delete a sandbox or widen it.";
  outcome.retryable = true;
  outcome.no_effect = true;
  outcome.resources = {{"lease", "10.0.0.7", "lease-77"}};
  outcome.env = {{"IP", "10.0.0.7"}};
  outcome.state = StateBlob{4, std::string("\x00\x80", 2)};
  outcome.plan = SamplePlan();
  return outcome;
}

template <typename T>
T Any() {
  return *rc::gen::arbitrary<T>();
}

// Well-formed UTF-8, with characters of every length, a zero and a line end.
std::string AnyText() {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("a", "Z", "/", " ", "\"", "\n", std::string(1, '\0'),
                                    "\xC3\xA9", "\xE2\x86\x92", "\xF0\x9F\x90\xA2"));
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

std::string AnyBytes() {
  const auto bytes = Any<std::vector<std::uint8_t>>();
  return {bytes.begin(), bytes.end()};
}

std::size_t AnySize() { return *rc::gen::inRange<std::size_t>(0, 4); }

template <typename Make>
auto AnyList(Make make) {
  std::vector<decltype(make())> list;
  for (std::size_t left = AnySize(); left > 0; --left) list.push_back(make());
  return list;
}

std::map<std::string, std::string> AnyMap() {
  std::map<std::string, std::string> map;
  for (std::size_t left = AnySize(); left > 0; --left) map[AnyText()] = AnyText();
  return map;
}

template <typename Enum>
Enum AnyOf(Enum last) {
  return static_cast<Enum>(*rc::gen::inRange<int>(0, static_cast<int>(last) + 1));
}

ResourceClaim AnyClaim() { return {AnyText(), AnyText()}; }

LaunchPlan AnyPlan() {
  LaunchPlan plan;
  plan.env = AnyMap();
  plan.labels = AnyMap();
  plan.launcher_args = AnyList(AnyText);
  plan.backend = AnyText();
  plan.driver_plan_type = AnyText();
  plan.driver_plan = AnyBytes();
  plan.changes = AnyList([] { return PlanChange{AnyText(), AnyText(), AnyText()}; });
  plan.claims = AnyList([] {
    return StepClaims{AnyText(), AnyList(AnyClaim), AnyText(), Any<bool>(), Any<bool>()};
  });
  return plan;
}

SandboxRequested AnySandboxRequested() {
  SandboxRequested event;
  event.generation = {Any<std::uint64_t>()};
  SandboxSpec& spec = event.spec;
  for (std::string* field :
       {&spec.name, &spec.workspace, &spec.driver, &spec.image, &spec.log_level, &spec.cpu_request,
        &spec.cpu_limit, &spec.memory_request, &spec.memory_limit, &spec.driver_config,
        &spec.platform_config}) {
    *field = AnyText();
  }
  spec.command = AnyList(AnyText);
  spec.environment = AnyMap();
  spec.labels = AnyMap();
  spec.tty = Any<bool>();
  spec.gpu = Any<bool>();
  spec.gpu_count = Any<unsigned>();
  event.chain = AnyList([] {
    ChainEntry entry;
    entry.name = AnyText();
    entry.version = AnyText();
    entry.config_digest = AnyText();
    entry.activation = AnyText();
    for (std::string& hook : AnyList(AnyText)) entry.hooks.insert(std::move(hook));
    entry.on_failure = AnyOf(FailurePolicy::kFail);
    entry.deadline = std::chrono::milliseconds(Any<std::int64_t>());
    return entry;
  });
  event.secret_fields = AnyList(AnyText);
  return event;
}

StepIntended AnyStepIntended() {
  StepIntended step;
  step.operation = {Any<std::uint64_t>()};
  step.kind = AnyOf(StepKind::kUndo);
  for (std::string* field : {&step.name, &step.participant, &step.action, &step.key, &step.args}) {
    *field = AnyText();
  }
  step.undoes = {Any<std::uint64_t>()};
  step.claims = AnyList(AnyClaim);
  if (Any<bool>()) step.undo = Undo{AnyText(), AnyText(), AnyText(), Any<bool>()};
  step.idempotent = Any<bool>();
  step.deadline_ms = Any<std::int64_t>();
  return step;
}

StepAnswered AnyStepAnswered() {
  StepAnswered answer;
  answer.intent = {Any<std::uint64_t>()};
  answer.attempt = Any<std::uint32_t>();
  answer.closes = Any<bool>();
  Outcome& outcome = answer.outcome;
  outcome.verdict = AnyOf(Verdict::kCannotTell);
  outcome.reason = AnyText();
  outcome.message = AnyText();
  outcome.retryable = Any<bool>();
  outcome.no_effect = Any<bool>();
  outcome.resources = AnyList([] { return Resource{AnyText(), AnyText(), AnyText()}; });
  outcome.env = AnyMap();
  if (Any<bool>()) outcome.state = StateBlob{Any<std::uint32_t>(), AnyBytes()};
  if (Any<bool>()) outcome.plan = AnyPlan();
  return answer;
}

Event AnyEventOfKind(std::size_t kind) {
  switch (kind) {
    case 0:
      return AnySandboxRequested();
    case 1:
      return OperationAccepted{{Any<std::uint64_t>()},
                               AnyOf(OperationKind::kDelete),
                               AnyText(),
                               Any<bool>(),
                               Any<std::int64_t>()};
    case 2:
      return OperationFinished{
          {Any<std::uint64_t>()}, AnyOf(OperationResult::kInterrupted), AnyText(), AnyText()};
    case 3:
      return Transitioned{AnyOf(Trigger::kSandboxRequested), AnyOf(State::kStuck), AnyText(),
                          AnyText()};
    case 4:
      return AnyStepIntended();
    case 5:
      return AnyStepAnswered();
    case 6:
      return StepRetryScheduled{
          {Any<std::uint64_t>()}, Any<std::uint32_t>(), {Any<std::int64_t>()}, Any<bool>()};
    case 7:
      return StepRetried{{Any<std::uint64_t>()}, Any<std::uint32_t>(), Any<bool>(), Any<bool>()};
    case 8:
      return StepSkipped{{Any<std::uint64_t>()}, AnyText(), AnyText(), Any<bool>()};
    case 9: {
      EffectVanished event{{Any<std::uint64_t>()}, AnyText(), AnyText(), std::nullopt};
      if (Any<bool>()) event.exit_code = Any<std::int32_t>();
      return event;
    }
    default:
      return AgreementChanged{AnyOf(Agreement::kDrifted), AnyText()};
  }
}

}  // namespace

std::vector<Event> SampleEvents() {
  return {
      SandboxRequested{{3}, SampleSpec(), {SampleEntry()}, {}},
      OperationAccepted{{3}, OperationKind::kStop, "request-9", true, 5'000},
      OperationFinished{{3}, OperationResult::kFailed, "NoImage", "The image was not found."},
      Transitioned{Trigger::kOperationFailed, State::kRollingBack, "NoImage", "Not found."},
      Transitioned{Trigger::kSandboxRequested, State::kRequested, "", ""},
      SampleStep(),
      StepAnswered{{12}, 2, SampleOutcome(Verdict::kDone), true},
      StepAnswered{{12}, 2, SampleOutcome(Verdict::kFailed), false},
      StepAnswered{{12}, 2, SampleOutcome(Verdict::kUnknown), false},
      StepAnswered{{12}, 2, SampleOutcome(Verdict::kPresent), true},
      StepAnswered{{12}, 2, SampleOutcome(Verdict::kAbsent), true},
      StepAnswered{{12}, 2, SampleOutcome(Verdict::kCannotTell), false},
      StepRetryScheduled{{12}, 3, {1'700'000'000'000}, true},
      StepRetried{{12}, 3, true, true},
      StepSkipped{{12}, "Attested", "Alice looked: it is gone.", true},
      StepSkipped{{12}, "HookFailed", "The hook kept failing.", false},
      EffectVanished{{12}, "WorkloadExited", "The workload ended by itself.", -9},
      AgreementChanged{Agreement::kDrifted, "The directory is gone."},
      SandboxRequested{{3}, SampleSpec(), {}, {"sandbox_token", "launch_authentication"}},
  };
}

rc::Gen<Event> AnyEvent() {
  static_assert(std::variant_size_v<Event> == 11, "a new kind of event needs a random one here");
  return rc::gen::exec([] { return AnyEventOfKind(*rc::gen::inRange<std::size_t>(0, 11)); });
}

}  // namespace holdfast::tests
