// SPDX-License-Identifier: Apache-2.0
//
// openshell.compute.v1.ComputeDriver, so that an OpenShell gateway uses Holdfast as its driver.
// What Holdfast makes of the contract's looser ends:
//
//   Create     answers when the create is durable; provisioning goes on. A used id is
//   AlreadyExists. Start      answers when durable. OK as well when the sandbox runs or is on its
//   way up. Stop       answers when the workload is seen not to run any more. Delete     answers
//   when nothing is left and that is durable. deleted=false: there was nothing. Identity   is the
//   id alone. A name that is given must be the id's own, else FailedPrecondition; a
//              sandbox is never looked up by name.
//   List, Get  Unavailable while they could be incomplete; a deleted sandbox is NotFound.
//   Watch      the present set, then changes, the latest of each sandbox. `deleted` is said only of
//   a
//              sandbox that is Deleted in the journal.
//   Workspaces need nothing here: Ensure and Delete check the name and succeed.
//   Secrets    are taken out before anything else reads the request, and go to the driver alone
//              (docs/secrets.md). Those of a start are removed.
#pragma once

#include "openshell/compute/v1/compute_driver.grpc.pb.h"
#include "tools/gateway/context.h"

namespace holdfast::gateway {

class ComputeService final : public openshell::compute::v1::ComputeDriver::CallbackService {
 public:
  static constexpr const char* kName = "openshell.compute.v1.ComputeDriver";

  // `context` must outlive the server.
  explicit ComputeService(ServiceContext& context) : context_(context) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* GetCapabilities(Context*, const openshell::compute::v1::GetCapabilitiesRequest*,
                         openshell::compute::v1::GetCapabilitiesResponse*) override;
  Unary* GetGatewayListenerRequirements(
      Context*, const openshell::compute::v1::GetGatewayListenerRequirementsRequest*,
      openshell::compute::v1::GetGatewayListenerRequirementsResponse*) override;
  Unary* ValidateSandboxCreate(Context*,
                               const openshell::compute::v1::ValidateSandboxCreateRequest*,
                               openshell::compute::v1::ValidateSandboxCreateResponse*) override;
  Unary* GetSandbox(Context*, const openshell::compute::v1::GetSandboxRequest*,
                    openshell::compute::v1::GetSandboxResponse*) override;
  Unary* ListSandboxes(Context*, const openshell::compute::v1::ListSandboxesRequest*,
                       openshell::compute::v1::ListSandboxesResponse*) override;
  Unary* CreateSandbox(Context*, const openshell::compute::v1::CreateSandboxRequest*,
                       openshell::compute::v1::CreateSandboxResponse*) override;
  Unary* StopSandbox(Context*, const openshell::compute::v1::StopSandboxRequest*,
                     openshell::compute::v1::StopSandboxResponse*) override;
  Unary* StartSandbox(Context*, const openshell::compute::v1::StartSandboxRequest*,
                      openshell::compute::v1::StartSandboxResponse*) override;
  Unary* DeleteSandbox(Context*, const openshell::compute::v1::DeleteSandboxRequest*,
                       openshell::compute::v1::DeleteSandboxResponse*) override;
  grpc::ServerWriteReactor<openshell::compute::v1::WatchSandboxesEvent>* WatchSandboxes(
      Context*, const openshell::compute::v1::WatchSandboxesRequest*) override;
  Unary* EnsureWorkspace(Context*, const openshell::compute::v1::EnsureWorkspaceRequest*,
                         openshell::compute::v1::EnsureWorkspaceResponse*) override;
  Unary* DeleteWorkspace(Context*, const openshell::compute::v1::DeleteWorkspaceRequest*,
                         openshell::compute::v1::DeleteWorkspaceResponse*) override;

 private:
  ServiceContext& context_;
};

}  // namespace holdfast::gateway
