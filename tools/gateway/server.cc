// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace holdfast::gateway {
namespace {

// How long the last answers may take to be sent, before they are cut: to a peer that does not read.
constexpr std::chrono::seconds kShutdownGrace{5};
// How long peers get to hang up by themselves. gRPC waits for every connection, also for one on
// which nothing goes on, and a peer that sits idle may not look at its connection for hours.
constexpr std::chrono::milliseconds kHangUpGrace{100};

}  // namespace

Server::Server(ServiceContext& context)
    : context_(context), compute_(context), lifecycle_(context) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(std::unique_ptr<Listener> listener,
                                                      ServiceContext& context) {
  // Both are process-wide switches of gRPC; setting them again changes nothing.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  std::unique_ptr<Server> server(new Server(context));
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kRequestBytesMax);
  // Answers are bounded by what is asked for, and the caller has a limit of its own.
  builder.SetMaxSendMessageSize(-1);
  builder.RegisterService(&server->compute_);
  builder.RegisterService(&server->lifecycle_);
  // Whoever comes through the listener is the gateway's own user; there is nothing to encrypt.
  server->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) return absl::InternalError("gRPC refused to start a server");
  server->SetServing(false);

  server->listener_ = std::move(listener);
  server->listener_->Accept(
      [acceptor = server->acceptor_.get()](int fd) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
        connection.fd = fd;
        acceptor->HandleNewConnection(&connection);
      },
      [](unsigned peer_uid) { spdlog::warn("refused reason=foreign_uid peer_uid={}", peer_uid); });
  return server;
}

Server::~Server() { Shutdown(); }

void Server::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface& health = *server_->GetHealthCheckService();
  health.SetServingStatus(serving);  // "" and every name that was set before
  for (const char* name : {"", ComputeService::kName, LifecycleService::kName}) {
    health.SetServingStatus(name, serving);
  }
}

void Server::StopAccepting() {
  if (listener_ != nullptr) listener_->Close();
}

void Server::Shutdown() {
  if (server_ == nullptr) return;
  StopAccepting();
  context_.calls.Drain(DrainingStatus());
  context_.calls.WaitSent(kShutdownGrace);
  server_->Shutdown(std::chrono::system_clock::now() + kHangUpGrace);
  server_->Wait();
  server_ = nullptr;
}

}  // namespace holdfast::gateway
