// SPDX-License-Identifier: Apache-2.0
#include "tools/client/connection.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "support/status_macros.h"

namespace holdfast::client {

absl::Status ProbeSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        fmt::format("the socket path must have 1 to {} characters; {} has {}",
                    sizeof(address.sun_path) - 1, path, path.size()));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::UnavailableError(fmt::format("no socket: {}", std::strerror(errno)));
  const int connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = connected == 0 ? 0 : errno;
  close(fd);
  if (error == 0) return absl::OkStatus();
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(
        fmt::format("{} is not yours to use; run as the user that runs the gateway", path));
  }
  return absl::UnavailableError(
      fmt::format("no gateway answers at {} ({}); start one with: holdfast-gateway", path,
                  std::strerror(error)));
}

absl::StatusOr<std::unique_ptr<Stub>> Connect(const std::string& path) {
  HF_RETURN_IF_ERROR(ProbeSocket(path));
  grpc::ChannelArguments arguments;
  // A list of ten thousand sandboxes is more than gRPC's default of 4 MiB.
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return lifecycle::v1::Lifecycle::NewStub(
      grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments));
}

absl::Status ToAbsl(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // The numbers are the same by definition of both.
  return absl::Status(
      static_cast<absl::StatusCode>(status.error_code()),
      status.error_message().empty() ? "the gateway gave no reason" : status.error_message());
}

}  // namespace holdfast::client
