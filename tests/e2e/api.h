// SPDX-License-Identifier: Apache-2.0
//
// A client of a gateway's socket: the two services' stubs, and the calls that tests make again and
// again. Every Api has a connection of its own, so that none waits out another's backoff.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/lifecycle/v1/lifecycle.grpc.pb.h"
#include "openshell/compute/v1/compute_driver.grpc.pb.h"

namespace holdfast::e2e {

namespace lifecycle = ::holdfast::lifecycle::v1;
namespace compute = ::openshell::compute::v1;

// A call's status and, when it is ok, its answer.
template <typename Response>
struct Answer {
  grpc::Status status;
  Response response;
  bool ok() const { return status.ok(); }
};

class Api {
 public:
  explicit Api(const std::string& socket);

  lifecycle::Lifecycle::Stub& holdfast() { return *lifecycle_; }
  compute::ComputeDriver::Stub& openshell() { return *compute_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  Answer<lifecycle::SubmitResponse> Submit(const lifecycle::SubmitRequest& request);
  Answer<lifecycle::Sandbox> Get(const std::string& id);
  Answer<std::vector<lifecycle::Sandbox>> List(bool include_deleted);
  // The sandbox's state; "" when it cannot be had.
  std::string State(const std::string& id);

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<lifecycle::Lifecycle::Stub> lifecycle_;
  std::unique_ptr<compute::ComputeDriver::Stub> compute_;
};

// Requests that wait for the end of their operation.
lifecycle::SubmitRequest CreateRequest(const std::string& id,
                                       const std::vector<std::string>& command);
lifecycle::SubmitRequest StopRequest(const std::string& id);
lifecycle::SubmitRequest StartRequest(const std::string& id);
lifecycle::SubmitRequest DeleteRequest(const std::string& id);

// A call's deadline; generous, since a busy machine proves nothing.
void SetDeadline(grpc::ClientContext& context,
                 std::chrono::milliseconds from_now = std::chrono::seconds(30));

// Sends it, and again after a gateway's death, until one answers. The request needs a request id:
// it is what makes the second time the same command.
grpc::Status SubmitUntilAnswered(const std::string& socket, const lifecycle::SubmitRequest& request,
                                 std::chrono::milliseconds most);

}  // namespace holdfast::e2e
