// SPDX-License-Identifier: Apache-2.0
#include "tools/holdfast/session.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "statemachine/model/state.h"
#include "support/status_macros.h"

namespace holdfast::command_line {
namespace {

using lifecycle::v1::SubmitResponse;
using SteadyClock = std::chrono::steady_clock;

// Of one call. A gateway answers from memory or after one commit; this long means that it hangs.
constexpr std::chrono::seconds kCallDeadline{30};
// Between two looks for a gateway that went away: at once after a quick restart, gentle on a long
// one.
constexpr std::chrono::milliseconds kLookFirst{20};
constexpr std::chrono::milliseconds kLookMax{500};

// The gateway went away or is not ready; the same question may be answered by the next one.
// Cancelled is what a stream gets from a gateway that ends in order.
bool MayComeBack(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsCancelled(status);
}

enum class Ending { kNotYet, kEnded, kForgotten };

// Whether `sandbox` says that the awaited operation ended; then fills `awaited`.
Ending Look(const lifecycle::v1::Sandbox& sandbox, SubmitResponse& awaited) {
  // Older than the answer to the submit: says nothing about the operation.
  if (sandbox.head_sequence() < awaited.sandbox().head_sequence()) return Ending::kNotYet;
  const std::uint64_t operation = awaited.operation();
  for (const auto& finished : sandbox.finished()) {
    if (finished.id() != operation) continue;
    *awaited.mutable_result() = finished;
    *awaited.mutable_sandbox() = sandbox;
    return Ending::kEnded;
  }
  if (sandbox.has_operation() && sandbox.operation().id() == operation) {
    if (sandbox.state() != model::Name(model::State::kStuck)) return Ending::kNotYet;
    *awaited.mutable_result() = sandbox.operation();
    *awaited.mutable_sandbox() = sandbox;
    return Ending::kEnded;
  }
  return Ending::kForgotten;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Open(std::string socket,
                                                       std::chrono::milliseconds reconnect,
                                                       Progress& progress) {
  std::unique_ptr<Session> session(new Session(std::move(socket), reconnect, progress));
  HF_ASSIGN_OR_RETURN(session->stub_, client::Connect(session->socket_));
  return session;
}

absl::Status Session::Reconnect(const absl::Status& why, SteadyClock::time_point deadline) {
  std::chrono::milliseconds pause = kLookFirst;
  absl::Status last = why;
  while (SteadyClock::now() + pause < deadline) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLookMax);
    absl::StatusOr<std::unique_ptr<client::Stub>> stub = client::Connect(socket_);
    if (stub.ok()) {
      stub_ = *std::move(stub);
      return absl::OkStatus();
    }
    last = stub.status();
    if (!absl::IsUnavailable(last)) return last;
  }
  return absl::UnavailableError(fmt::format("the gateway did not come back within {} ms ({})",
                                            reconnect_.count(), std::string(last.message())));
}

template <typename Request>
absl::StatusOr<SubmitResponse> Session::Send(
    grpc::Status (client::Stub::*method)(grpc::ClientContext*, const Request&, SubmitResponse*),
    const Request& request) {
  const SteadyClock::time_point deadline = SteadyClock::now() + reconnect_;
  bool told = false;
  while (true) {
    SubmitResponse response;
    const absl::Status status = Call(method, request, response);
    if (status.ok()) return response;
    if (!MayComeBack(status)) return status;
    if (!std::exchange(told, true)) {
      progress_.Say(fmt::format("no answer yet ({}); trying again", std::string(status.message())));
    }
    HF_RETURN_IF_ERROR(Reconnect(status, deadline));
  }
}

absl::StatusOr<SubmitResponse> Session::Submit(const lifecycle::v1::SubmitRequest& request) {
  return Send(&client::Stub::Submit, request);
}

absl::StatusOr<SubmitResponse> Session::Repair(const lifecycle::v1::RepairRequest& request) {
  return Send(&client::Stub::Repair, request);
}

absl::StatusOr<SubmitResponse> Session::Await(SubmitResponse submitted) {
  const std::string id = submitted.sandbox().id();
  absl::Status unreadable;
  Ending ending = Ending::kNotYet;
  const auto look = [&](const lifecycle::v1::Sandbox& sandbox) {
    if (!sandbox.quarantine().empty()) {
      unreadable = absl::DataLossError(
          fmt::format("the records of {} cannot be read: {}", id, sandbox.quarantine()));
      return false;
    }
    if (sandbox.head_sequence() >= submitted.sandbox().head_sequence()) progress_.Show(sandbox);
    ending = Look(sandbox, submitted);
    return ending == Ending::kNotYet;
  };
  HF_RETURN_IF_ERROR(Watch({id}, [&](const lifecycle::v1::WatchResponse& change) {
    if (change.has_sandbox()) return look(change.sandbox());
    // The present set is complete. A sandbox that was deleted meanwhile is not in it.
    const absl::StatusOr<lifecycle::v1::Sandbox> sandbox = Get(id);
    return sandbox.ok() ? look(*sandbox) : true;
  }));
  HF_RETURN_IF_ERROR(unreadable);
  if (ending == Ending::kForgotten) {
    return absl::UnknownError(
        fmt::format("operation {} of {} is over and others came after it; see: journal-cli show {}",
                    submitted.operation(), id, id));
  }
  return submitted;
}

absl::Status Session::Watch(const std::vector<std::string>& ids,
                            const std::function<bool(const lifecycle::v1::WatchResponse&)>& visit) {
  lifecycle::v1::WatchRequest request;
  for (const std::string& id : ids) request.add_sandbox_ids(id);
  SteadyClock::time_point deadline = SteadyClock::now() + reconnect_;
  bool told = false;
  while (true) {
    grpc::ClientContext context;
    const auto stream = stub_->Watch(&context, request);
    lifecycle::v1::WatchResponse change;
    while (stream->Read(&change)) {
      if (!visit(change)) {
        context.TryCancel();
        // The stream was ended by us; its status says only that.
        static_cast<void>(stream->Finish());
        return absl::OkStatus();
      }
      deadline = SteadyClock::now() + reconnect_;
      told = false;
    }
    absl::Status status = client::ToAbsl(stream->Finish());
    // A gateway that ends in order may end its streams without an error.
    if (status.ok()) status = absl::UnavailableError("the gateway ended the stream");
    if (!MayComeBack(status)) return status;
    if (!std::exchange(told, true)) {
      progress_.Say(
          fmt::format("the gateway went away ({}); waiting for it", std::string(status.message())));
      deadline = SteadyClock::now() + reconnect_;
    }
    HF_RETURN_IF_ERROR(Reconnect(status, deadline));
  }
}

template <typename Request, typename Response>
absl::Status Session::Call(grpc::Status (client::Stub::*method)(grpc::ClientContext*,
                                                                const Request&, Response*),
                           const Request& request, Response& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  return client::ToAbsl((stub_.get()->*method)(&context, request, &response));
}

absl::StatusOr<lifecycle::v1::Sandbox> Session::Get(const std::string& id) {
  lifecycle::v1::GetRequest request;
  request.set_sandbox_id(id);
  lifecycle::v1::GetResponse response;
  HF_RETURN_IF_ERROR(Call(&client::Stub::Get, request, response));
  return std::move(*response.mutable_sandbox());
}

absl::StatusOr<std::vector<lifecycle::v1::Sandbox>> Session::List(bool include_deleted) {
  std::vector<lifecycle::v1::Sandbox> sandboxes;
  lifecycle::v1::ListRequest request;
  request.set_include_deleted(include_deleted);
  do {
    lifecycle::v1::ListResponse response;
    HF_RETURN_IF_ERROR(Call(&client::Stub::List, request, response));
    for (auto& sandbox : *response.mutable_sandboxes()) sandboxes.push_back(std::move(sandbox));
    request.set_after_id(response.next_after_id());
  } while (!request.after_id().empty());
  return sandboxes;
}

absl::StatusOr<lifecycle::v1::StatusResponse> Session::Status() {
  lifecycle::v1::StatusResponse response;
  HF_RETURN_IF_ERROR(Call(&client::Stub::Status, lifecycle::v1::StatusRequest(), response));
  return response;
}

}  // namespace holdfast::command_line
