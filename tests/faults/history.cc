// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <optional>

#include "fmt/format.h"
#include "support/status_macros.h"
#include "tests/faults/storage.h"

namespace holdfast::faults {
namespace {

using journal::Draft;
using journal::Reader;
using journal::Record;
using journal::SandboxRow;
using journal::Snapshot;
using journal::Visit;

void ExpectIs(const Record& record, const Draft& draft) {
  EXPECT_EQ(record.kind, draft.kind);
  EXPECT_EQ(record.type, draft.type);
  EXPECT_EQ(record.time_unix_ms, draft.time_unix_ms);
  EXPECT_TRUE(record.payload == draft.payload) << "another payload";
}

void ExpectIs(const SandboxRow& row, std::uint64_t head, const journal::Projection& projection) {
  EXPECT_EQ(row.head_sequence, head) << row.sandbox_id;
  EXPECT_EQ(row.projection.state, projection.state) << row.sandbox_id;
  EXPECT_EQ(row.projection.live, projection.live) << row.sandbox_id;
  EXPECT_EQ(row.projection.summary, projection.summary) << row.sandbox_id;
}

// It may be older than the head, or missing.
void ExpectIsOurs(const std::string& id, std::uint64_t head, const Snapshot& snapshot) {
  EXPECT_LE(snapshot.sequence, head) << id;
  EXPECT_EQ(snapshot.bytes, SnapshotOf(id, snapshot.sequence)) << id;
}

}  // namespace

std::string SnapshotOf(const std::string& sandbox_id, std::uint64_t sequence) {
  return fmt::format("fold of {} up to {}", sandbox_id, sequence);
}

void History::Acknowledged(const journal::Batch& batch, const journal::Appended& appended) {
  // Taken before the lock, so that it is not later than the answer.
  const std::size_t now = Storage::Get().recorded();
  const std::lock_guard lock(mutex_);
  Sandbox& sandbox = sandboxes_[batch.sandbox_id];
  EXPECT_EQ(sandbox.drafts.size(), batch.expected_sequence) << batch.sandbox_id;
  sandbox.drafts.insert(sandbox.drafts.end(), batch.drafts.begin(), batch.drafts.end());
  EXPECT_EQ(appended.last_sequence, sandbox.drafts.size()) << batch.sandbox_id;
  Step step{.projection = batch.projection, .sealed = {}};
  if (!batch.projection.live) {
    step.sealed.clear();
  } else if (batch.sealed.has_value()) {
    step.sealed = {*batch.sealed};
  } else if (!sandbox.steps.empty() && !sandbox.steps.rbegin()->second.sealed.empty()) {
    step.sealed = {sandbox.steps.rbegin()->second.sealed.back()};
  }
  sandbox.steps[appended.last_sequence] = std::move(step);
  acknowledgements_.push_back({.sandbox_id = batch.sandbox_id,
                               .last_sequence = appended.last_sequence,
                               .last_position = appended.last_position,
                               .at = now});
}

void History::SealedReplaced(const std::string& sandbox_id, const std::string& replacement) {
  const std::lock_guard lock(mutex_);
  sandboxes_.at(sandbox_id).steps.rbegin()->second.sealed.push_back(replacement);
}

std::uint64_t History::head(const std::string& sandbox_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = sandboxes_.find(sandbox_id);
  return found == sandboxes_.end() ? 0 : found->second.drafts.size();
}

std::vector<Acknowledgement> History::acknowledgements() const {
  const std::lock_guard lock(mutex_);
  return acknowledgements_;
}

absl::Status History::ExpectIs(Reader& reader) const {
  const std::lock_guard lock(mutex_);
  HF_ASSIGN_OR_RETURN(const Heads heads, ReadHeads(reader));
  for (const auto& [id, sandbox] : sandboxes_) {
    const auto head = heads.find(id);
    EXPECT_EQ(head == heads.end() ? 0 : head->second, sandbox.drafts.size())
        << "acknowledged and lost, of " << id;
    const auto& sealed = sandbox.steps.rbegin()->second.sealed;
    HF_ASSIGN_OR_RETURN(const std::optional<std::string> found, reader.ReadSealed(id));
    EXPECT_EQ(found, sealed.empty() ? std::nullopt : std::optional(sealed.back())) << id;
  }
  return ExpectSandboxesAre(reader, heads, Compare::kAll);
}

absl::Status History::ExpectIsAsOf(Reader& reader, std::size_t recorded, Compare compare) const {
  const std::lock_guard lock(mutex_);
  HF_ASSIGN_OR_RETURN(const Heads heads, ReadHeads(reader));
  for (const Acknowledgement& told : acknowledgements_) {
    if (told.at > recorded) continue;
    const auto head = heads.find(told.sandbox_id);
    EXPECT_GE(head == heads.end() ? 0 : head->second, told.last_sequence)
        << "acknowledged and lost, of " << told.sandbox_id;
  }
  return ExpectSandboxesAre(reader, heads, compare);
}

absl::StatusOr<History::Heads> History::ReadHeads(Reader& reader) const {
  Heads heads;
  std::uint64_t position = 0;
  HF_RETURN_IF_ERROR(reader.ReadTail(0, SIZE_MAX, [&](const Record& record) {
    EXPECT_EQ(record.position, ++position);
    const std::uint64_t sequence = ++heads[record.sandbox_id];
    EXPECT_EQ(record.sequence, sequence);
    const auto sandbox = sandboxes_.find(record.sandbox_id);
    if (sandbox == sandboxes_.end() || sequence > sandbox->second.drafts.size()) {
      ADD_FAILURE() << "invented: record " << sequence << " of " << record.sandbox_id;
    } else {
      faults::ExpectIs(record, sandbox->second.drafts[sequence - 1]);
    }
    return Visit::kContinue;
  }));
  return heads;
}

absl::Status History::ExpectSandboxesAre(Reader& reader, const Heads& heads,
                                         Compare compare) const {
  for (const auto& [id, head] : heads) {
    HF_RETURN_IF_ERROR(ExpectSandboxIs(reader, id, head, compare));
  }
  HF_ASSIGN_OR_RETURN(const std::vector<SandboxRow> rows,
                      reader.ListSandboxes(/*live_only=*/false, "", SIZE_MAX));
  EXPECT_EQ(rows.size(), heads.size());
  return ExpectLiveAre(reader, heads);
}

absl::Status History::ExpectSandboxIs(Reader& reader, const std::string& id, std::uint64_t head,
                                      Compare compare) const {
  const auto found = sandboxes_.find(id);
  if (found == sandboxes_.end()) return absl::OkStatus();  // invented, which was said before
  const auto step = found->second.steps.find(head);
  if (step == found->second.steps.end()) {
    ADD_FAILURE() << "a batch of " << id << " is there in part, to " << head;
    return absl::OkStatus();
  }
  HF_ASSIGN_OR_RETURN(const SandboxRow row, reader.FindSandbox(id));
  faults::ExpectIs(row, head, step->second.projection);
  HF_ASSIGN_OR_RETURN(const std::optional<Snapshot> snapshot, reader.FindSnapshot(id));
  if (snapshot.has_value()) ExpectIsOurs(id, head, *snapshot);
  std::uint64_t sequence = 0;
  HF_RETURN_IF_ERROR(reader.ReadSandbox(id, 1, [&](const Record& record) {
    EXPECT_EQ(record.sequence, ++sequence);
    if (sequence <= head) faults::ExpectIs(record, found->second.drafts[sequence - 1]);
    return Visit::kContinue;
  }));
  EXPECT_EQ(sequence, head) << id;
  if (compare == Compare::kAllButSealed) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> sealed, reader.ReadSealed(id));
  EXPECT_EQ(sealed.has_value(), !step->second.sealed.empty()) << id;
  if (sealed.has_value()) {
    EXPECT_THAT(step->second.sealed, ::testing::Contains(*sealed)) << id;
  }
  return absl::OkStatus();
}

absl::Status History::ExpectLiveAre(Reader& reader, const Heads& heads) const {
  std::size_t live = 0;
  for (const auto& [id, head] : heads) {
    const auto sandbox = sandboxes_.find(id);
    if (sandbox == sandboxes_.end()) continue;
    const auto step = sandbox->second.steps.find(head);
    if (step != sandbox->second.steps.end() && step->second.projection.live) ++live;
  }
  return reader.ReadLive([&](const SandboxRow& row, const Snapshot* snapshot) {
    EXPECT_TRUE(row.projection.live) << row.sandbox_id;
    EXPECT_GT(live--, 0U) << "one too many: " << row.sandbox_id;
    if (snapshot != nullptr) ExpectIsOurs(row.sandbox_id, row.head_sequence, *snapshot);
    return Visit::kContinue;
  });
}

}  // namespace holdfast::faults
