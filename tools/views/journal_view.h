// SPDX-License-Identifier: Apache-2.0
//
// The reading half of the Lifecycle service, answered from a journal alone: sandboxes are folded
// from their records. journal-cli uses it on a file; the gateway uses its record, ledger and verify
// parts on its own journal's reader. Changes nothing. A sandbox whose records cannot be read is
// returned with a quarantine text and never spoils an answer about another one.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "journal/journal.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::views {

// Of List, when the request names no limit, and the most that one answer holds.
inline constexpr std::uint32_t kListLimitDefault = 1000;
inline constexpr std::uint32_t kListLimitMax = 10'000;

// A folded sandbox, or what is known of it without folding and the reason why it cannot be.
struct LoadedSandbox {
  model::Sandbox sandbox;
  std::string quarantine;
};

// Thread-safe as far as the reader is. The reader must outlive it.
class JournalView {
 public:
  explicit JournalView(journal::Reader& reader) : reader_(reader) {}

  // NotFound: the id has no records. DataLoss and the like of one sandbox are its quarantine.
  absl::StatusOr<LoadedSandbox> Load(std::string_view sandbox_id);

  absl::StatusOr<lifecycle::v1::GetResponse> Get(const lifecycle::v1::GetRequest& request);
  absl::StatusOr<lifecycle::v1::ListResponse> List(const lifecycle::v1::ListRequest& request);
  absl::StatusOr<lifecycle::v1::WhyResponse> Why(const lifecycle::v1::WhyRequest& request,
                                                 model::UnixMillis now);
  absl::StatusOr<lifecycle::v1::LedgerResponse> Ledger(const lifecycle::v1::LedgerRequest& request);

  // Calls `visit` for each record until it returns false. Reads page by page and holds no snapshot
  // while visiting, so a slow visitor blocks nobody.
  // Errors: NotFound  the named sandbox has no records
  //         DataLoss  a record cannot be read; those before it were visited
  absl::Status History(const lifecycle::v1::HistoryRequest& request,
                       const std::function<bool(const lifecycle::v1::HistoryEntry& entry)>& visit);

  absl::StatusOr<lifecycle::v1::VerifyResponse> Verify(const lifecycle::v1::VerifyRequest& request);

  // What the file alone tells: journal id, owner, epoch. `startup`, drivers and extensions stay
  // empty. `held` is set to whether a gateway holds the journal now.
  absl::StatusOr<lifecycle::v1::StatusResponse> Status(std::string_view path, bool* held);

 private:
  absl::StatusOr<LoadedSandbox> Fold(const journal::SandboxRow& row);

  journal::Reader& reader_;
};

}  // namespace holdfast::views
