// SPDX-License-Identifier: Apache-2.0
//
// The way to a gateway: its Lifecycle service on a Unix socket.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/lifecycle/v1/lifecycle.grpc.pb.h"

namespace holdfast::client {

using Stub = lifecycle::v1::Lifecycle::StubInterface;

// Whether somebody listens there and lets us in.
// Errors: Unavailable       nobody listens; the message says how to start a gateway
//         PermissionDenied  the socket is not ours to use
//         InvalidArgument   the path is too long for a socket address
absl::Status ProbeSocket(const std::string& path);

// A new channel, after ProbeSocket. Nothing is shared with an earlier one, so that a gateway that
// was restarted is found at once.
absl::StatusOr<std::unique_ptr<Stub>> Connect(const std::string& path);

// The same code and message.
absl::Status ToAbsl(const grpc::Status& status);

}  // namespace holdfast::client
