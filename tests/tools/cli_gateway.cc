// SPDX-License-Identifier: Apache-2.0
#include "tests/tools/cli_gateway.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/tools/cli_fixture.h"

namespace holdfast::testing {
namespace {

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

template <typename T>
grpc::Status Give(absl::StatusOr<T> answer, T* response) {
  if (!answer.ok()) return ToGrpc(answer.status());
  *response = *std::move(answer);
  return grpc::Status::OK;
}

}  // namespace

grpc::Status ViewsGateway::Get(grpc::ServerContext*, const lifecycle::v1::GetRequest* request,
                               lifecycle::v1::GetResponse* response) {
  return Give(view_.Get(*request), response);
}
grpc::Status ViewsGateway::List(grpc::ServerContext*, const lifecycle::v1::ListRequest* request,
                                lifecycle::v1::ListResponse* response) {
  return Give(view_.List(*request), response);
}
grpc::Status ViewsGateway::History(grpc::ServerContext*,
                                   const lifecycle::v1::HistoryRequest* request,
                                   grpc::ServerWriter<lifecycle::v1::HistoryEntry>* writer) {
  return ToGrpc(view_.History(*request, [writer](const lifecycle::v1::HistoryEntry& entry) {
    return writer->Write(entry);
  }));
}
grpc::Status ViewsGateway::Ledger(grpc::ServerContext*, const lifecycle::v1::LedgerRequest* request,
                                  lifecycle::v1::LedgerResponse* response) {
  return Give(view_.Ledger(*request), response);
}
grpc::Status ViewsGateway::Why(grpc::ServerContext*, const lifecycle::v1::WhyRequest* request,
                               lifecycle::v1::WhyResponse* response) {
  return Give(view_.Why(*request, {kNowMillis}), response);
}
grpc::Status ViewsGateway::Verify(grpc::ServerContext*, const lifecycle::v1::VerifyRequest* request,
                                  lifecycle::v1::VerifyResponse* response) {
  return Give(view_.Verify(*request), response);
}
grpc::Status ViewsGateway::Status(grpc::ServerContext*, const lifecycle::v1::StatusRequest*,
                                  lifecycle::v1::StatusResponse* response) {
  bool held = false;
  grpc::Status status = Give(view_.Status(path_, &held), response);
  response->mutable_startup()->set_orphans(2);
  response->mutable_startup()->set_ghosts(1);
  return status;
}

grpc::Status ScriptedGateway::Submit(grpc::ServerContext*,
                                     const lifecycle::v1::SubmitRequest* request,
                                     lifecycle::v1::SubmitResponse* response) {
  return submit(*request, response);
}

grpc::Status ScriptedGateway::Repair(grpc::ServerContext*,
                                     const lifecycle::v1::RepairRequest* request,
                                     lifecycle::v1::SubmitResponse* response) {
  return repair(*request, response);
}

grpc::Status ScriptedGateway::Get(grpc::ServerContext*, const lifecycle::v1::GetRequest* request,
                                  lifecycle::v1::GetResponse* response) {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    asked_ = true;
    changed_.notify_all();
  }
  if (states.empty() || states.back().id() != request->sandbox_id()) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "there is no such sandbox");
  }
  *response->mutable_sandbox() = states.back();
  return grpc::Status::OK;
}

grpc::Status ScriptedGateway::Watch(grpc::ServerContext* context,
                                    const lifecycle::v1::WatchRequest*,
                                    grpc::ServerWriter<lifecycle::v1::WatchResponse>* writer) {
  for (const lifecycle::v1::Sandbox& sandbox : states) {
    lifecycle::v1::WatchResponse change;
    *change.mutable_sandbox() = sandbox;
    writer->Write(change);
  }
  lifecycle::v1::WatchResponse synced;
  synced.set_synced(true);
  writer->Write(synced);
  std::unique_lock<std::mutex> lock(mu_);
  watched_ = true;
  changed_.notify_all();
  // The short wait only looks whether the client is gone.
  while (!ended_ && !context->IsCancelled()) {
    changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  return ended_ ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "ending") : grpc::Status::OK;
}

void ScriptedGateway::WaitWatched() {
  std::unique_lock<std::mutex> lock(mu_);
  changed_.wait(lock, [this] { return watched_; });
}

void ScriptedGateway::WaitWatchedAndAsked() {
  std::unique_lock<std::mutex> lock(mu_);
  changed_.wait(lock, [this] { return watched_ && asked_; });
}

void ScriptedGateway::End() {
  const std::lock_guard<std::mutex> lock(mu_);
  ended_ = true;
  changed_.notify_all();
}

Server::Server(grpc::Service& service, const std::string& socket) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr) << "no server at " << socket;
}

Server::~Server() { server_->Shutdown(std::chrono::system_clock::now()); }

}  // namespace holdfast::testing
