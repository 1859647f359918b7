// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "support/status_macros.h"
#include "tools/journal-cli/source.h"

namespace holdfast::journal_cli {
namespace {

// A gateway answers these from memory; this long means that it hangs. Verify and History read the
// whole file and have no bound.
constexpr std::chrono::seconds kDeadline{30};

class Online final : public Source {
 public:
  explicit Online(std::unique_ptr<client::Stub> stub) : stub_(std::move(stub)) {}

  bool online() const override { return true; }
  absl::StatusOr<std::string> JournalPath() override {
    HF_ASSIGN_OR_RETURN(const StatusReport report, Status());
    return report.status.journal_path();
  }

  absl::StatusOr<lifecycle::v1::Sandbox> Get(std::string_view id) override {
    lifecycle::v1::GetRequest request;
    request.set_sandbox_id(std::string(id));
    lifecycle::v1::GetResponse response;
    HF_RETURN_IF_ERROR(Call(&client::Stub::Get, request, response, true));
    return std::move(*response.mutable_sandbox());
  }

  absl::StatusOr<std::vector<lifecycle::v1::Sandbox>> List(bool include_deleted) override {
    std::vector<lifecycle::v1::Sandbox> sandboxes;
    lifecycle::v1::ListRequest request;
    request.set_include_deleted(include_deleted);
    do {
      lifecycle::v1::ListResponse response;
      HF_RETURN_IF_ERROR(Call(&client::Stub::List, request, response, true));
      for (auto& sandbox : *response.mutable_sandboxes()) {
        sandboxes.push_back(std::move(sandbox));
      }
      request.set_after_id(response.next_after_id());
    } while (!request.after_id().empty());
    return sandboxes;
  }

  absl::Status History(std::string_view id,
                       std::vector<lifecycle::v1::HistoryEntry>& entries) override {
    grpc::ClientContext context;
    lifecycle::v1::HistoryRequest request;
    request.set_sandbox_id(std::string(id));
    const auto stream = stub_->History(&context, request);
    lifecycle::v1::HistoryEntry entry;
    while (stream->Read(&entry)) entries.push_back(std::move(entry));
    return client::ToAbsl(stream->Finish());
  }

  absl::StatusOr<std::vector<lifecycle::v1::LedgerEntry>> Ledger(std::string_view id,
                                                                 bool all) override {
    lifecycle::v1::LedgerRequest request;
    request.set_sandbox_id(std::string(id));
    request.set_all(all);
    lifecycle::v1::LedgerResponse response;
    HF_RETURN_IF_ERROR(Call(&client::Stub::Ledger, request, response, true));
    return std::vector<lifecycle::v1::LedgerEntry>(response.entries().begin(),
                                                   response.entries().end());
  }

  absl::StatusOr<lifecycle::v1::WhyResponse> Why(std::string_view id) override {
    lifecycle::v1::WhyRequest request;
    request.set_sandbox_id(std::string(id));
    lifecycle::v1::WhyResponse response;
    HF_RETURN_IF_ERROR(Call(&client::Stub::Why, request, response, true));
    return response;
  }

  absl::StatusOr<lifecycle::v1::VerifyResponse> Verify(
      const lifecycle::v1::VerifyRequest& request) override {
    lifecycle::v1::VerifyResponse response;
    HF_RETURN_IF_ERROR(Call(&client::Stub::Verify, request, response, false));
    return response;
  }

  absl::StatusOr<StatusReport> Status() override {
    StatusReport report{.status = {}, .online = true, .held = true};
    HF_RETURN_IF_ERROR(
        Call(&client::Stub::Status, lifecycle::v1::StatusRequest(), report.status, true));
    return report;
  }

 private:
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (client::Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
                    const Request& request, Response& response, bool bounded) {
    grpc::ClientContext context;
    if (bounded) context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    return client::ToAbsl((stub_.get()->*method)(&context, request, &response));
  }

  std::unique_ptr<client::Stub> stub_;
};

}  // namespace

std::unique_ptr<Source> OnlineSource(std::unique_ptr<client::Stub> stub) {
  return std::make_unique<Online>(std::move(stub));
}

}  // namespace holdfast::journal_cli
