// SPDX-License-Identifier: Apache-2.0
//
// The gRPC server on the gateway's socket: both services, health and reflection. gRPC binds nothing
// by itself: the listener accepts, checks the peer, and hands the connection over.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/gateway/compute_service.h"
#include "tools/gateway/context.h"
#include "tools/gateway/lifecycle_service.h"
#include "tools/gateway/socket.h"

namespace holdfast::gateway {

// Larger requests get RESOURCE_EXHAUSTED. The default of gRPC's clients, so that what one side may
// send the other may read.
inline constexpr int kRequestBytesMax = 4 << 20;

class Server {
 public:
  // Serves on `listener`; health says NOT_SERVING until SetServing. `context` must outlive it.
  static absl::StatusOr<std::unique_ptr<Server>> Start(std::unique_ptr<Listener> listener,
                                                       ServiceContext& context);
  ~Server();  // Shutdown

  void SetServing(bool serving);
  // No new connections; the socket file is gone. Open calls go on.
  void StopAccepting();
  // Ends open calls with UNAVAILABLE and waits for them. Idempotent.
  void Shutdown();

 private:
  explicit Server(ServiceContext& context);

  ServiceContext& context_;
  ComputeService compute_;
  LifecycleService lifecycle_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace holdfast::gateway
