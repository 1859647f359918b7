// SPDX-License-Identifier: Apache-2.0
//
// One overload of Payload and one branch of Decode for each kind of event.
#include "statemachine/codec/codec.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "statemachine/codec/messages.h"
#include "statemachine/codec/utf8.h"
#include "support/status_macros.h"

namespace holdfast::codec {
namespace {

using journal::RecordKind;
namespace v1 = lifecycle::v1;

std::string Payload(const model::SandboxRequested& event) {
  v1::SandboxRequestedEvent message;
  message.set_generation(event.generation.value);
  ToMessage(event.spec, *message.mutable_spec());
  for (const model::ChainEntry& entry : event.chain) ToMessage(entry, *message.add_chain());
  for (const std::string& field : event.secret_fields) message.add_secret_fields(Utf8(field));
  return Serialize(message);
}

std::string Payload(const model::OperationAccepted& event) {
  v1::OperationAcceptedEvent message;
  message.set_operation(event.operation.value);
  message.set_kind(std::string(model::Name(event.kind)));
  message.set_request_id(Utf8(event.request_id));
  message.set_force(event.force);
  message.set_grace_ms(event.grace_ms);
  return Serialize(message);
}

std::string Payload(const model::OperationFinished& event) {
  v1::OperationFinishedEvent message;
  message.set_operation(event.operation.value);
  message.set_result(std::string(model::Name(event.result)));
  message.set_reason(Utf8(event.reason));
  message.set_message(Utf8(event.message));
  return Serialize(message);
}

std::string Payload(const model::Transitioned& event) {
  v1::TransitionedEvent message;
  message.set_trigger(std::string(model::Name(event.trigger)));
  message.set_to(std::string(model::Name(event.to)));
  message.set_reason(Utf8(event.reason));
  message.set_message(Utf8(event.message));
  return Serialize(message);
}

std::string Payload(const model::StepIntended& event) {
  journal::v1::Intent message;
  ToMessage(event, message);
  return Serialize(message);
}

std::string Payload(const model::StepAnswered& event) {
  journal::v1::Outcome message;
  ToMessage(event, message);
  return Serialize(message);
}

std::string Payload(const model::StepRetryScheduled& event) {
  v1::StepRetryScheduledEvent message;
  message.set_intent(event.intent.value);
  message.set_attempt(event.attempt);
  message.set_due_unix_ms(event.due.value);
  message.set_probe(event.probe);
  return Serialize(message);
}

std::string Payload(const model::StepRetried& event) {
  v1::StepRetriedEvent message;
  message.set_intent(event.intent.value);
  message.set_attempt(event.attempt);
  message.set_probe(event.probe);
  message.set_fresh(event.fresh);
  return Serialize(message);
}

// Skipped and vanished end what is owed under their intent, and the journal, which keeps the open
// intents and the ledger, must see that: hence they are outcomes to it. No attempt made them.
std::string Payload(const model::StepSkipped& event) {
  journal::v1::Outcome message;
  message.set_intent(event.intent.value);
  message.set_verdict(event.by_operator ? journal::v1::Outcome::RELEASED
                                        : journal::v1::Outcome::ABANDONED);
  message.set_closes(true);
  message.set_reason(Utf8(event.reason));
  message.set_message(Utf8(event.message));
  return Serialize(message);
}

std::string Payload(const model::EffectVanished& event) {
  journal::v1::Outcome message;
  message.set_intent(event.intent.value);
  message.set_verdict(journal::v1::Outcome::VANISHED);
  message.set_closes(true);
  message.set_reason(Utf8(event.reason));
  message.set_message(Utf8(event.message));
  if (event.exit_code) message.set_exit_code(*event.exit_code);
  return Serialize(message);
}

std::string Payload(const model::AgreementChanged& event) {
  v1::AgreementChangedEvent message;
  message.set_agreement(std::string(model::Name(event.agreement)));
  message.set_message(Utf8(event.message));
  return Serialize(message);
}

RecordKind KindOf(const model::Event& event) {
  return std::visit(
      [](const auto& e) {
        using T = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<T, model::StepIntended>) return RecordKind::kIntent;
        if constexpr (std::is_same_v<T, model::StepAnswered> ||
                      std::is_same_v<T, model::StepSkipped> ||
                      std::is_same_v<T, model::EffectVanished>) {
          return RecordKind::kOutcome;
        }
        return RecordKind::kEvent;
      },
      event);
}

template <typename Message>
absl::StatusOr<Message> Parse(const std::string& payload) {
  Message message;
  if (!message.ParseFromString(payload)) {
    return absl::DataLossError(fmt::format("its {} bytes are not a {}", payload.size(),
                                           Message::descriptor()->full_name()));
  }
  return message;
}

absl::StatusOr<model::Event> DecodeTransition(model::Trigger trigger, const std::string& payload) {
  HF_ASSIGN_OR_RETURN(const auto message, Parse<v1::TransitionedEvent>(payload));
  if (message.trigger() != model::Name(trigger)) {
    return absl::DataLossError(
        fmt::format("its payload is of the trigger \"{}\"", message.trigger()));
  }
  HF_ASSIGN_OR_RETURN(const model::State to,
                      Known(model::StateFromName(message.to()), "state", message.to()));
  return model::Transitioned{trigger, to, message.reason(), message.message()};
}

absl::StatusOr<model::Event> DecodeSandboxRequested(const std::string& payload) {
  // The request and the move that it causes (Deleted to Requested) have one type name. Field 1
  // tells them apart: a text that is never empty in a transition, so that its payload starts with
  // the tag of a text; a number in a request.
  constexpr char kTextInField1 = 0x0A;
  if (payload.starts_with(kTextInField1)) {
    return DecodeTransition(model::Trigger::kSandboxRequested, payload);
  }
  HF_ASSIGN_OR_RETURN(const auto message, Parse<v1::SandboxRequestedEvent>(payload));
  model::SandboxRequested event;
  event.generation = {message.generation()};
  event.spec = FromMessage(message.spec());
  for (const v1::ChainEntry& entry : message.chain()) event.chain.push_back(FromMessage(entry));
  event.secret_fields = {message.secret_fields().begin(), message.secret_fields().end()};
  return event;
}

absl::StatusOr<model::Event> DecodeOperationAccepted(const std::string& payload) {
  HF_ASSIGN_OR_RETURN(const auto message, Parse<v1::OperationAcceptedEvent>(payload));
  HF_ASSIGN_OR_RETURN(
      const model::OperationKind kind,
      Known(model::OperationKindFromName(message.kind()), "operation", message.kind()));
  return model::OperationAccepted{.operation = {message.operation()},
                                  .kind = kind,
                                  .request_id = message.request_id(),
                                  .force = message.force(),
                                  .grace_ms = message.grace_ms()};
}

absl::StatusOr<model::Event> DecodeOperationFinished(const std::string& payload) {
  HF_ASSIGN_OR_RETURN(const auto message, Parse<v1::OperationFinishedEvent>(payload));
  HF_ASSIGN_OR_RETURN(
      const model::OperationResult result,
      Known(model::OperationResultFromName(message.result()), "result", message.result()));
  return model::OperationFinished{
      {message.operation()}, result, message.reason(), message.message()};
}

absl::StatusOr<model::Event> DecodeRetryScheduled(const std::string& payload) {
  HF_ASSIGN_OR_RETURN(const auto message, Parse<v1::StepRetryScheduledEvent>(payload));
  return model::StepRetryScheduled{.intent = {message.intent()},
                                   .attempt = message.attempt(),
                                   .due = {message.due_unix_ms()},
                                   .probe = message.probe()};
}

absl::StatusOr<model::Event> DecodeRetried(const std::string& payload) {
  HF_ASSIGN_OR_RETURN(const auto message, Parse<v1::StepRetriedEvent>(payload));
  return model::StepRetried{
      {message.intent()}, message.attempt(), message.probe(), message.fresh()};
}

absl::StatusOr<model::Event> DecodeAgreement(const std::string& payload) {
  HF_ASSIGN_OR_RETURN(const auto message, Parse<v1::AgreementChangedEvent>(payload));
  HF_ASSIGN_OR_RETURN(
      const model::Agreement agreement,
      Known(model::AgreementFromName(message.agreement()), "agreement", message.agreement()));
  return model::AgreementChanged{agreement, message.message()};
}

absl::StatusOr<model::Event> DecodeEvent(const journal::Record& record) {
  if (record.type == "SandboxRequested") return DecodeSandboxRequested(record.payload);
  if (record.type == "OperationAccepted") return DecodeOperationAccepted(record.payload);
  if (record.type == "OperationFinished") return DecodeOperationFinished(record.payload);
  if (record.type == "StepRetryScheduled") return DecodeRetryScheduled(record.payload);
  if (record.type == "StepRetried") return DecodeRetried(record.payload);
  if (record.type == "AgreementChanged") return DecodeAgreement(record.payload);
  if (const auto trigger = model::TriggerFromName(record.type)) {
    return DecodeTransition(*trigger, record.payload);
  }
  return absl::DataLossError("this version knows no event of this type");
}

absl::StatusOr<model::Event> DecodeIntent(const journal::Record& record) {
  if (record.type != "StepIntended") {
    return absl::DataLossError("this version knows no intent of this type");
  }
  HF_ASSIGN_OR_RETURN(const auto message, Parse<journal::v1::Intent>(record.payload));
  HF_ASSIGN_OR_RETURN(model::StepIntended step, FromMessage(message));
  return step;
}

absl::StatusOr<model::Event> DecodeOutcome(const journal::Record& record) {
  HF_ASSIGN_OR_RETURN(const auto message, Parse<journal::v1::Outcome>(record.payload));
  if (record.type == "StepAnswered") {
    HF_ASSIGN_OR_RETURN(model::StepAnswered answer, FromMessage(message));
    return answer;
  }
  const int verdict = static_cast<int>(message.verdict());
  if (record.type == "StepSkipped") {
    const bool by_operator = message.verdict() == journal::v1::Outcome::RELEASED;
    if (!by_operator && message.verdict() != journal::v1::Outcome::ABANDONED) {
      return absl::DataLossError(fmt::format("verdict {} does not skip a step", verdict));
    }
    return model::StepSkipped{{message.intent()}, message.reason(), message.message(), by_operator};
  }
  if (record.type == "EffectVanished") {
    if (message.verdict() != journal::v1::Outcome::VANISHED) {
      return absl::DataLossError(fmt::format("verdict {} is not Vanished", verdict));
    }
    model::EffectVanished vanished{{message.intent()}, message.reason(), message.message(), {}};
    if (message.has_exit_code()) vanished.exit_code = message.exit_code();
    return vanished;
  }
  return absl::DataLossError("this version knows no outcome of this type");
}

absl::StatusOr<model::Event> DecodeAny(const journal::Record& record) {
  switch (record.kind) {
    case RecordKind::kEvent:
      return DecodeEvent(record);
    case RecordKind::kIntent:
      return DecodeIntent(record);
    case RecordKind::kOutcome:
      return DecodeOutcome(record);
  }
  return absl::DataLossError(
      fmt::format("this version knows no record of kind {}", static_cast<int>(record.kind)));
}

}  // namespace

