// SPDX-License-Identifier: Apache-2.0
//
// holdfast.lifecycle.v1.Lifecycle, Holdfast's own API (the proto says what each call promises).
// Live sandboxes are answered from the engine; records, ledger, deleted sandboxes and verification
// from the journal's reader, through the views that journal-cli uses as well.
#pragma once

#include "holdfast/lifecycle/v1/lifecycle.grpc.pb.h"
#include "tools/gateway/context.h"

namespace holdfast::gateway {

class LifecycleService final : public lifecycle::v1::Lifecycle::CallbackService {
 public:
  static constexpr const char* kName = "holdfast.lifecycle.v1.Lifecycle";

  // `context` must outlive the server.
  explicit LifecycleService(ServiceContext& context) : context_(context) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* Submit(Context*, const lifecycle::v1::SubmitRequest*,
                lifecycle::v1::SubmitResponse*) override;
  Unary* Get(Context*, const lifecycle::v1::GetRequest*, lifecycle::v1::GetResponse*) override;
  Unary* List(Context*, const lifecycle::v1::ListRequest*, lifecycle::v1::ListResponse*) override;
  grpc::ServerWriteReactor<lifecycle::v1::WatchResponse>* Watch(
      Context*, const lifecycle::v1::WatchRequest*) override;
  grpc::ServerWriteReactor<lifecycle::v1::HistoryEntry>* History(
      Context*, const lifecycle::v1::HistoryRequest*) override;
  Unary* Ledger(Context*, const lifecycle::v1::LedgerRequest*,
                lifecycle::v1::LedgerResponse*) override;
  Unary* Why(Context*, const lifecycle::v1::WhyRequest*, lifecycle::v1::WhyResponse*) override;
  Unary* Repair(Context*, const lifecycle::v1::RepairRequest*,
                lifecycle::v1::SubmitResponse*) override;
  Unary* Verify(Context*, const lifecycle::v1::VerifyRequest*,
                lifecycle::v1::VerifyResponse*) override;
  Unary* Status(Context*, const lifecycle::v1::StatusRequest*,
                lifecycle::v1::StatusResponse*) override;

 private:
  Unary* SubmitCommand(absl::StatusOr<model::Command> command, bool wait,
                       lifecycle::v1::SubmitResponse* response);

  ServiceContext& context_;
};

}  // namespace holdfast::gateway
