// SPDX-License-Identifier: Apache-2.0
//
// Every value is taken apart by a structured binding that names all its members: a member that is
// added to the model does not compile here until it is written, and
// tests/statemachine/snapshot_test.cc does not pass until it is read. Whoever adds one raises
// kSnapshotVersion.
#include "statemachine/codec/snapshot.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "holdfast/lifecycle/v1/snapshot.pb.h"
#include "statemachine/codec/messages.h"
#include "statemachine/codec/utf8.h"
#include "support/status_macros.h"

namespace holdfast::codec {
namespace {

namespace v1 = lifecycle::v1;

void ToMessage(const model::Step& step, v1::StepSnapshot& message) {
  const auto& [intent, what, phase, attempt, attempts_base, probes, effect_possible, effect_earlier,
               since, due, certain, resources, env, reason, text] = step;
  message.set_intent(intent.value);
  codec::ToMessage(what, *message.mutable_what());
  message.set_phase(std::string(model::Name(phase)));
  message.set_attempt(attempt);
  message.set_attempts_base(attempts_base);
  message.set_probes(probes);
  message.set_effect_possible(effect_possible);
  message.set_effect_earlier(effect_earlier);
  message.set_since_unix_ms(since.value);
  message.set_due_unix_ms(due.value);
  message.set_certain(certain);
  for (const model::Resource& resource : resources) {
    codec::ToMessage(resource, *message.add_resources());
  }
  ToMap(env, *message.mutable_env());
  message.set_reason(Utf8(reason));
  message.set_message(Utf8(text));
}

absl::StatusOr<model::Step> FromMessage(const v1::StepSnapshot& message) {
  model::Step step;
  step.intent = {message.intent()};
  HF_ASSIGN_OR_RETURN(step.what, codec::FromMessage(message.what()));
  HF_ASSIGN_OR_RETURN(step.phase,
                      Known(model::StepPhaseFromName(message.phase()), "phase", message.phase()));
  step.attempt = message.attempt();
  step.attempts_base = message.attempts_base();
  step.probes = message.probes();
  step.effect_possible = message.effect_possible();
  step.effect_earlier = message.effect_earlier();
  step.since = {message.since_unix_ms()};
  step.due = {message.due_unix_ms()};
  step.certain = message.certain();
  for (const journal::v1::Resource& resource : message.resources()) {
    step.resources.push_back(codec::FromMessage(resource));
  }
  step.env = FromMap(message.env());
  step.reason = message.reason();
  step.message = message.message();
  return step;
}

void ToMessage(const model::Operation& operation, v1::OperationSnapshot& message) {
  const auto& [id, kind, request_id, since, force, grace_ms, completed, failure_reason,
               failure_message] = operation;
  message.set_id(id.value);
  message.set_kind(std::string(model::Name(kind)));
  message.set_request_id(Utf8(request_id));
  message.set_since_unix_ms(since.value);
  message.set_force(force);
  message.set_grace_ms(grace_ms);
  for (const std::string& step : completed) message.add_completed(Utf8(step));
  message.set_failure_reason(Utf8(failure_reason));
  message.set_failure_message(Utf8(failure_message));
}

absl::StatusOr<model::Operation> FromMessage(const v1::OperationSnapshot& message) {
  model::Operation operation;
  operation.id = {message.id()};
  HF_ASSIGN_OR_RETURN(operation.kind, Known(model::OperationKindFromName(message.kind()),
                                            "operation", message.kind()));
  operation.request_id = message.request_id();
  operation.since = {message.since_unix_ms()};
  operation.force = message.force();
  operation.grace_ms = message.grace_ms();
  operation.completed = {message.completed().begin(), message.completed().end()};
  operation.failure_reason = message.failure_reason();
  operation.failure_message = message.failure_message();
  return operation;
}

void ToMessage(const model::FinishedOperation& finished, v1::FinishedOperationSnapshot& message) {
  const auto& [id, kind, request_id, result, reason, text] = finished;
  message.set_id(id.value);
  message.set_kind(std::string(model::Name(kind)));
  message.set_request_id(Utf8(request_id));
  message.set_result(std::string(model::Name(result)));
  message.set_reason(Utf8(reason));
  message.set_message(Utf8(text));
}

absl::StatusOr<model::FinishedOperation> FromMessage(const v1::FinishedOperationSnapshot& message) {
  model::FinishedOperation finished;
  finished.id = {message.id()};
  HF_ASSIGN_OR_RETURN(finished.kind, Known(model::OperationKindFromName(message.kind()),
                                           "operation", message.kind()));
  finished.request_id = message.request_id();
  HF_ASSIGN_OR_RETURN(finished.result, Known(model::OperationResultFromName(message.result()),
                                             "result", message.result()));
  finished.reason = message.reason();
  finished.message = message.message();
  return finished;
}

void ToMessage(const model::Condition& condition, v1::ConditionSnapshot& message) {
  const auto& [type, reason, text, since] = condition;
  message.set_type(Utf8(type));
  message.set_reason(Utf8(reason));
  message.set_message(Utf8(text));
  message.set_since_unix_ms(since.value);
}

model::Condition FromMessage(const v1::ConditionSnapshot& message) {
  return {message.type(), message.reason(), message.message(), {message.since_unix_ms()}};
}

void ToMessage(const model::Sandbox& sandbox, v1::SandboxSnapshot& message) {
  const auto& [id, head, generation, last_operation, created, changed, state, state_since, reason,
               text, agreement, agreement_message, spec, chain, secret_fields, plan, operation,
               current, held, extension_state, touched, launched, parked_in, exit_code, finished,
               conditions] = sandbox;
  message.set_schema_version(kSnapshotVersion);
  message.set_sandbox_id(id.value);
  message.set_head(head.value);
  message.set_generation(generation.value);
  message.set_last_operation(last_operation.value);
  message.set_created_unix_ms(created.value);
  message.set_changed_unix_ms(changed.value);
  message.set_state(std::string(model::Name(state)));
  message.set_state_since_unix_ms(state_since.value);
  message.set_reason(Utf8(reason));
  message.set_message(Utf8(text));
  message.set_agreement(std::string(model::Name(agreement)));
  message.set_agreement_message(Utf8(agreement_message));
  codec::ToMessage(spec, *message.mutable_spec());
  for (const model::ChainEntry& entry : chain) codec::ToMessage(entry, *message.add_chain());
  for (const std::string& field : secret_fields) message.add_secret_fields(Utf8(field));
  if (plan) codec::ToMessage(*plan, *message.mutable_plan());
  if (operation) ToMessage(*operation, *message.mutable_operation());
  if (current) ToMessage(*current, *message.mutable_current());
  for (const model::Step& step : held) ToMessage(step, *message.add_held());
  for (const auto& [participant, blob] : extension_state) {
    codec::ToMessage(blob, (*message.mutable_extension_state())[Utf8(participant)]);
  }
  for (const std::string& participant : touched) message.add_touched(Utf8(participant));
  message.set_launched(launched);
  if (parked_in) message.set_parked_in(std::string(model::Name(*parked_in)));
  if (exit_code) message.set_exit_code(*exit_code);
  for (const model::FinishedOperation& one : finished) ToMessage(one, *message.add_finished());
  for (const model::Condition& one : conditions) ToMessage(one, *message.add_conditions());
}

absl::StatusOr<model::Sandbox> FromMessage(const v1::SandboxSnapshot& message) {
  model::Sandbox sandbox;
  sandbox.id = {message.sandbox_id()};
  sandbox.head = {message.head()};
  sandbox.generation = {message.generation()};
  sandbox.last_operation = {message.last_operation()};
  sandbox.created = {message.created_unix_ms()};
  sandbox.changed = {message.changed_unix_ms()};
  HF_ASSIGN_OR_RETURN(sandbox.state,
                      Known(model::StateFromName(message.state()), "state", message.state()));
  sandbox.state_since = {message.state_since_unix_ms()};
  sandbox.reason = message.reason();
  sandbox.message = message.message();
  HF_ASSIGN_OR_RETURN(sandbox.agreement, Known(model::AgreementFromName(message.agreement()),
                                               "agreement", message.agreement()));
  sandbox.agreement_message = message.agreement_message();
  sandbox.spec = codec::FromMessage(message.spec());
  for (const v1::ChainEntry& entry : message.chain()) {
    sandbox.chain.push_back(codec::FromMessage(entry));
  }
  sandbox.secret_fields = {message.secret_fields().begin(), message.secret_fields().end()};
  if (message.has_plan()) sandbox.plan = codec::FromMessage(message.plan());
  if (message.has_operation()) {
    HF_ASSIGN_OR_RETURN(sandbox.operation, FromMessage(message.operation()));
  }
  if (message.has_current()) {
    HF_ASSIGN_OR_RETURN(sandbox.current, FromMessage(message.current()));
  }
  for (const v1::StepSnapshot& one : message.held()) {
    HF_ASSIGN_OR_RETURN(model::Step step, FromMessage(one));
    sandbox.held.push_back(std::move(step));
  }
  for (const auto& [participant, blob] : message.extension_state()) {
    sandbox.extension_state[participant] = codec::FromMessage(blob);
  }
  sandbox.touched = {message.touched().begin(), message.touched().end()};
  sandbox.launched = message.launched();
  if (message.has_parked_in()) {
    HF_ASSIGN_OR_RETURN(sandbox.parked_in, Known(model::StateFromName(message.parked_in()), "state",
                                                 message.parked_in()));
  }
  if (message.has_exit_code()) sandbox.exit_code = message.exit_code();
  for (const v1::FinishedOperationSnapshot& one : message.finished()) {
    HF_ASSIGN_OR_RETURN(model::FinishedOperation finished, FromMessage(one));
    sandbox.finished.push_back(std::move(finished));
  }
  for (const v1::ConditionSnapshot& one : message.conditions()) {
    sandbox.conditions.push_back(FromMessage(one));
  }
  return sandbox;
}

}  // namespace

std::string EncodeSnapshot(const model::Sandbox& sandbox) {
  v1::SandboxSnapshot message;
  ToMessage(sandbox, message);
  return Serialize(message);
}

absl::StatusOr<model::Sandbox> DecodeSnapshot(const std::string& bytes, std::string_view id) {
  v1::SandboxSnapshot message;
  if (!message.ParseFromString(bytes) || message.schema_version() == 0) {
    return absl::DataLossError(
        fmt::format("the {} bytes of its snapshot are not a snapshot", bytes.size()));
  }
  if (message.schema_version() != kSnapshotVersion) {
    return absl::FailedPreconditionError(
        fmt::format("its snapshot is of version {}, and version {} is read here",
                    message.schema_version(), kSnapshotVersion));
  }
  if (message.sandbox_id() != id) {
    return absl::DataLossError(
        fmt::format("its snapshot is of sandbox '{}'", message.sandbox_id()));
  }
  return FromMessage(message);
}

}  // namespace holdfast::codec