journal::Draft Encode(const model::Event& event, model::UnixMillis time) {
  journal::Draft draft;
  draft.kind = KindOf(event);
  draft.type = std::string(model::TypeName(event));
  draft.payload = std::visit([](const auto& e) { return Payload(e); }, event);
  draft.time_unix_ms = time.value;
  return draft;
}

absl::StatusOr<model::Recorded> Decode(const journal::Record& record) {
  absl::StatusOr<model::Event> event = DecodeAny(record);
  if (!event.ok()) {
    return absl::DataLossError(fmt::format("record {} of sandbox {} ({}) cannot be read: {}",
                                           record.sequence, record.sandbox_id, record.type,
                                           std::string(event.status().message())));
  }
  return model::Recorded{{record.sequence}, {record.time_unix_ms}, *std::move(event)};
}

std::string EncodePlan(const model::LaunchPlan& plan) {
  v1::LaunchPlan message;
  ToMessage(plan, message);
  return Serialize(message);
}

absl::StatusOr<model::LaunchPlan> DecodePlan(const std::string& bytes) {
  v1::LaunchPlan message;
  if (!message.ParseFromString(bytes)) {
    return absl::DataLossError(
        fmt::format("the plan's {} bytes are not a launch plan", bytes.size()));
  }
  return FromMessage(message);
}

}  // namespace holdfast::codec
