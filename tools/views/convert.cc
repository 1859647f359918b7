// SPDX-License-Identifier: Apache-2.0
#include "tools/views/convert.h"

#include <string>
#include <string_view>

#include "fmt/format.h"

namespace holdfast::views {
namespace {

template <typename Map, typename Field>
void CopyMap(const Map& from, Field* to) {
  for (const auto& [key, value] : from) (*to)[key] = value;
}

}  // namespace

lifecycle::v1::SandboxSpec SpecToProto(const model::SandboxSpec& spec) {
  lifecycle::v1::SandboxSpec out;
  out.set_name(spec.name);
  out.set_workspace(spec.workspace);
  out.set_driver(spec.driver);
  out.set_image(spec.image);
  for (const std::string& word : spec.command) out.add_command(word);
  CopyMap(spec.environment, out.mutable_environment());
  CopyMap(spec.labels, out.mutable_labels());
  out.set_tty(spec.tty);
  out.set_log_level(spec.log_level);
  out.set_cpu_request(spec.cpu_request);
  out.set_cpu_limit(spec.cpu_limit);
  out.set_memory_request(spec.memory_request);
  out.set_memory_limit(spec.memory_limit);
  out.set_driver_config(spec.driver_config);
  out.set_platform_config(spec.platform_config);
  out.set_gpu(spec.gpu);
  out.set_gpu_count(spec.gpu_count);
  return out;
}

model::SandboxSpec SpecFromProto(const lifecycle::v1::SandboxSpec& spec) {
  model::SandboxSpec out;
  out.name = spec.name();
  out.workspace = spec.workspace();
  out.driver = spec.driver();
  out.image = spec.image();
  out.command.assign(spec.command().begin(), spec.command().end());
  for (const auto& [key, value] : spec.environment()) out.environment[key] = value;
  for (const auto& [key, value] : spec.labels()) out.labels[key] = value;
  out.tty = spec.tty();
  out.log_level = spec.log_level();
  out.cpu_request = spec.cpu_request();
  out.cpu_limit = spec.cpu_limit();
  out.memory_request = spec.memory_request();
  out.memory_limit = spec.memory_limit();
  out.driver_config = spec.driver_config();
  out.platform_config = spec.platform_config();
  out.gpu = spec.gpu();
  out.gpu_count = spec.gpu_count();
  return out;
}

lifecycle::v1::ChainEntry ChainEntryToProto(const model::ChainEntry& entry) {
  lifecycle::v1::ChainEntry out;
  out.set_name(entry.name);
  out.set_version(entry.version);
  out.set_config_digest(entry.config_digest);
  out.set_activation(entry.activation);
  for (const std::string& hook : entry.hooks) out.add_hooks(hook);
  out.set_fail_on_error(entry.on_failure == model::FailurePolicy::kFail);
  out.set_deadline_ms(entry.deadline.count());
  return out;
}

lifecycle::v1::LaunchPlan PlanToProto(const model::LaunchPlan& plan) {
  lifecycle::v1::LaunchPlan out;
  CopyMap(plan.env, out.mutable_env());
  CopyMap(plan.labels, out.mutable_labels());
  for (const std::string& argument : plan.launcher_args) out.add_launcher_args(argument);
  out.set_backend(plan.backend);
  out.set_driver_plan_type(plan.driver_plan_type);
  out.set_driver_plan(plan.driver_plan);
  for (const model::PlanChange& change : plan.changes) {
    lifecycle::v1::PlanChange* to = out.add_changes();
    to->set_participant(change.participant);
    to->set_field(change.field);
    to->set_value(change.value);
  }
  for (const model::StepClaims& claims : plan.claims) {
    lifecycle::v1::StepClaims* to = out.add_claims();
    to->set_step(claims.step);
    for (const model::ResourceClaim& claim : claims.claims) {
      lifecycle::v1::ResourceClaim* resource = to->add_claims();
      resource->set_kind(claim.kind);
      resource->set_name(claim.name);
    }
    to->set_undo_args(claims.undo_args);
    to->set_undo_idempotent(claims.undo_idempotent);
    to->set_step_idempotent(claims.step_idempotent);
  }
  return out;
}

lifecycle::v1::StepStatus StepToProto(const model::Step& step) {
  lifecycle::v1::StepStatus out;
  out.set_intent(step.intent.value);
  out.set_name(step.what.name);
  out.set_participant(step.what.participant);
  out.set_action(step.what.action);
  out.set_key(step.what.key);
  out.set_phase(std::string(model::Name(step.phase)));
  out.set_attempt(step.attempt);
  out.set_certain(step.certain);
  out.set_reason(step.reason);
  out.set_message(step.message);
  out.set_since_unix_ms(step.since.value);
  out.set_due_unix_ms(step.due.value);
  return out;
}

lifecycle::v1::OperationStatus OperationToProto(const model::Operation& operation) {
  lifecycle::v1::OperationStatus out;
  out.set_id(operation.id.value);
  out.set_kind(std::string(model::Name(operation.kind)));
  out.set_request_id(operation.request_id);
  out.set_reason(operation.failure_reason);
  out.set_message(operation.failure_message);
  out.set_since_unix_ms(operation.since.value);
  return out;
}

lifecycle::v1::OperationStatus OperationToProto(const model::FinishedOperation& operation) {
  lifecycle::v1::OperationStatus out;
  out.set_id(operation.id.value);
  out.set_kind(std::string(model::Name(operation.kind)));
  out.set_request_id(operation.request_id);
  out.set_finished(true);
  out.set_result(std::string(model::Name(operation.result)));
  out.set_reason(operation.reason);
  out.set_message(operation.message);
  return out;
}

lifecycle::v1::Sandbox SandboxToProto(const model::Sandbox& sandbox, Form form,
                                      std::string_view quarantine) {
  lifecycle::v1::Sandbox out;
  out.set_id(sandbox.id.value);
  out.set_state(std::string(model::Name(sandbox.state)));
  out.set_reason(sandbox.reason);
  out.set_message(sandbox.message);
  out.set_agreement(std::string(model::Name(sandbox.agreement)));
  out.set_agreement_message(sandbox.agreement_message);
  out.set_generation(sandbox.generation.value);
  out.set_head_sequence(sandbox.head.value);
  out.set_created_unix_ms(sandbox.created.value);
  out.set_changed_unix_ms(sandbox.changed.value);
  out.set_state_since_unix_ms(sandbox.state_since.value);
  if (sandbox.operation) *out.mutable_operation() = OperationToProto(*sandbox.operation);
  for (const model::FinishedOperation& operation : sandbox.finished) {
    *out.add_finished() = OperationToProto(operation);
  }
  if (sandbox.current) *out.mutable_current() = StepToProto(*sandbox.current);
  for (const model::Condition& condition : sandbox.conditions) {
    lifecycle::v1::Condition* to = out.add_conditions();
    to->set_type(condition.type);
    to->set_reason(condition.reason);
    to->set_message(condition.message);
    to->set_since_unix_ms(condition.since.value);
  }
  if (sandbox.exit_code) out.set_exit_code(*sandbox.exit_code);
  out.set_quarantine(std::string(quarantine));
  if (form == Form::kShort) return out;

  *out.mutable_spec() = SpecToProto(sandbox.spec);
  for (const model::ChainEntry& entry : sandbox.chain) *out.add_chain() = ChainEntryToProto(entry);
  for (const model::Step& step : sandbox.held) *out.add_held() = StepToProto(step);
  if (sandbox.plan) *out.mutable_plan() = PlanToProto(*sandbox.plan);
  return out;
}

std::string_view Name(journal::LedgerStatus status) {
  switch (status) {
    case journal::LedgerStatus::kMaybe:
      return "maybe";
    case journal::LedgerStatus::kHeld:
      return "held";
    case journal::LedgerStatus::kReleased:
      return "released";
    case journal::LedgerStatus::kGone:
      return "gone";
  }
  return "maybe";  // of a number this version does not know: it may be there
}

lifecycle::v1::LedgerEntry LedgerToProto(const journal::LedgerRow& row,
                                         std::string_view sandbox_state) {
  lifecycle::v1::LedgerEntry out;
  out.set_sandbox_id(row.sandbox_id);
  out.set_participant(row.participant);
  out.set_kind(row.kind);
  out.set_name(row.name);
  out.set_handle(row.handle);
  out.set_status(std::string(Name(row.status)));
  out.set_intent(row.intent);
  out.set_key(row.key);
  out.set_since_unix_ms(row.since_unix_ms);
  out.set_sandbox_state(std::string(sandbox_state));
  return out;
}

lifecycle::v1::WhyResponse WhyToProto(const model::Sandbox& sandbox,
                                      const planning::Explanation& explanation) {
  lifecycle::v1::WhyResponse out;
  out.set_sandbox_id(sandbox.id.value);
  out.set_state(std::string(model::Name(sandbox.state)));
  out.set_needs_operator(explanation.needs_operator);
  out.set_summary(explanation.summary);
  for (const std::string& line : explanation.evidence) out.add_evidence(line);
  for (const std::string& line : explanation.commands) out.add_commands(line);
  return out;
}

lifecycle::v1::WhyResponse Why(const model::Sandbox& sandbox, std::string_view quarantine,
                               model::UnixMillis now) {
  if (quarantine.empty()) return WhyToProto(sandbox, planning::Explain(sandbox, now));
  planning::Explanation explanation;
  explanation.needs_operator = true;
  explanation.summary = fmt::format(
      "The records of {} cannot be read, so nothing is done with it and nothing it holds is "
      "released. Other sandboxes are not concerned.",
      sandbox.id.value);
  explanation.evidence.emplace_back(quarantine);
  explanation.commands = {
      "journal-cli verify",
      fmt::format("journal-cli ledger {} --all", sandbox.id.value),
  };
  return WhyToProto(sandbox, explanation);
}

lifecycle::v1::VerifyResponse VerifyToProto(const journal::VerifyReport& report) {
  lifecycle::v1::VerifyResponse out;
  out.set_records(report.records);
  out.set_sandboxes(report.sandboxes);
  for (const journal::Damage& damage : report.damages) {
    lifecycle::v1::Damage* to = out.add_damages();
    to->set_sandbox_id(damage.sandbox_id);
    to->set_position(damage.position);
    to->set_sequence(damage.sequence);
    to->set_kind(damage.kind);
    to->set_message(damage.message);
  }
  return out;
}

}  // namespace holdfast::views
