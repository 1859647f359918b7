// SPDX-License-Identifier: Apache-2.0
//
// A conversation with a gateway that may die in the middle of it. What was submitted is durable
// once the gateway said so, and carries a request id, so the session sends it again to the next
// gateway without doing it twice, and goes on waiting for the same operation.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "tools/client/connection.h"
#include "tools/holdfast/progress.h"

namespace holdfast::command_line {

// Not thread-safe.
class Session {
 public:
  // Errors as client::ProbeSocket: a gateway that is not there at the beginning is not waited for.
  // `reconnect`: how long one that went away is waited for, each time.
  static absl::StatusOr<std::unique_ptr<Session>> Open(std::string socket,
                                                       std::chrono::milliseconds reconnect,
                                                       Progress& progress);

  // REQUIRES: a request id. Sent again while the gateway is away or not ready, within `reconnect`.
  absl::StatusOr<lifecycle::v1::SubmitResponse> Submit(const lifecycle::v1::SubmitRequest& request);
  absl::StatusOr<lifecycle::v1::SubmitResponse> Repair(const lifecycle::v1::RepairRequest& request);

  // Waits until the submitted operation is finished, or its sandbox is Stuck in it (then `result`
  // is not finished). Shows progress. Errors: Unavailable  no gateway came back within `reconnect`;
  // the operation is not concerned
  //         DataLoss     the sandbox's records cannot be read
  absl::StatusOr<lifecycle::v1::SubmitResponse> Await(lifecycle::v1::SubmitResponse submitted);

  absl::StatusOr<lifecycle::v1::Sandbox> Get(const std::string& id);
  absl::StatusOr<std::vector<lifecycle::v1::Sandbox>> List(bool include_deleted);
  absl::StatusOr<lifecycle::v1::StatusResponse> Status();

  // Calls `visit` for every change until it returns false. After a gateway went away and came back
  // the present set is told again.
  absl::Status Watch(const std::vector<std::string>& ids,
                     const std::function<bool(const lifecycle::v1::WatchResponse&)>& visit);

 private:
  Session(std::string socket, std::chrono::milliseconds reconnect, Progress& progress)
      : socket_(std::move(socket)), reconnect_(reconnect), progress_(progress) {}

  template <typename Request>
  absl::StatusOr<lifecycle::v1::SubmitResponse> Send(
      grpc::Status (client::Stub::*method)(grpc::ClientContext*, const Request&,
                                           lifecycle::v1::SubmitResponse*),
      const Request& request);
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (client::Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
                    const Request& request, Response& response);
  // A new connection, tried until `deadline`; `why` is told once.
  absl::Status Reconnect(const absl::Status& why, std::chrono::steady_clock::time_point deadline);

  const std::string socket_;
  const std::chrono::milliseconds reconnect_;
  Progress& progress_;
  std::unique_ptr<client::Stub> stub_;
};

}  // namespace holdfast::command_line
