// SPDX-License-Identifier: Apache-2.0
//
// absl::Status to grpc::Status: the codes are the same by number.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace holdfast::gateway {

inline grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

}  // namespace holdfast::gateway
