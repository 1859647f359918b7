// SPDX-License-Identifier: Apache-2.0
#include "tools/views/snapshot_check.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/snapshot.h"
#include "statemachine/planning/fold.h"
#include "support/status_macros.h"

namespace holdfast::views {
namespace {

// Live rows that are looked up at once.
constexpr std::size_t kPage = 1000;
// As many as a verify names (journal::VerifyReport).
constexpr std::size_t kDamagesMax = 1000;

class Check {
 public:
  Check(journal::Reader& reader, std::vector<journal::Damage>& damages)
      : reader_(reader), damages_(damages) {}

  absl::Status One(const std::string& id) {
    // The snapshot first: its records were there before it, however far the sandbox is by now.
    HF_ASSIGN_OR_RETURN(const std::optional<journal::Snapshot> snapshot, reader_.FindSnapshot(id));
    std::optional<model::Sandbox> claimed;
    if (snapshot) claimed = Decode(id, *snapshot);

    model::Sandbox folded;
    folded.id.value = id;
    absl::Status status;
    const absl::Status read = reader_.ReadSandbox(id, 1, [&](const journal::Record& record) {
      auto recorded = codec::Decode(record);
      status = recorded.ok() ? planning::Fold(folded, *recorded) : recorded.status();
      if (!status.ok()) {
        Name(id, record.position, record.sequence, "fold",
             fmt::format("{}: the sandbox is set aside at the next start",
                         std::string(status.message())));
        return journal::Visit::kStop;
      }
      if (claimed && claimed->head == folded.head && *claimed != folded) {
        Name(
            id, record.position, record.sequence, "snapshot",
            "its snapshot is not what its records up to there fold to, and a start would believe "
            "it; remove its row from the table `snapshots` while no gateway runs: nothing is lost");
      }
      return journal::Visit::kContinue;
    });
    if (absl::IsDataLoss(read)) return absl::OkStatus();  // the journal's own verify names it
    return read;
  }

  bool full() const { return damages_.size() >= kDamagesMax; }

 private:
  std::optional<model::Sandbox> Decode(const std::string& id, const journal::Snapshot& snapshot) {
    auto sandbox = codec::DecodeSnapshot(snapshot.bytes, id);
    if (absl::IsFailedPrecondition(sandbox.status())) return std::nullopt;
    if (!sandbox.ok()) {
      Name(id, 0, snapshot.sequence, "snapshot",
           fmt::format("{}; it is not used, and nothing is lost",
                       std::string(sandbox.status().message())));
      return std::nullopt;
    }
    if (sandbox->head.value != snapshot.sequence) {
      Name(id, 0, snapshot.sequence, "snapshot",
           fmt::format("its snapshot is of record {}; it is not used, and nothing is lost",
                       sandbox->head.value));
      return std::nullopt;
    }
    return *std::move(sandbox);
  }

  void Name(const std::string& id, std::uint64_t position, std::uint64_t sequence, std::string kind,
            std::string message) {
    if (full()) return;
    damages_.push_back({id, position, sequence, std::move(kind), std::move(message)});
  }

  journal::Reader& reader_;
  std::vector<journal::Damage>& damages_;
};

}  // namespace

absl::Status CheckSnapshots(journal::Reader& reader, std::vector<journal::Damage>& damages) {
  Check check(reader, damages);
  std::string after;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const std::vector<journal::SandboxRow> page,
                        reader.ListSandboxes(/*live_only=*/true, after, kPage));
    for (const journal::SandboxRow& row : page) {
      if (check.full()) return absl::OkStatus();
      HF_RETURN_IF_ERROR(check.One(row.sandbox_id));
    }
    if (page.size() < kPage) return absl::OkStatus();
    after = page.back().sandbox_id;
  }
}

}  // namespace holdfast::views
