// SPDX-License-Identifier: Apache-2.0
//
// An event as JSON. Field names are those of the journal's payloads (proto/holdfast).
#include <string>
#include <variant>
#include <vector>

#include "nlohmann/json.hpp"
#include "tools/views/narrator.h"

namespace holdfast::views {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const model::SandboxSpec& spec) {
  return {{"name", spec.name},
          {"workspace", spec.workspace},
          {"driver", spec.driver},
          {"image", spec.image},
          {"command", spec.command},
          {"environment", spec.environment},
          {"labels", spec.labels},
          {"tty", spec.tty},
          {"log_level", spec.log_level},
          {"cpu_request", spec.cpu_request},
          {"cpu_limit", spec.cpu_limit},
          {"memory_request", spec.memory_request},
          {"memory_limit", spec.memory_limit},
          {"driver_config", spec.driver_config},
          {"platform_config", spec.platform_config},
          {"gpu", spec.gpu},
          {"gpu_count", spec.gpu_count}};
}

Json ToJson(const model::ChainEntry& entry) {
  return {{"name", entry.name},
          {"version", entry.version},
          {"config_digest", entry.config_digest},
          {"activation", entry.activation},
          {"hooks", entry.hooks},
          {"fail_on_error", entry.on_failure == model::FailurePolicy::kFail},
          {"deadline_ms", entry.deadline.count()}};
}

Json ToJson(const model::ResourceClaim& claim) {
  return {{"kind", claim.kind}, {"name", claim.name}};
}

Json ToJson(const model::Resource& resource) {
  return {{"kind", resource.kind}, {"name", resource.name}, {"handle", resource.handle}};
}

Json ToJson(const model::PlanChange& change) {
  return {{"participant", change.participant}, {"field", change.field}, {"value", change.value}};
}

Json ToJson(const model::StepClaims& claims);

template <typename T>
Json ToJsonArray(const std::vector<T>& values) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(ToJson(value));
  return out;
}

Json ToJson(const model::StepClaims& claims) {
  return {{"step", claims.step},
          {"claims", ToJsonArray(claims.claims)},
          {"undo_args", claims.undo_args},
          {"undo_idempotent", claims.undo_idempotent},
          {"step_idempotent", claims.step_idempotent}};
}

Json ToJson(const model::LaunchPlan& plan) {
  return {{"env", plan.env},
          {"labels", plan.labels},
          {"launcher_args", plan.launcher_args},
          {"backend", plan.backend},
          {"driver_plan_type", plan.driver_plan_type},
          {"driver_plan_bytes", plan.driver_plan.size()},
          {"changes", ToJsonArray(plan.changes)},
          {"claims", ToJsonArray(plan.claims)}};
}

Json ToJson(const model::SandboxRequested& e) {
  return {{"generation", e.generation.value},
          {"spec", ToJson(e.spec)},
          {"chain", ToJsonArray(e.chain)},
          {"secret_fields", e.secret_fields}};
}

Json ToJson(const model::OperationAccepted& e) {
  return {{"operation", e.operation.value},
          {"kind", model::Name(e.kind)},
          {"request_id", e.request_id},
          {"force", e.force},
          {"grace_ms", e.grace_ms}};
}

Json ToJson(const model::OperationFinished& e) {
  return {{"operation", e.operation.value},
          {"result", model::Name(e.result)},
          {"reason", e.reason},
          {"message", e.message}};
}

Json ToJson(const model::Transitioned& e) {
  return {{"trigger", model::Name(e.trigger)},
          {"to", model::Name(e.to)},
          {"reason", e.reason},
          {"message", e.message}};
}

Json ToJson(const model::StepIntended& e) {
  Json out = {{"operation", e.operation.value},
              {"kind", e.kind == model::StepKind::kUndo ? "UNDO" : "FORWARD"},
              {"name", e.name},
              {"participant", e.participant},
              {"action", e.action},
              {"key", e.key},
              {"undoes", e.undoes.value},
              {"claims", ToJsonArray(e.claims)}};
  if (e.undo) {
    out["undo"] = {{"participant", e.undo->participant},
                   {"action", e.undo->action},
                   {"args", e.undo->args},
                   {"idempotent", e.undo->idempotent}};
  }
  out["idempotent"] = e.idempotent;
  out["args"] = e.args;
  out["deadline_ms"] = e.deadline_ms;
  return out;
}

Json ToJson(const model::StepAnswered& e) {
  const model::Outcome& outcome = e.outcome;
  Json out = {{"intent", e.intent.value},
              {"attempt", e.attempt},
              {"verdict", model::Name(outcome.verdict)},
              {"closes", e.closes},
              {"reason", outcome.reason},
              {"message", outcome.message},
              {"retryable", outcome.retryable},
              {"no_effect", outcome.no_effect},
              {"resources", ToJsonArray(outcome.resources)},
              {"env", outcome.env}};
  if (outcome.state) {
    out["state"] = {{"schema_version", outcome.state->schema_version},
                    {"bytes", outcome.state->bytes.size()}};
  }
  if (outcome.plan) out["plan"] = ToJson(*outcome.plan);
  return out;
}

Json ToJson(const model::StepRetryScheduled& e) {
  return {{"intent", e.intent.value},
          {"attempt", e.attempt},
          {"due_unix_ms", e.due.value},
          {"probe", e.probe}};
}

Json ToJson(const model::StepRetried& e) {
  return {
      {"intent", e.intent.value}, {"attempt", e.attempt}, {"probe", e.probe}, {"fresh", e.fresh}};
}

Json ToJson(const model::StepSkipped& e) {
  return {{"intent", e.intent.value},
          {"reason", e.reason},
          {"message", e.message},
          {"by_operator", e.by_operator}};
}

Json ToJson(const model::EffectVanished& e) {
  Json out = {{"intent", e.intent.value}, {"reason", e.reason}, {"message", e.message}};
  if (e.exit_code) out["exit_code"] = *e.exit_code;
  return out;
}

Json ToJson(const model::AgreementChanged& e) {
  return {{"agreement", model::Name(e.agreement)}, {"message", e.message}};
}

}  // namespace

std::string EventJson(const model::Event& event) {
  return std::visit(
      [](const auto& e) {
        // Bytes that are not UTF-8 are replaced: a strange message must not stop a timeline.
        return ToJson(e).dump(-1, ' ', false, Json::error_handler_t::replace);
      },
      event);
}

}  // namespace holdfast::views
