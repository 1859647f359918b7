// SPDX-License-Identifier: Apache-2.0
#include "journal/verify_segments.h"

#include <algorithm>
#include <memory>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kIsArchived[] =
    "SELECT 1\n"
    "FROM archived\n"
    "WHERE fingerprint = ?1 AND sandbox = ?2 AND segment = ?3";
constexpr char kCountArchived[] =
    "SELECT count(*)\n"
    "FROM archived\n"
    "WHERE segment = ?1";
constexpr char kCountStrays[] =
    "SELECT count(*)\n"
    "FROM archived\n"
    "WHERE segment NOT IN (SELECT number FROM segments WHERE state < 3)";

}  // namespace

bool AbsentRecords::Covers(std::uint64_t first, std::uint64_t last) const {
  // The ranges overlap as sandboxes do: go on from wherever the farthest one reaches.
  std::uint64_t covered = first;
  for (bool grown = true; grown && covered <= last;) {
    grown = false;
    for (const auto& [from, to] : ranges) {
      if (from > covered || to < covered) continue;
      covered = to + 1;
      grown = true;
    }
  }
  return covered > last;
}

absl::Status SegmentVerifier::Name(const absl::Status& status) {
  if (status.ok() || absl::IsUnavailable(status)) return status;
  name_(std::string(status.message()));
  return absl::OkStatus();
}

absl::Status SegmentVerifier::Quick() {
  view_.archive().CloseAll();
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, view_.archive().List());
  for (const SegmentRow& row : rows) {
    if (row.segment.expired) continue;
    HF_RETURN_IF_ERROR(Name(view_.archive().Open(row.segment).status()));
  }
  return absl::OkStatus();
}

absl::Status SegmentVerifier::Deep(AbsentRecords& absent) {
  view_.archive().CloseAll();
  HF_ASSIGN_OR_RETURN(const std::vector<SegmentRow> rows, view_.archive().List());
  for (const SegmentRow& row : rows) {
    if (row.segment.expired) {
      absent.records += row.segment.records;
      absent.ranges.emplace_back(row.segment.first_position, row.segment.last_position);
    } else {
      HF_RETURN_IF_ERROR(CheckOne(row, absent));
    }
  }
  HF_ASSIGN_OR_RETURN(Statement strays, view_.database().Prepare(kCountStrays));
  HF_RETURN_IF_ERROR(strays.Step().status());
  if (strays.Unsigned(0) != 0) {
    name_(fmt::format("`archived` has {} rows of segments that are not there", strays.Unsigned(0)));
  }
  return absl::OkStatus();
}

absl::Status SegmentVerifier::CheckOne(const SegmentRow& row, AbsentRecords& absent) {
  const Segment& segment = row.segment;
  const auto opened = view_.archive().Open(segment);
  absl::Status status = opened.status();
  if (status.ok()) {
    const auto content = ReadSegment(**opened, /*stop=*/nullptr);
    status = InSegment(segment.file, content.status());
    if (status.ok()) return CompareWithJournal(row, **opened, *content);
  }
  HF_RETURN_IF_ERROR(Name(status));
  view_.archive().LeaveOut(segment.number);
  absent.records += segment.records;
  if (row.state == SegmentState::kRemoving) absent.unsure += segment.records;
  absent.ranges.emplace_back(segment.first_position, segment.last_position);
  return absl::OkStatus();
}

absl::Status SegmentVerifier::CompareWithJournal(const SegmentRow& row, ReadConnection& segment,
                                                 const SegmentContent& content) {
  const Segment& known = row.segment;
  HF_RETURN_IF_ERROR(Name(InSegment(known.file, Matches(content, known))));
  HF_ASSIGN_OR_RETURN(Hasher hasher, Hasher::Create());
  HF_ASSIGN_OR_RETURN(Statement is_archived, view_.database().Prepare(kIsArchived));
  std::uint64_t unknown = 0;
  for (const SegmentPart& part : content.parts) {
    const ResetOnExit reset(is_archived);
    is_archived.Bind(1, Fingerprint(hasher, part.id)).Bind(2, part.key).Bind(3, known.number);
    HF_ASSIGN_OR_RETURN(const bool found, is_archived.Step());
    if (!found) ++unknown;
  }
  HF_ASSIGN_OR_RETURN(Statement count, view_.database().Prepare(kCountArchived));
  HF_RETURN_IF_ERROR(count.Bind(1, known.number).Step().status());
  if (unknown > 0 || count.Unsigned(0) != content.parts.size()) {
    name_(
        fmt::format("`archived` has {} rows for the {} sandboxes of segment {}, and {} of these "
                    "are not found by them",
                    count.Unsigned(0), content.parts.size(), known.number, unknown));
  }
  if (row.state != SegmentState::kSettled) return absl::OkStatus();
  std::uint64_t doubled = 0;
  absl::Status looked;
  HF_RETURN_IF_ERROR(segment.Scan(0, INT64_MAX, [&](const StoredRecord& stored) {
    const auto link = view_.hot().FindLink(stored.record.position);
    looked = link.status();
    if (looked.ok() && link->has_value()) ++doubled;
    return looked.ok() ? Visit::kContinue : Visit::kStop;
  }));
  if (doubled > 0) {
    name_(fmt::format("{} records of segment {} are in the journal too", doubled, known.number));
  }
  return Name(looked);
}

}  // namespace holdfast::journal
