// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/history.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "support/status_macros.h"
#include "tests/faults/storage.h"

namespace holdfast::faults {
namespace {

using journal::Draft;
using journal::Reader;
using journal::Record;
using journal::SandboxRow;
using journal::Visit;

void ExpectIs(const Record& record, const Draft& draft) {
  EXPECT_EQ(record.kind, draft.kind);
  EXPECT_EQ(record.type, draft.type);
  EXPECT_EQ(record.time_unix_ms, draft.time_unix_ms);
  EXPECT_TRUE(record.payload == draft.payload) << "another payload";
}

}  // namespace

void History::Acknowledged(const journal::Batch& batch, const journal::Appended& appended) {
  // Taken before the lock, so that it is not later than the answer.
  const std::size_t now = Storage::Get().recorded();
  const std::lock_guard lock(mutex_);
  Sandbox& sandbox = sandboxes_[batch.sandbox_id];
  EXPECT_EQ(sandbox.drafts.size(), batch.expected_sequence) << batch.sandbox_id;
  sandbox.drafts.insert(sandbox.drafts.end(), batch.drafts.begin(), batch.drafts.end());
  sandbox.projection = batch.projection;
  sandbox.last_position = appended.last_position;
  EXPECT_EQ(appended.last_sequence, sandbox.drafts.size()) << batch.sandbox_id;
  acknowledgements_.push_back({.sandbox_id = batch.sandbox_id,
                               .last_sequence = appended.last_sequence,
                               .last_position = appended.last_position,
                               .at = now});
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
  HF_RETURN_IF_ERROR(ExpectTailIs(reader));
  HF_RETURN_IF_ERROR(ExpectRowsAre(reader));
  for (const auto& [id, sandbox] : sandboxes_) {
    std::size_t read = 0;
    HF_RETURN_IF_ERROR(reader.ReadSandbox(id, 1, [&](const Record& record) {
      EXPECT_EQ(record.sequence, read + 1);
      if (read < sandbox.drafts.size()) faults::ExpectIs(record, sandbox.drafts[read]);
      ++read;
      return Visit::kContinue;
    }));
    EXPECT_EQ(read, sandbox.drafts.size()) << id;
  }
  return absl::OkStatus();
}

absl::Status History::ExpectIsAsOf(Reader& reader, std::size_t recorded) const {
  const std::lock_guard lock(mutex_);
  HF_ASSIGN_OR_RETURN(const Heads heads, ExpectTailIsOurs(reader));
  std::map<std::string, std::set<std::uint64_t>> ends;
  Heads acknowledged;
  for (const Acknowledgement& told : acknowledgements_) {
    ends[told.sandbox_id].insert(told.last_sequence);
    if (told.at <= recorded) acknowledged[told.sandbox_id] = told.last_sequence;
  }
  for (const auto& [id, head] : heads) {
    EXPECT_TRUE(ends[id].contains(head)) << "a batch of " << id << " is there in part, to " << head;
  }
  for (const auto& [id, head] : acknowledged) {
    const auto found = heads.find(id);
    EXPECT_GE(found == heads.end() ? 0 : found->second, head) << "acknowledged and lost, of " << id;
  }
  return absl::OkStatus();
}

absl::Status History::ExpectTailIs(Reader& reader) const {
  HF_ASSIGN_OR_RETURN(Heads heads, ExpectTailIsOurs(reader));
  for (const auto& [id, sandbox] : sandboxes_) {
    EXPECT_EQ(heads[id], sandbox.drafts.size()) << "acknowledged and lost, of " << id;
  }
  return absl::OkStatus();
}

absl::StatusOr<History::Heads> History::ExpectTailIsOurs(Reader& reader) const {
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

absl::Status History::ExpectRowsAre(Reader& reader) const {
  HF_ASSIGN_OR_RETURN(const std::vector<SandboxRow> rows,
                      reader.ListSandboxes(/*live_only=*/false, "", SIZE_MAX));
  EXPECT_EQ(rows.size(), sandboxes_.size());
  for (const SandboxRow& row : rows) {
    const auto sandbox = sandboxes_.find(row.sandbox_id);
    if (sandbox == sandboxes_.end()) {
      ADD_FAILURE() << "invented: " << row.sandbox_id;
      continue;
    }
    EXPECT_EQ(row.head_sequence, sandbox->second.drafts.size()) << row.sandbox_id;
    EXPECT_EQ(row.head_position, sandbox->second.last_position) << row.sandbox_id;
    EXPECT_EQ(row.projection.state, sandbox->second.projection.state) << row.sandbox_id;
    EXPECT_EQ(row.projection.live, sandbox->second.projection.live) << row.sandbox_id;
    EXPECT_EQ(row.projection.summary, sandbox->second.projection.summary) << row.sandbox_id;
  }
  return absl::OkStatus();
}

}  // namespace holdfast::faults
