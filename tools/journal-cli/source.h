// SPDX-License-Identifier: Apache-2.0
//
// Where the answers come from: a gateway through its socket, or a journal file without one. The
// same question gets the same answer from both. Read-only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "journal/journal.h"
#include "statemachine/model/ids.h"
#include "tools/client/connection.h"
#include "tools/client/render.h"

namespace holdfast::journal_cli {

using client::StatusReport;

class Source {
 public:
  virtual ~Source() = default;

  virtual bool online() const = 0;
  // Of the file that the answers come from, for verbs that read it themselves.
  virtual absl::StatusOr<std::string> JournalPath() = 0;
  virtual absl::StatusOr<lifecycle::v1::Sandbox> Get(std::string_view id) = 0;
  // All of them, however many pages that takes.
  virtual absl::StatusOr<std::vector<lifecycle::v1::Sandbox>> List(bool include_deleted) = 0;
  // What could be read stays in `entries` when an error ends it.
  virtual absl::Status History(std::string_view id,
                               std::vector<lifecycle::v1::HistoryEntry>& entries) = 0;
  virtual absl::StatusOr<std::vector<lifecycle::v1::LedgerEntry>> Ledger(std::string_view id,
                                                                         bool all) = 0;
  virtual absl::StatusOr<lifecycle::v1::WhyResponse> Why(std::string_view id) = 0;
  virtual absl::StatusOr<lifecycle::v1::VerifyResponse> Verify(
      const lifecycle::v1::VerifyRequest& request) = 0;
  virtual absl::StatusOr<StatusReport> Status() = 0;
};

std::unique_ptr<Source> OnlineSource(std::unique_ptr<client::Stub> stub);
// `path` is for Status; `now` for "since 3 minutes".
std::unique_ptr<Source> OfflineSource(std::unique_ptr<journal::Reader> reader, std::string path,
                                      std::function<model::UnixMillis()> now);

}  // namespace holdfast::journal_cli
