// SPDX-License-Identifier: Apache-2.0
#include "statemachine/codec/messages.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/utf8.h"
#include "support/status_macros.h"

namespace holdfast::codec {
namespace {

template <typename Repeated>
std::vector<std::string> FromRepeated(const Repeated& from) {
  return {from.begin(), from.end()};
}

journal::v1::Outcome::Verdict ToMessage(model::Verdict verdict) {
  switch (verdict) {
    case model::Verdict::kDone:
      return journal::v1::Outcome::DONE;
    case model::Verdict::kFailed:
      return journal::v1::Outcome::FAILED;
    case model::Verdict::kUnknown:
      return journal::v1::Outcome::UNKNOWN;
    case model::Verdict::kPresent:
      return journal::v1::Outcome::PRESENT;
    case model::Verdict::kAbsent:
      return journal::v1::Outcome::ABSENT;
    case model::Verdict::kCannotTell:
      return journal::v1::Outcome::CANNOT_TELL;
  }
  return journal::v1::Outcome::VERDICT_UNSPECIFIED;
}

absl::StatusOr<model::Verdict> FromMessage(journal::v1::Outcome::Verdict verdict) {
  switch (verdict) {
    case journal::v1::Outcome::DONE:
      return model::Verdict::kDone;
    case journal::v1::Outcome::FAILED:
      return model::Verdict::kFailed;
    case journal::v1::Outcome::UNKNOWN:
      return model::Verdict::kUnknown;
    case journal::v1::Outcome::PRESENT:
      return model::Verdict::kPresent;
    case journal::v1::Outcome::ABSENT:
      return model::Verdict::kAbsent;
    case journal::v1::Outcome::CANNOT_TELL:
      return model::Verdict::kCannotTell;
    default:
      return absl::DataLossError(
          fmt::format("verdict {} is not a step's answer", static_cast<int>(verdict)));
  }
}

}  // namespace

std::string Serialize(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {  // the streams hand over their last bytes when they end
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

void ToMap(const std::map<std::string, std::string>& from, StringMap& to) {
  for (const auto& [key, value] : from) to[Utf8(key)] = Utf8(value);
}

std::map<std::string, std::string> FromMap(const StringMap& from) {
  return {from.begin(), from.end()};
}

void ToMessage(const model::SandboxSpec& spec, lifecycle::v1::SandboxSpec& message) {
  message.set_name(Utf8(spec.name));
  message.set_workspace(Utf8(spec.workspace));
  message.set_driver(Utf8(spec.driver));
  message.set_image(Utf8(spec.image));
  for (const std::string& word : spec.command) message.add_command(Utf8(word));
  ToMap(spec.environment, *message.mutable_environment());
  ToMap(spec.labels, *message.mutable_labels());
  message.set_tty(spec.tty);
  message.set_log_level(Utf8(spec.log_level));
  message.set_cpu_request(Utf8(spec.cpu_request));
  message.set_cpu_limit(Utf8(spec.cpu_limit));
  message.set_memory_request(Utf8(spec.memory_request));
  message.set_memory_limit(Utf8(spec.memory_limit));
  message.set_driver_config(Utf8(spec.driver_config));
  message.set_platform_config(Utf8(spec.platform_config));
  message.set_gpu(spec.gpu);
  message.set_gpu_count(spec.gpu_count);
}

model::SandboxSpec FromMessage(const lifecycle::v1::SandboxSpec& message) {
  model::SandboxSpec spec;
  spec.name = message.name();
  spec.workspace = message.workspace();
  spec.driver = message.driver();
  spec.image = message.image();
  spec.command = FromRepeated(message.command());
  spec.environment = FromMap(message.environment());
  spec.labels = FromMap(message.labels());
  spec.tty = message.tty();
  spec.log_level = message.log_level();
  spec.cpu_request = message.cpu_request();
  spec.cpu_limit = message.cpu_limit();
  spec.memory_request = message.memory_request();
  spec.memory_limit = message.memory_limit();
  spec.driver_config = message.driver_config();
  spec.platform_config = message.platform_config();
  spec.gpu = message.gpu();
  spec.gpu_count = message.gpu_count();
  return spec;
}

void ToMessage(const model::ChainEntry& entry, lifecycle::v1::ChainEntry& message) {
  message.set_name(Utf8(entry.name));
  message.set_version(Utf8(entry.version));
  message.set_config_digest(Utf8(entry.config_digest));
  message.set_activation(Utf8(entry.activation));
  for (const std::string& hook : entry.hooks) message.add_hooks(Utf8(hook));
  message.set_fail_on_error(entry.on_failure == model::FailurePolicy::kFail);
  message.set_deadline_ms(entry.deadline.count());
}

model::ChainEntry FromMessage(const lifecycle::v1::ChainEntry& message) {
  model::ChainEntry entry;
  entry.name = message.name();
  entry.version = message.version();
  entry.config_digest = message.config_digest();
  entry.activation = message.activation();
  entry.hooks = {message.hooks().begin(), message.hooks().end()};
  entry.on_failure =
      message.fail_on_error() ? model::FailurePolicy::kFail : model::FailurePolicy::kKeep;
  entry.deadline = std::chrono::milliseconds(message.deadline_ms());
  return entry;
}

void ToMessage(const model::LaunchPlan& plan, lifecycle::v1::LaunchPlan& message) {
  ToMap(plan.env, *message.mutable_env());
  ToMap(plan.labels, *message.mutable_labels());
  for (const std::string& word : plan.launcher_args) message.add_launcher_args(Utf8(word));
  message.set_backend(Utf8(plan.backend));
  message.set_driver_plan_type(Utf8(plan.driver_plan_type));
  message.set_driver_plan(plan.driver_plan);
  for (const model::PlanChange& change : plan.changes) {
    lifecycle::v1::PlanChange& to = *message.add_changes();
    to.set_participant(Utf8(change.participant));
    to.set_field(Utf8(change.field));
    to.set_value(Utf8(change.value));
  }
  for (const model::StepClaims& claims : plan.claims) {
    lifecycle::v1::StepClaims& to = *message.add_claims();
    to.set_step(Utf8(claims.step));
    for (const model::ResourceClaim& claim : claims.claims) {
      lifecycle::v1::ResourceClaim& to_claim = *to.add_claims();
      to_claim.set_kind(Utf8(claim.kind));
      to_claim.set_name(Utf8(claim.name));
    }
    to.set_undo_args(Utf8(claims.undo_args));
    to.set_undo_idempotent(claims.undo_idempotent);
    to.set_step_idempotent(claims.step_idempotent);
  }
}

model::LaunchPlan FromMessage(const lifecycle::v1::LaunchPlan& message) {
  model::LaunchPlan plan;
  plan.env = FromMap(message.env());
  plan.labels = FromMap(message.labels());
  plan.launcher_args = FromRepeated(message.launcher_args());
  plan.backend = message.backend();
  plan.driver_plan_type = message.driver_plan_type();
  plan.driver_plan = message.driver_plan();
  for (const lifecycle::v1::PlanChange& change : message.changes()) {
    plan.changes.push_back({change.participant(), change.field(), change.value()});
  }
  for (const lifecycle::v1::StepClaims& from : message.claims()) {
    model::StepClaims claims;
    claims.step = from.step();
    for (const lifecycle::v1::ResourceClaim& claim : from.claims()) {
      claims.claims.push_back({claim.kind(), claim.name()});
    }
    claims.undo_args = from.undo_args();
    claims.undo_idempotent = from.undo_idempotent();
    claims.step_idempotent = from.step_idempotent();
    plan.claims.push_back(std::move(claims));
  }
  return plan;
}

void ToMessage(const model::StepIntended& step, journal::v1::Intent& message) {
  message.set_operation(step.operation.value);
  message.set_kind(step.kind == model::StepKind::kUndo ? journal::v1::Intent::UNDO
                                                       : journal::v1::Intent::FORWARD);
  message.set_name(Utf8(step.name));
  message.set_participant(Utf8(step.participant));
  message.set_action(Utf8(step.action));
  message.set_key(Utf8(step.key));
  message.set_undoes(step.undoes.value);
  for (const model::ResourceClaim& claim : step.claims) {
    journal::v1::Resource& to = *message.add_claims();
    to.set_kind(Utf8(claim.kind));
    to.set_name(Utf8(claim.name));
  }
  if (step.undo) {
    journal::v1::Undo& undo = *message.mutable_undo();
    undo.set_participant(Utf8(step.undo->participant));
    undo.set_action(Utf8(step.undo->action));
    undo.set_args(Utf8(step.undo->args));
    undo.set_idempotent(step.undo->idempotent);
  }
  message.set_idempotent(step.idempotent);
  message.set_args(Utf8(step.args));
  message.set_deadline_ms(step.deadline_ms);
}

absl::StatusOr<model::StepIntended> FromMessage(const journal::v1::Intent& message) {
  model::StepIntended step;
  step.operation = {message.operation()};
  switch (message.kind()) {
    case journal::v1::Intent::FORWARD:
      step.kind = model::StepKind::kForward;
      break;
    case journal::v1::Intent::UNDO:
      step.kind = model::StepKind::kUndo;
      break;
    default:
      return absl::DataLossError(
          fmt::format("{} is no kind of step", static_cast<int>(message.kind())));
  }
  step.name = message.name();
  step.participant = message.participant();
  step.action = message.action();
  step.key = message.key();
  step.undoes = {message.undoes()};
  for (const journal::v1::Resource& claim : message.claims()) {
    step.claims.push_back({claim.kind(), claim.name()});
  }
  if (message.has_undo()) {
    const journal::v1::Undo& undo = message.undo();
    step.undo = model::Undo{undo.participant(), undo.action(), undo.args(), undo.idempotent()};
  }
  step.idempotent = message.idempotent();
  step.args = message.args();
  step.deadline_ms = message.deadline_ms();
  return step;
}

void ToMessage(const model::Resource& resource, journal::v1::Resource& message) {
  message.set_kind(Utf8(resource.kind));
  message.set_name(Utf8(resource.name));
  message.set_handle(Utf8(resource.handle));
}

model::Resource FromMessage(const journal::v1::Resource& message) {
  return {message.kind(), message.name(), message.handle()};
}

void ToMessage(const model::StateBlob& state, journal::v1::StateBlob& message) {
  message.set_schema_version(state.schema_version);
  message.set_bytes(state.bytes);
}

model::StateBlob FromMessage(const journal::v1::StateBlob& message) {
  return {message.schema_version(), message.bytes()};
}

void ToMessage(const model::StepAnswered& answer, journal::v1::Outcome& message) {
  const model::Outcome& outcome = answer.outcome;
  message.set_intent(answer.intent.value);
  message.set_attempt(answer.attempt);
  message.set_verdict(ToMessage(outcome.verdict));
  message.set_closes(answer.closes);
  message.set_reason(Utf8(outcome.reason));
  message.set_message(Utf8(outcome.message));
  message.set_retryable(outcome.retryable);
  message.set_no_effect(outcome.no_effect);
  for (const model::Resource& resource : outcome.resources) {
    ToMessage(resource, *message.add_resources());
  }
  ToMap(outcome.env, *message.mutable_env());
  if (outcome.state) ToMessage(*outcome.state, *message.mutable_state());
  if (outcome.plan) message.set_result(EncodePlan(*outcome.plan));
}

absl::StatusOr<model::StepAnswered> FromMessage(const journal::v1::Outcome& message) {
  model::StepAnswered answer;
  answer.intent = {message.intent()};
  answer.attempt = message.attempt();
  answer.closes = message.closes();
  model::Outcome& outcome = answer.outcome;
  HF_ASSIGN_OR_RETURN(outcome.verdict, FromMessage(message.verdict()));
  outcome.reason = message.reason();
  outcome.message = message.message();
  outcome.retryable = message.retryable();
  outcome.no_effect = message.no_effect();
  for (const journal::v1::Resource& resource : message.resources()) {
    outcome.resources.push_back(FromMessage(resource));
  }
  outcome.env = FromMap(message.env());
  if (message.has_state()) outcome.state = FromMessage(message.state());
  if (message.has_result()) {
    HF_ASSIGN_OR_RETURN(outcome.plan, DecodePlan(message.result()));
  }
  return answer;
}

}  // namespace holdfast::codec
