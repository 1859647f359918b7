// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/status_macros.h"
#include "tools/journal-cli/source.h"
#include "tools/views/journal_view.h"

namespace holdfast::journal_cli {
namespace {

class Offline final : public Source {
 public:
  Offline(std::unique_ptr<journal::Reader> reader, std::string path,
          std::function<model::UnixMillis()> now)
      : reader_(std::move(reader)), view_(*reader_), path_(std::move(path)), now_(std::move(now)) {}

  bool online() const override { return false; }
  absl::StatusOr<std::string> JournalPath() override { return path_; }

  absl::StatusOr<lifecycle::v1::Sandbox> Get(std::string_view id) override {
    lifecycle::v1::GetRequest request;
    request.set_sandbox_id(std::string(id));
    HF_ASSIGN_OR_RETURN(lifecycle::v1::GetResponse response, view_.Get(request));
    return std::move(*response.mutable_sandbox());
  }

  absl::StatusOr<std::vector<lifecycle::v1::Sandbox>> List(bool include_deleted) override {
    std::vector<lifecycle::v1::Sandbox> sandboxes;
    lifecycle::v1::ListRequest request;
    request.set_include_deleted(include_deleted);
    do {
      HF_ASSIGN_OR_RETURN(lifecycle::v1::ListResponse response, view_.List(request));
      for (auto& sandbox : *response.mutable_sandboxes()) {
        sandboxes.push_back(std::move(sandbox));
      }
      request.set_after_id(response.next_after_id());
    } while (!request.after_id().empty());
    return sandboxes;
  }

  absl::Status History(std::string_view id,
                       std::vector<lifecycle::v1::HistoryEntry>& entries) override {
    lifecycle::v1::HistoryRequest request;
    request.set_sandbox_id(std::string(id));
    return view_.History(request, [&entries](const lifecycle::v1::HistoryEntry& entry) {
      entries.push_back(entry);
      return true;
    });
  }

  absl::StatusOr<std::vector<lifecycle::v1::LedgerEntry>> Ledger(std::string_view id,
                                                                 bool all) override {
    lifecycle::v1::LedgerRequest request;
    request.set_sandbox_id(std::string(id));
    request.set_all(all);
    HF_ASSIGN_OR_RETURN(const lifecycle::v1::LedgerResponse response, view_.Ledger(request));
    return std::vector<lifecycle::v1::LedgerEntry>(response.entries().begin(),
                                                   response.entries().end());
  }

  absl::StatusOr<lifecycle::v1::WhyResponse> Why(std::string_view id) override {
    lifecycle::v1::WhyRequest request;
    request.set_sandbox_id(std::string(id));
    return view_.Why(request, now_());
  }

  absl::StatusOr<lifecycle::v1::VerifyResponse> Verify(
      const lifecycle::v1::VerifyRequest& request) override {
    return view_.Verify(request);
  }

  absl::StatusOr<StatusReport> Status() override {
    StatusReport report;
    HF_ASSIGN_OR_RETURN(report.status, view_.Status(path_, &report.held));
    return report;
  }

 private:
  std::unique_ptr<journal::Reader> reader_;
  views::JournalView view_;
  std::string path_;
  std::function<model::UnixMillis()> now_;
};

}  // namespace

std::unique_ptr<Source> OfflineSource(std::unique_ptr<journal::Reader> reader, std::string path,
                                      std::function<model::UnixMillis()> now) {
  return std::make_unique<Offline>(std::move(reader), std::move(path), std::move(now));
}

}  // namespace holdfast::journal_cli
