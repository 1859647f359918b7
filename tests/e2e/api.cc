// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/api.h"

#include <thread>

namespace holdfast::e2e {

Api::Api(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  channel_ =
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
  lifecycle_ = lifecycle::Lifecycle::NewStub(channel_);
  compute_ = compute::ComputeDriver::NewStub(channel_);
}

void SetDeadline(grpc::ClientContext& context, std::chrono::milliseconds from_now) {
  context.set_deadline(std::chrono::system_clock::now() + from_now);
}

Answer<lifecycle::SubmitResponse> Api::Submit(const lifecycle::SubmitRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  Answer<lifecycle::SubmitResponse> answer;
  answer.status = lifecycle_->Submit(&context, request, &answer.response);
  return answer;
}

Answer<lifecycle::Sandbox> Api::Get(const std::string& id) {
  grpc::ClientContext context;
  SetDeadline(context);
  lifecycle::GetRequest request;
  request.set_sandbox_id(id);
  lifecycle::GetResponse response;
  Answer<lifecycle::Sandbox> answer;
  answer.status = lifecycle_->Get(&context, request, &response);
  answer.response = response.sandbox();
  return answer;
}

Answer<std::vector<lifecycle::Sandbox>> Api::List(bool include_deleted) {
  grpc::ClientContext context;
  SetDeadline(context);
  lifecycle::ListRequest request;
  request.set_include_deleted(include_deleted);
  lifecycle::ListResponse response;
  Answer<std::vector<lifecycle::Sandbox>> answer;
  answer.status = lifecycle_->List(&context, request, &response);
  answer.response = {response.sandboxes().begin(), response.sandboxes().end()};
  return answer;
}

std::string Api::State(const std::string& id) { return Get(id).response.state(); }

lifecycle::SubmitRequest CreateRequest(const std::string& id,
                                       const std::vector<std::string>& command) {
  lifecycle::SubmitRequest request;
  request.set_sandbox_id(id);
  request.set_request_id("create-" + id);
  request.set_wait(true);
  lifecycle::SandboxSpec& spec = *request.mutable_create()->mutable_spec();
  for (const std::string& word : command) spec.add_command(word);
  return request;
}

lifecycle::SubmitRequest StopRequest(const std::string& id) {
  lifecycle::SubmitRequest request;
  request.set_sandbox_id(id);
  request.set_wait(true);
  request.mutable_stop();
  return request;
}

lifecycle::SubmitRequest StartRequest(const std::string& id) {
  lifecycle::SubmitRequest request;
  request.set_sandbox_id(id);
  request.set_wait(true);
  request.mutable_start();
  return request;
}

lifecycle::SubmitRequest DeleteRequest(const std::string& id) {
  lifecycle::SubmitRequest request;
  request.set_sandbox_id(id);
  request.set_request_id("delete-" + id);
  request.set_wait(true);
  request.mutable_delete_()->set_grace_ms(300);
  return request;
}

grpc::Status SubmitUntilAnswered(const std::string& socket, const lifecycle::SubmitRequest& request,
                                 std::chrono::milliseconds most) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (true) {
    const grpc::Status status = Api(socket).Submit(request).status;
    const bool gone = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                      status.error_code() == grpc::StatusCode::CANCELLED;
    if (!gone || std::chrono::steady_clock::now() > until) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace holdfast::e2e
