// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/compute_service.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "support/status_macros.h"
#include "tools/gateway/calls.h"
#include "tools/gateway/compute_translate.h"
#include "tools/gateway/request_checks.h"
#include "tools/gateway/secrets.h"
#include "tools/gateway/watch.h"

namespace holdfast::gateway {

namespace pb = openshell::compute::v1;

namespace {

// The version of the contract's peer negotiation that is spoken, and what of it.
constexpr std::uint32_t kProtocolMajor = 1;
constexpr const char* kContractCapability = "openshell.compute.contract";

// A create as the model has it, from a request of either kind.
template <typename Request>
absl::StatusOr<model::Command> CreateCommandFrom(const ServiceContext& context,
                                                 const Request& original) {
  Request request = original;
  model::CreateSandbox create;
  if (request.sandbox().has_spec()) {
    // A driver knows them by their names in the spec.
    create.secrets = TakeSecrets(*request.mutable_sandbox()->mutable_spec());
  }
  TakeSecrets(request);  // if there ever are any elsewhere: to nobody
  HF_RETURN_IF_ERROR(CheckSandboxId(request.sandbox().id()));
  HF_RETURN_IF_ERROR(CheckSecrets(create.secrets));
  HF_ASSIGN_OR_RETURN(create.spec,
                      SpecFromDriverSandbox(request.sandbox(), context.facts.default_driver));
  HF_RETURN_IF_ERROR(CheckSpec(create.spec));
  return model::Command{.sandbox = {request.sandbox().id()}, .request_id = {}, .wish = create};
}

// The sandbox of this id, if there is one that is not deleted.
absl::StatusOr<engine::Update> FindLive(engine::Engine& engine, const std::string& id,
                                        const std::string& name) {
  HF_ASSIGN_OR_RETURN(engine::Update update, engine.Get({id}));
  if (update.quarantine.empty() && !update.sandbox.live()) {
    return absl::NotFoundError(fmt::format("sandbox {} is deleted", id));
  }
  const std::string& known = update.sandbox.spec.name;
  if (!name.empty() && !known.empty() && name != known) {
    return absl::FailedPreconditionError(
        fmt::format("sandbox {} is named \"{}\", not \"{}\"; nothing was done", id, known, name));
  }
  return update;
}

// What an operation that was waited for came to.
absl::Status ResultOf(const engine::Submitted& submitted, std::string_view verb) {
  const model::Sandbox& sandbox = submitted.sandbox;
  if (!submitted.result) {
    return absl::FailedPreconditionError(
        fmt::format("the {} of {} needs an operator: {} (see `journal-cli why {}`)", verb,
                    sandbox.id.value, sandbox.message, sandbox.id.value));
  }
  switch (submitted.result->result) {
    case model::OperationResult::kSucceeded:
      return absl::OkStatus();
    case model::OperationResult::kInterrupted:
      return absl::AbortedError(
          fmt::format("the {} of {} was overtaken by a delete", verb, sandbox.id.value));
    case model::OperationResult::kFailed:
      break;
  }
  return absl::InternalError(fmt::format("the {} of {} failed: {}: {}", verb, sandbox.id.value,
                                         submitted.result->reason, submitted.result->message));
}

// How one of Stop, Start and Delete is carried out.
template <typename Response>
struct Change {
  std::string id;
  std::string name;
  model::Command command;
  bool wait = false;
  // The answer when there is no such sandbox.
  absl::StatusOr<Response> (*absent)(const absl::Status& not_found);
  // True when there is nothing to do; may be null.
  bool (*already)(const model::Sandbox& sandbox) = nullptr;
  absl::StatusOr<Response> (*finish)(absl::StatusOr<engine::Submitted> submitted);
};

// Checks id and name on a worker, then gives the command to the engine, whose answer is the call's.
template <typename Response>
grpc::ServerUnaryReactor* Submit(ServiceContext& context, Change<Response> change,
                                 Response* response) {
  if (absl::Status status = CheckSandboxId(change.id); !status.ok()) {
    return AnswerNow<Response>(context, response, status);
  }
  change.command.sandbox = {change.id};
  auto made = UnaryCall<Response>::Make(context.calls, response);
  const bool queued = context.readers.Run([&context, call = made.call,
                                           change = std::move(change)]() mutable {
    absl::StatusOr<engine::Engine*> engine = context.Engine();
    if (!engine.ok()) return call->Answer(engine.status());
    const absl::StatusOr<engine::Update> found = FindLive(**engine, change.id, change.name);
    if (absl::IsNotFound(found.status())) return call->Answer(change.absent(found.status()));
    if (!found.ok()) return call->Answer(found.status());
    if (change.already != nullptr && change.already(found->sandbox)) {
      return call->Answer(Response());
    }
    (*engine)->Submit(std::move(change.command), change.wait,
                      [call, finish = change.finish](absl::StatusOr<engine::Submitted> submitted) {
                        call->Answer(finish(std::move(submitted)));
                      });
  });
  if (!queued) made.call->Answer(Overloaded());
  return made.reactor;
}

// On its way up, by a create or another start: a start has nothing to add. An error would make an
// OpenShell gateway that comes up give the sandbox up for good.
bool IsOnItsWayUp(const model::Sandbox& sandbox) {
  if (!sandbox.operation || !sandbox.operation->failure_reason.empty()) return false;
  if (sandbox.state == model::State::kStuck) return false;
  return sandbox.operation->kind == model::OperationKind::kCreate ||
         sandbox.operation->kind == model::OperationKind::kStart;
}

template <typename Response>
absl::StatusOr<Response> NotFound(const absl::Status& status) {
  return status;
}

pb::WatchSandboxesEvent EventFrom(const engine::Update& update) {
  pb::WatchSandboxesEvent event;
  if (update.quarantine.empty() && update.sandbox.state == model::State::kDeleted) {
    event.mutable_deleted()->set_sandbox_id(update.sandbox.id.value);
  } else {
    *event.mutable_sandbox()->mutable_sandbox() =
        DriverSandboxFrom(update.sandbox, update.quarantine, SpecForm::kWithout);
  }
  return event;
}

}  // namespace

grpc::ServerUnaryReactor* ComputeService::GetCapabilities(Context*,
                                                          const pb::GetCapabilitiesRequest*,
                                                          pb::GetCapabilitiesResponse* response) {
  pb::GetCapabilitiesResponse answer;
  // The caller keeps this answer for as long as it runs, so it must not be given half known.
  absl::StatusOr<engine::Engine*> engine = context_.Engine();
  if (!engine.ok())
    return AnswerNow<pb::GetCapabilitiesResponse>(context_, response, engine.status());
  for (const drivers::Capabilities& driver : (*engine)->drivers()) {
    if (driver.name == context_.facts.default_driver)
      answer.set_default_image(driver.default_image);
  }
  answer.set_driver_name("holdfast");
  answer.set_driver_version(context_.facts.version);
  // Sandboxes outlive the caller, and Holdfast brings them back itself.
  answer.set_gateway_manages_lifecycle(false);
  auto& peer = *answer.mutable_extension();
  peer.mutable_protocol_version()->set_major(kProtocolMajor);
  peer.set_implementation_name("holdfast");
  peer.set_implementation_version(context_.facts.version);
  peer.add_supported_capabilities(kContractCapability);
  return AnswerNow<pb::GetCapabilitiesResponse>(context_, response, std::move(answer));
}

grpc::ServerUnaryReactor* ComputeService::GetGatewayListenerRequirements(
    Context*, const pb::GetGatewayListenerRequirementsRequest*,
    pb::GetGatewayListenerRequirementsResponse* response) {
  return AnswerNow<pb::GetGatewayListenerRequirementsResponse>(
      context_, response, pb::GetGatewayListenerRequirementsResponse());
}

grpc::ServerUnaryReactor* ComputeService::ValidateSandboxCreate(
    Context*, const pb::ValidateSandboxCreateRequest* request,
    pb::ValidateSandboxCreateResponse* response) {
  using Response = pb::ValidateSandboxCreateResponse;
  absl::StatusOr<model::Command> command = CreateCommandFrom(context_, *request);
  if (!command.ok()) return AnswerNow<Response>(context_, response, command.status());
  return AnswerFrom(context_, context_.validators, response,
                    [this, command = *std::move(command)]() -> absl::StatusOr<Response> {
                      HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
                      HF_RETURN_IF_ERROR(engine->ValidateCreate(
                          command.sandbox, std::get<model::CreateSandbox>(command.wish).spec));
                      return Response();
                    });
}

grpc::ServerUnaryReactor* ComputeService::CreateSandbox(Context*,
                                                        const pb::CreateSandboxRequest* request,
                                                        pb::CreateSandboxResponse* response) {
  using Response = pb::CreateSandboxResponse;
  absl::StatusOr<model::Command> command = CreateCommandFrom(context_, *request);
  if (!command.ok()) return AnswerNow<Response>(context_, response, command.status());
  absl::StatusOr<engine::Engine*> engine = context_.Engine();
  if (!engine.ok()) return AnswerNow<Response>(context_, response, engine.status());
  auto made = UnaryCall<Response>::Make(context_.calls, response);
  (*engine)->Submit(*std::move(command), /*wait=*/false,
                    [call = made.call](absl::StatusOr<engine::Submitted> submitted) {
                      if (!submitted.ok()) return call->Answer(submitted.status());
                      call->Answer(Response());
                    });
  return made.reactor;
}

grpc::ServerUnaryReactor* ComputeService::GetSandbox(Context*, const pb::GetSandboxRequest* request,
                                                     pb::GetSandboxResponse* response) {
  using Response = pb::GetSandboxResponse;
  if (absl::Status status = CheckSandboxId(request->sandbox_id()); !status.ok()) {
    return AnswerNow<Response>(context_, response, status);
  }
  return AnswerFrom(context_, context_.readers, response,
                    [this, id = request->sandbox_id(),
                     name = request->sandbox_name()]() -> absl::StatusOr<Response> {
                      HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
                      HF_ASSIGN_OR_RETURN(engine::Update update, FindLive(*engine, id, name));
                      Response answer;
                      *answer.mutable_sandbox() =
                          DriverSandboxFrom(update.sandbox, update.quarantine, SpecForm::kWith);
                      return answer;
                    });
}

grpc::ServerUnaryReactor* ComputeService::ListSandboxes(Context*, const pb::ListSandboxesRequest*,
                                                        pb::ListSandboxesResponse* response) {
  using Response = pb::ListSandboxesResponse;
  return AnswerFrom(context_, context_.readers, response, [this]() -> absl::StatusOr<Response> {
    HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
    HF_ASSIGN_OR_RETURN(const std::vector<engine::Update> live, engine->ListLive());
    Response answer;
    for (const engine::Update& update : live) {
      *answer.add_sandboxes() =
          DriverSandboxFrom(update.sandbox, update.quarantine, SpecForm::kWithout);
    }
    return answer;
  });
}

grpc::ServerUnaryReactor* ComputeService::StopSandbox(Context*,
                                                      const pb::StopSandboxRequest* request,
                                                      pb::StopSandboxResponse* response) {
  using Response = pb::StopSandboxResponse;
  const auto finish = [](absl::StatusOr<engine::Submitted> submitted) -> absl::StatusOr<Response> {
    HF_RETURN_IF_ERROR(submitted.status());
    HF_RETURN_IF_ERROR(ResultOf(*submitted, "stop"));
    return Response();
  };
  return Submit<Response>(
      context_,
      {.id = request->sandbox_id(),
       .name = request->sandbox_name(),
       .command = {.sandbox = {}, .request_id = {}, .wish = model::StopSandbox()},
       .wait = true,
       .absent = &NotFound<Response>,
       .finish = finish},
      response);
}

grpc::ServerUnaryReactor* ComputeService::StartSandbox(Context*,
                                                       const pb::StartSandboxRequest* request,
                                                       pb::StartSandboxResponse* response) {
  using Response = pb::StartSandboxResponse;
  if (absl::Status status = CheckRequestId(request->generation_id()); !status.ok()) {
    return AnswerNow<Response>(context_, response, status);
  }
  const auto finish = [](absl::StatusOr<engine::Submitted> submitted) -> absl::StatusOr<Response> {
    HF_RETURN_IF_ERROR(submitted.status());
    return Response();
  };
  return Submit<Response>(context_,
                          {.id = request->sandbox_id(),
                           .name = request->sandbox_name(),
                           .command = {.sandbox = {},
                                       .request_id = request->generation_id(),
                                       .wish = model::StartSandbox()},
                           .wait = false,
                           .absent = &NotFound<Response>,
                           .already = &IsOnItsWayUp,
                           .finish = finish},
                          response);
}

grpc::ServerUnaryReactor* ComputeService::DeleteSandbox(Context*,
                                                        const pb::DeleteSandboxRequest* request,
                                                        pb::DeleteSandboxResponse* response) {
  using Response = pb::DeleteSandboxResponse;
  const auto absent = [](const absl::Status&) -> absl::StatusOr<Response> { return Response(); };
  const auto finish = [](absl::StatusOr<engine::Submitted> submitted) -> absl::StatusOr<Response> {
    // Somebody else's delete was faster: nothing is left, but not by this call.
    if (absl::IsNotFound(submitted.status())) return Response();
    HF_RETURN_IF_ERROR(submitted.status());
    HF_RETURN_IF_ERROR(ResultOf(*submitted, "delete"));
    Response answer;
    answer.set_deleted(true);
    return answer;
  };
  return Submit<Response>(
      context_,
      {.id = request->sandbox_id(),
       .name = request->sandbox_name(),
       .command = {.sandbox = {}, .request_id = {}, .wish = model::DeleteSandbox()},
       .wait = true,
       .absent = absent,
       .finish = finish},
      response);
}

grpc::ServerWriteReactor<pb::WatchSandboxesEvent>* ComputeService::WatchSandboxes(
    Context*, const pb::WatchSandboxesRequest*) {
  return Watch<pb::WatchSandboxesEvent>(
      context_, [](const engine::Update& update) { return std::optional(EventFrom(update)); },
      std::nullopt);
}

grpc::ServerUnaryReactor* ComputeService::EnsureWorkspace(Context*,
                                                          const pb::EnsureWorkspaceRequest* request,
                                                          pb::EnsureWorkspaceResponse* response) {
  using Response = pb::EnsureWorkspaceResponse;
  if (absl::Status status = CheckWorkspace(request->workspace()); !status.ok()) {
    return AnswerNow<Response>(context_, response, status);
  }
  return AnswerNow<Response>(context_, response, Response());
}

grpc::ServerUnaryReactor* ComputeService::DeleteWorkspace(Context*,
                                                          const pb::DeleteWorkspaceRequest* request,
                                                          pb::DeleteWorkspaceResponse* response) {
  using Response = pb::DeleteWorkspaceResponse;
  if (absl::Status status = CheckWorkspace(request->workspace()); !status.ok()) {
    return AnswerNow<Response>(context_, response, status);
  }
  return AnswerNow<Response>(context_, response, Response());
}

}  // namespace holdfast::gateway
