// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/lifecycle_commands.h"

#include "support/status_macros.h"
#include "tools/gateway/request_checks.h"
#include "tools/views/convert.h"

namespace holdfast::gateway {
namespace {

template <typename Wish, typename Message>
absl::StatusOr<Wish> Ending(const Message& message) {
  Wish wish{.force = message.force()};
  if (message.has_grace_ms()) wish.grace_ms = message.grace_ms();
  HF_RETURN_IF_ERROR(CheckGrace(wish.grace_ms));
  return wish;
}

}  // namespace

absl::StatusOr<model::Command> CommandFrom(const GatewayFacts& facts,
                                           const lifecycle::v1::SubmitRequest& request) {
  HF_RETURN_IF_ERROR(CheckSandboxId(request.sandbox_id()));
  HF_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  model::Command command{
      .sandbox = {request.sandbox_id()}, .request_id = request.request_id(), .wish = {}};
  switch (request.command_case()) {
    case lifecycle::v1::SubmitRequest::kCreate: {
      if (!request.create().has_spec()) {
        return absl::InvalidArgumentError("create.spec is missing; it must say what to launch");
      }
      model::CreateSandbox create{.spec = views::SpecFromProto(request.create().spec()),
                                  .chain = {}};
      if (create.spec.driver.empty()) create.spec.driver = facts.default_driver;
      HF_RETURN_IF_ERROR(CheckSpec(create.spec));
      HF_RETURN_IF_ERROR(CheckDriverName(facts, create.spec.driver));
      command.wish = std::move(create);
      return command;
    }
    case lifecycle::v1::SubmitRequest::kStart:
      command.wish = model::StartSandbox();
      return command;
    case lifecycle::v1::SubmitRequest::kStop: {
      HF_ASSIGN_OR_RETURN(command.wish, Ending<model::StopSandbox>(request.stop()));
      return command;
    }
    case lifecycle::v1::SubmitRequest::kDelete: {
      HF_ASSIGN_OR_RETURN(command.wish, Ending<model::DeleteSandbox>(request.delete_()));
      return command;
    }
    case lifecycle::v1::SubmitRequest::COMMAND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no command is set; give one of create, start, stop, delete");
}

absl::StatusOr<model::Command> CommandFrom(const lifecycle::v1::RepairRequest& request) {
  HF_RETURN_IF_ERROR(CheckSandboxId(request.sandbox_id()));
  HF_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  HF_RETURN_IF_ERROR(CheckNote(request.note()));
  model::Repair repair{.kind = model::Repair::Kind::kRetry,
                       .intent = model::IntentId{request.intent()},
                       .note = request.note()};
  switch (request.kind()) {
    case lifecycle::v1::RepairRequest::RETRY:
      break;
    case lifecycle::v1::RepairRequest::MARK_RELEASED:
      if (repair.note.empty()) {
        return absl::InvalidArgumentError(
            "note is empty; MARK_RELEASED needs to be told who says so, and why");
      }
      repair.kind = model::Repair::Kind::kMarkReleased;
      break;
    default:
      return absl::InvalidArgumentError("kind is not set; give RETRY or MARK_RELEASED");
  }
  return model::Command{.sandbox = {request.sandbox_id()},
                        .request_id = request.request_id(),
                        .wish = std::move(repair)};
}

lifecycle::v1::SubmitResponse ResponseFrom(const engine::Submitted& submitted) {
  lifecycle::v1::SubmitResponse response;
  response.set_operation(submitted.operation.value);
  *response.mutable_sandbox() = views::SandboxToProto(submitted.sandbox, views::Form::kFull);
  if (submitted.result) *response.mutable_result() = views::OperationToProto(*submitted.result);
  return response;
}

}  // namespace holdfast::gateway
