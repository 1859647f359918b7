// SPDX-License-Identifier: Apache-2.0
#include "tools/views/journal_view.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "statemachine/codec/codec.h"
#include "statemachine/planning/fold.h"
#include "support/status_macros.h"
#include "tools/views/convert.h"
#include "tools/views/narrator.h"
#include "tools/views/snapshot_check.h"

namespace holdfast::views {
namespace {

using lifecycle::v1::HistoryEntry;
using lifecycle::v1::HistoryRequest;

// Records of one page of a history: bounds memory, and what is read while nobody may be writing.
constexpr std::size_t kPageRecords = 512;

std::optional<journal::Record> ReadOne(journal::Reader& reader, std::string_view sandbox_id,
                                       std::uint64_t sequence) {
  std::optional<journal::Record> found;
  const absl::Status status =
      reader.ReadSandbox(sandbox_id, sequence, [&](const journal::Record& record) {
        found = record;
        return journal::Visit::kStop;
      });
  // An unreadable intent costs its name in a line of text, nothing else.
  if (!status.ok() || !found || found->sequence != sequence) return std::nullopt;
  return found;
}

}  // namespace

absl::StatusOr<LoadedSandbox> JournalView::Load(std::string_view sandbox_id) {
  HF_ASSIGN_OR_RETURN(const journal::SandboxRow row, reader_.FindSandbox(sandbox_id));
  return Fold(row);
}

absl::StatusOr<LoadedSandbox> JournalView::Fold(const journal::SandboxRow& row) {
  LoadedSandbox loaded;
  loaded.sandbox.id.value = row.sandbox_id;
  absl::Status folded;
  const absl::Status read =
      reader_.ReadSandbox(row.sandbox_id, 1, [&](const journal::Record& record) {
        absl::StatusOr<model::Recorded> recorded = codec::Decode(record);
        folded = recorded.ok() ? planning::Fold(loaded.sandbox, *recorded) : recorded.status();
        return folded.ok() ? journal::Visit::kContinue : journal::Visit::kStop;
      });
  if (read.ok() && folded.ok()) return loaded;

  loaded.quarantine = std::string(read.ok() ? folded.message() : read.message());
  // What the projection knows without folding.
  loaded.sandbox = model::Sandbox{};
  loaded.sandbox.id.value = row.sandbox_id;
  loaded.sandbox.head.value = row.head_sequence;
  loaded.sandbox.state = model::StateFromName(row.projection.state).value_or(model::State::kStuck);
  return loaded;
}

absl::StatusOr<lifecycle::v1::GetResponse> JournalView::Get(
    const lifecycle::v1::GetRequest& request) {
  HF_ASSIGN_OR_RETURN(const LoadedSandbox loaded, Load(request.sandbox_id()));
  lifecycle::v1::GetResponse response;
  *response.mutable_sandbox() = SandboxToProto(loaded.sandbox, Form::kFull, loaded.quarantine);
  return response;
}

absl::StatusOr<lifecycle::v1::ListResponse> JournalView::List(
    const lifecycle::v1::ListRequest& request) {
  const std::uint32_t limit =
      request.limit() == 0 ? kListLimitDefault : std::min(request.limit(), kListLimitMax);
  // One more than asked for tells whether there are more.
  HF_ASSIGN_OR_RETURN(const std::vector<journal::SandboxRow> rows,
                      reader_.ListSandboxes(!request.include_deleted(), request.after_id(),
                                            static_cast<std::size_t>(limit) + 1));
  lifecycle::v1::ListResponse response;
  for (const journal::SandboxRow& row : rows) {
    if (response.sandboxes_size() == static_cast<int>(limit)) {
      response.set_next_after_id(response.sandboxes(response.sandboxes_size() - 1).id());
      break;
    }
    HF_ASSIGN_OR_RETURN(const LoadedSandbox loaded, Fold(row));
    *response.add_sandboxes() = SandboxToProto(loaded.sandbox, Form::kShort, loaded.quarantine);
  }
  return response;
}

absl::StatusOr<lifecycle::v1::WhyResponse> JournalView::Why(
    const lifecycle::v1::WhyRequest& request, model::UnixMillis now) {
  HF_ASSIGN_OR_RETURN(const LoadedSandbox loaded, Load(request.sandbox_id()));
  return views::Why(loaded.sandbox, loaded.quarantine, now);
}

absl::StatusOr<lifecycle::v1::LedgerResponse> JournalView::Ledger(
    const lifecycle::v1::LedgerRequest& request) {
  if (!request.sandbox_id().empty()) {
    HF_RETURN_IF_ERROR(reader_.FindSandbox(request.sandbox_id()).status());
  }
  HF_ASSIGN_OR_RETURN(const std::vector<journal::LedgerRow> rows,
                      reader_.ReadLedger(request.sandbox_id(), request.all()));
  lifecycle::v1::LedgerResponse response;
  std::map<std::string, std::string> states;
  for (const journal::LedgerRow& row : rows) {
    auto state = states.find(row.sandbox_id);
    if (state == states.end()) {
      const absl::StatusOr<journal::SandboxRow> found = reader_.FindSandbox(row.sandbox_id);
      // A resource without a sandbox is told with an empty state: `verify` says what is damaged.
      state = states.emplace(row.sandbox_id, found.ok() ? found->projection.state : "").first;
    }
    *response.add_entries() = LedgerToProto(row, state->second);
  }
  return response;
}

absl::Status JournalView::History(const HistoryRequest& request,
                                  const std::function<bool(const HistoryEntry&)>& visit) {
  const std::string& id = request.sandbox_id();
  if (!id.empty()) HF_RETURN_IF_ERROR(reader_.FindSandbox(id).status());
  Narrator narrator([this](std::string_view sandbox_id, std::uint64_t sequence) {
    return ReadOne(reader_, sandbox_id, sequence);
  });
  std::uint64_t after = request.after();
  std::uint64_t told = 0;
  while (true) {
    std::vector<journal::Record> page;
    const auto collect = [&page](const journal::Record& record) {
      page.push_back(record);
      return page.size() < kPageRecords ? journal::Visit::kContinue : journal::Visit::kStop;
    };
    const absl::Status read = id.empty() ? reader_.ReadTail(after, kPageRecords, collect)
                                         : reader_.ReadSandbox(id, after + 1, collect);
    for (const journal::Record& record : page) {
      if (!visit(narrator.Tell(record))) return absl::OkStatus();
      if (request.limit() != 0 && ++told == request.limit()) return absl::OkStatus();
      after = id.empty() ? record.position : record.sequence;
    }
    HF_RETURN_IF_ERROR(read);
    if (page.size() < kPageRecords) return absl::OkStatus();
  }
}

absl::StatusOr<lifecycle::v1::VerifyResponse> JournalView::Verify(
    const lifecycle::v1::VerifyRequest& request) {
  HF_ASSIGN_OR_RETURN(
      journal::VerifyReport report,
      reader_.Verify(request.quick() ? journal::VerifyMode::kQuick : journal::VerifyMode::kDeep));
  if (!request.quick()) {
    const absl::Status checked = CheckSnapshots(reader_, report.damages);
    // Damage that was named may be why the rest could not be checked; the report is worth more.
    if (report.ok()) HF_RETURN_IF_ERROR(checked);
  }
  return VerifyToProto(report);
}

absl::StatusOr<lifecycle::v1::StatusResponse> JournalView::Status(std::string_view path,
                                                                  bool* held) {
  HF_ASSIGN_OR_RETURN(const journal::Ownership ownership, reader_.ReadOwnership());
  lifecycle::v1::StatusResponse response;
  response.set_journal_id(reader_.journal_id());
  response.set_journal_path(std::string(path));
  response.set_epoch(ownership.epoch);
  response.set_pid(ownership.pid);
  response.set_since_unix_ms(ownership.since_unix_ms);
  response.set_restored_unix_ms(ownership.restored_unix_ms);
  response.set_restored_position(ownership.restored_position);
  *held = ownership.held_now;
  return response;
}

}  // namespace holdfast::views
