// SPDX-License-Identifier: Apache-2.0
#include "journal/strays.h"

#include <algorithm>
#include <map>
#include <memory>

#include "fmt/format.h"
#include "journal/files.h"
#include "journal/segment.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kIsMentioned[] =
    "SELECT 1\n"
    "FROM archived\n"
    "WHERE segment = ?1\n"
    "LIMIT 1";

// Ok: all that the segment holds is in the journal's own tables.
absl::Status CheckIsCopy(JournalView& view, const std::string& name, const StopFunction& stop) {
  HF_ASSIGN_OR_RETURN(const std::shared_ptr<ReadConnection> stray, view.archive().OpenStray(name));
  HF_ASSIGN_OR_RETURN(const SegmentContent content, ReadSegment(*stray, stop));
  if (!content.wrong.empty()) return absl::DataLossError(content.wrong);
  const auto missing = [](std::string_view id) {
    return absl::NotFoundError(
        fmt::format("it holds records of sandbox \"{}\" that the journal has not", id));
  };
  for (const SegmentPart& part : content.parts) {
    const auto sandbox = view.hot().FindSandbox(part.id);
    if (!sandbox.ok() || sandbox->key != part.key) return missing(part.id);
  }
  absl::Status compared;
  HF_RETURN_IF_ERROR(stray->Scan(0, INT64_MAX, [&](const StoredRecord& archived) {
    const std::string& id = archived.record.sandbox_id;
    const auto stored = view.hot().ReadRecord(archived.record.position, id);
    if (!stored.ok()) {
      compared = stored.status();
    } else if (!stored->has_value() || !(*stored)->sound || (*stored)->hash != archived.hash) {
      compared = missing(id);
    }
    return compared.ok() ? Visit::kContinue : Visit::kStop;
  }));
  return compared;
}

// One flipped bit can make an expired segment of a settled one; but only what expired is mentioned
// nowhere else.
absl::StatusOr<bool> IsExpired(JournalView& view, const SegmentRow& row) {
  if (!row.segment.expired) return false;
  HF_ASSIGN_OR_RETURN(Statement mentioned, view.database().Prepare(kIsMentioned));
  HF_ASSIGN_OR_RETURN(const bool found, mentioned.Bind(1, row.segment.number).Step());
  return !found;
}

}  // namespace

absl::Status RemoveStrays(JournalView& view, const StopFunction& stop,
                          std::vector<std::string>& kept) {
  const std::string& archive = view.archive().directory();
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, view.archive().List());
  std::map<std::string_view, const SegmentRow*> named;
  for (const SegmentRow& row : rows) named[row.segment.file] = &row;
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(archive));
  bool removed = false;
  for (const std::string& name : names) {
    // What is not named like one of ours is not ours.
    if (!SegmentNumber(name).has_value()) continue;
    std::string why;
    if (const auto row = named.find(name); row != named.end()) {
      HF_ASSIGN_OR_RETURN(const bool expired, IsExpired(view, *row->second));
      if (!expired && !row->second->segment.expired) continue;
      if (!expired) why = "its row says that it was removed, and others that it was not";
    } else if (!IsDraft(name)) {
      const absl::Status copy = CheckIsCopy(view, name, stop);
      if (absl::IsCancelled(copy)) return copy;
      why = std::string(copy.message());
    }
    if (!why.empty()) {
      kept.push_back(fmt::format("{}/{} is left where it is, for the journal does not know it: {}",
                                 archive, name, why));
      continue;
    }
    HF_RETURN_IF_ERROR(Remove(fmt::format("{}/{}", archive, name)));
    removed = true;
  }
  return removed ? SyncDirectory(archive) : absl::OkStatus();
}

absl::StatusOr<std::uint64_t> NextSegmentNumber(JournalView& view) {
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, view.archive().List());
  std::uint64_t last = rows.empty() ? 0 : rows.back().segment.number;
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      ListSegmentFiles(view.archive().directory()));
  for (const std::string& name : names) last = std::max(last, SegmentNumber(name).value_or(0));
  return last + 1;
}

}  // namespace holdfast::journal
