// SPDX-License-Identifier: Apache-2.0
#include "journal/c/intents.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "journal/c/structs.h"
#include "journal/c/utf8.h"
#include "support/status_macros.h"

namespace holdfast::journal::c {
namespace {

// More elements than a payload of 1 MiB could hold names for: a count that was not set.
constexpr std::size_t kListMax = 1 << 16;

absl::Status Set(std::string_view name, const char* text, std::string* field) {
  if (text == nullptr) return absl::OkStatus();
  *field = text;
  if (!IsUtf8(*field)) return absl::InvalidArgumentError(fmt::format("{} is not UTF-8", name));
  return absl::OkStatus();
}

// Calls `add` with each element of a caller's list.
template <typename Struct, typename Add>
absl::Status Each(const Struct* const* list, std::size_t count, std::string_view name, Add add) {
  if (count == 0) return absl::OkStatus();
  if (list == nullptr || count > kListMax) {
    return absl::InvalidArgumentError(fmt::format("{} cannot be a list of {}", name, count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    HF_ASSIGN_OR_RETURN(const Struct ours, Take(list[i], fmt::format("{}[{}]", name, i)));
    HF_RETURN_IF_ERROR(add(ours));
  }
  return absl::OkStatus();
}

absl::Status SetResource(const hf_resource& ours, v1::Resource* message) {
  HF_RETURN_IF_ERROR(Set("kind of a resource", ours.kind, message->mutable_kind()));
  HF_RETURN_IF_ERROR(Set("name of a resource", ours.name, message->mutable_name()));
  return Set("handle of a resource", ours.handle, message->mutable_handle());
}

absl::Status SetVariable(const hf_variable& ours, v1::Outcome& message) {
  std::string name;
  std::string value;
  HF_RETURN_IF_ERROR(Set("name of a variable", ours.name, &name));
  HF_RETURN_IF_ERROR(Set("value of a variable", ours.value, &value));
  if (name.empty()) return absl::InvalidArgumentError("a variable has no name");
  (*message.mutable_env())[name] = std::move(value);
  return absl::OkStatus();
}

absl::Status SetUndo(const hf_intent& ours, v1::Undo* message) {
  HF_RETURN_IF_ERROR(
      Set("undo_participant",
          ours.undo_participant != nullptr ? ours.undo_participant : ours.participant,
          message->mutable_participant()));
  HF_RETURN_IF_ERROR(Set("undo_action", ours.undo_action, message->mutable_action()));
  HF_RETURN_IF_ERROR(Set("undo_args", ours.undo_args, message->mutable_args()));
  message->set_idempotent(ours.undo_idempotent != 0);
  return absl::OkStatus();
}

hf_resource StructOf(const v1::Resource& message) {
  hf_resource resource{};
  resource.size = sizeof(hf_resource);
  resource.kind = message.kind().c_str();
  resource.name = message.name().c_str();
  resource.handle = message.handle().c_str();
  return resource;
}

hf_variable StructOf(const google::protobuf::MapPair<std::string, std::string>& pair) {
  hf_variable variable{};
  variable.size = sizeof(hf_variable);
  variable.name = pair.first.c_str();
  variable.value = pair.second.c_str();
  return variable;
}

// A list of structs as the interface shows it: pointers, so that the structs may grow.
template <typename Struct>
class List {
 public:
  template <typename Messages>
  explicit List(const Messages& messages) {
    structs_.reserve(static_cast<std::size_t>(messages.size()));
    for (const auto& message : messages) structs_.push_back(StructOf(message));
    pointers_.reserve(structs_.size());
    for (const Struct& element : structs_) pointers_.push_back(&element);
  }
  const Struct* const* data() const { return pointers_.data(); }
  std::size_t size() const { return pointers_.size(); }

 private:
  std::vector<Struct> structs_;
  std::vector<const Struct*> pointers_;
};

}  // namespace

absl::StatusOr<v1::Intent> ToMessage(const hf_intent* theirs) {
  HF_ASSIGN_OR_RETURN(const hf_intent ours, Take(theirs, "the intent"));
  if (ours.kind != HF_FORWARD && ours.kind != HF_UNDO) {
    return absl::InvalidArgumentError("an intent is neither HF_FORWARD nor HF_UNDO");
  }
  HF_RETURN_IF_ERROR(CheckReserved(ours.reserved, "the intent"));
  v1::Intent message;
  message.set_operation(ours.operation);
  message.set_kind(ours.kind == HF_FORWARD ? v1::Intent::FORWARD : v1::Intent::UNDO);
  message.set_undoes(ours.undoes);
  message.set_idempotent(ours.idempotent != 0);
  message.set_deadline_ms(ours.deadline_ms);
  HF_RETURN_IF_ERROR(Set("name", ours.name, message.mutable_name()));
  HF_RETURN_IF_ERROR(Set("participant", ours.participant, message.mutable_participant()));
  HF_RETURN_IF_ERROR(Set("action", ours.action, message.mutable_action()));
  HF_RETURN_IF_ERROR(Set("key", ours.key, message.mutable_key()));
  HF_RETURN_IF_ERROR(Set("args", ours.args, message.mutable_args()));
  if (ours.undo_action != nullptr) HF_RETURN_IF_ERROR(SetUndo(ours, message.mutable_undo()));
  HF_RETURN_IF_ERROR(Each(ours.claims, ours.claims_count, "claims", [&](const hf_resource& claim) {
    return SetResource(claim, message.add_claims());
  }));
  return message;
}

absl::StatusOr<v1::Outcome> ToMessage(const hf_outcome* theirs) {
  HF_ASSIGN_OR_RETURN(const hf_outcome ours, Take(theirs, "the outcome"));
  if (ours.verdict < HF_DONE || ours.verdict > HF_ABANDONED) {
    return absl::InvalidArgumentError(
        fmt::format("an outcome has no verdict that the journal knows ({})", ours.verdict));
  }
  v1::Outcome message;
  message.set_intent(ours.intent);
  message.set_attempt(ours.attempt);
  message.set_verdict(static_cast<v1::Outcome::Verdict>(ours.verdict));
  message.set_closes(ours.closes != 0);
  message.set_retryable(ours.retryable != 0);
  message.set_no_effect(ours.no_effect != 0);
  if (ours.has_exit_code != 0) message.set_exit_code(ours.exit_code);
  HF_RETURN_IF_ERROR(Set("reason", ours.reason, message.mutable_reason()));
  HF_RETURN_IF_ERROR(Set("message", ours.message, message.mutable_message()));
  HF_RETURN_IF_ERROR(Each(
      ours.resources, ours.resources_count, "resources",
      [&](const hf_resource& resource) { return SetResource(resource, message.add_resources()); }));
  HF_RETURN_IF_ERROR(
      Each(ours.variables, ours.variables_count, "variables",
           [&](const hf_variable& variable) { return SetVariable(variable, message); }));
  HF_ASSIGN_OR_RETURN(std::string state, BytesOf(ours.state, ours.state_bytes, "state"));
  if (ours.state != nullptr) {
    message.mutable_state()->set_schema_version(ours.state_schema);
    message.mutable_state()->set_bytes(std::move(state));
  }
  HF_ASSIGN_OR_RETURN(std::string result, BytesOf(ours.result, ours.result_bytes, "result"));
  if (ours.result != nullptr) message.set_result(std::move(result));
  return message;
}

void WithStruct(const v1::Intent& message, const std::function<void(const hf_intent&)>& visit) {
  const List<hf_resource> claims(message.claims());
  hf_intent intent{};
  intent.size = sizeof(hf_intent);
  intent.operation = message.operation();
  intent.undoes = message.undoes();
  intent.deadline_ms = message.deadline_ms();
  intent.name = message.name().c_str();
  intent.participant = message.participant().c_str();
  intent.action = message.action().c_str();
  intent.key = message.key().c_str();
  intent.args = message.args().c_str();
  intent.undo_action = message.has_undo() ? message.undo().action().c_str() : nullptr;
  intent.undo_args = message.undo().args().c_str();
  intent.undo_participant = message.undo().participant().c_str();
  intent.undo_idempotent = message.undo().idempotent() ? 1 : 0;
  intent.claims = claims.data();
  intent.claims_count = claims.size();
  intent.kind = static_cast<std::int32_t>(message.kind());
  intent.idempotent = message.idempotent() ? 1 : 0;
  visit(intent);
}

void WithStruct(const v1::Outcome& message, const std::function<void(const hf_outcome&)>& visit) {
  const List<hf_resource> resources(message.resources());
  const List<hf_variable> variables(message.env());
  hf_outcome outcome{};
  outcome.size = sizeof(hf_outcome);
  outcome.intent = message.intent();
  outcome.reason = message.reason().c_str();
  outcome.message = message.message().c_str();
  outcome.resources = resources.data();
  outcome.resources_count = resources.size();
  outcome.variables = variables.data();
  outcome.variables_count = variables.size();
  outcome.state = message.has_state() ? DataOf(message.state().bytes()) : nullptr;
  outcome.state_bytes = message.state().bytes().size();
  outcome.result = message.has_result() ? DataOf(message.result()) : nullptr;
  outcome.result_bytes = message.result().size();
  outcome.attempt = message.attempt();
  outcome.state_schema = message.state().schema_version();
  outcome.verdict = static_cast<std::int32_t>(message.verdict());
  outcome.closes = message.closes() ? 1 : 0;
  outcome.retryable = message.retryable() ? 1 : 0;
  outcome.no_effect = message.no_effect() ? 1 : 0;
  outcome.has_exit_code = message.has_exit_code() ? 1 : 0;
  outcome.exit_code = message.exit_code();
  visit(outcome);
}

}  // namespace holdfast::journal::c
