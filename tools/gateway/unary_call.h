// SPDX-License-Identifier: Apache-2.0
//
// A unary call that is answered later, from any thread, by whoever is first: the engine, a worker,
// the caller's cancellation or the drain. No thread is held meanwhile. A caller that goes away gets
// its call closed; the work goes on, and its late answer is dropped.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/statusor.h"
#include "tools/gateway/grpc_status.h"
#include "tools/gateway/open_calls.h"

namespace holdfast::gateway {

template <typename Response>
class UnaryCall final : public OpenCall {
 public:
  struct Made {
    std::shared_ptr<UnaryCall> call;
    grpc::ServerUnaryReactor* reactor;  // what the handler returns to gRPC
  };

  // `response` is gRPC's, valid until the call is answered. `calls` must outlive the call.
  static Made Make(OpenCalls& calls, Response* response) {
    auto call = std::make_shared<UnaryCall>(calls, response);
    auto* reactor = new Reactor(call);  // deletes itself when gRPC is done with it
    call->reactor_ = reactor;
    if (!calls.Add(call)) call->Close(DrainingStatus());
    return {std::move(call), reactor};
  }
  UnaryCall(OpenCalls& calls, Response* response) : calls_(calls), response_(response) {}

  void Answer(absl::StatusOr<Response> answer) {
    if (!answer.ok()) return Close(ToGrpc(answer.status()));
    Finish(grpc::Status::OK, [&answer](Response& response) { response = *std::move(answer); });
  }
  void Close(const grpc::Status& status) override {
    Finish(status, [](Response&) {});
  }

 private:
  class Reactor final : public grpc::ServerUnaryReactor {
   public:
    explicit Reactor(std::shared_ptr<UnaryCall> call) : call_(std::move(call)) {
      call_->calls_.ReactorBegan();
    }
    void OnCancel() override {
      call_->Close({grpc::StatusCode::CANCELLED, "the caller went away"});
    }
    void OnDone() override {
      OpenCalls& calls = call_->calls_;
      delete this;
      calls.ReactorEnded();
    }

   private:
    const std::shared_ptr<UnaryCall> call_;
  };

  template <typename Fill>
  void Finish(const grpc::Status& status, Fill fill) {
    Reactor* reactor = nullptr;
    {
      std::lock_guard lock(mutex_);
      reactor = std::exchange(reactor_, nullptr);
    }
    if (reactor == nullptr) return;
    calls_.Remove(this);
    fill(*response_);
    reactor->Finish(status);
  }

  OpenCalls& calls_;
  Response* const response_;
  std::mutex mutex_;
  Reactor* reactor_ = nullptr;  // guarded by mutex_; null when answered
};

}  // namespace holdfast::gateway
