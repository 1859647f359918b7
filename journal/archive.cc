// SPDX-License-Identifier: Apache-2.0
#include "journal/archive.h"

#include <algorithm>
#include <iterator>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Segments kept open by one connection: an open one costs a file descriptor and about 100 KiB.
constexpr std::size_t kOpenMax = 8;

constexpr char kSelectJournalId[] =
    "SELECT value\n"
    "FROM meta\n"
    "WHERE name = 'journal_id'";
// These three give the same columns.
constexpr char kSelectAll[] =
    "SELECT number, file, digest, records, sandboxes, first_position, last_position,\n"
    "       sealed_unix_ms, state\n"
    "FROM segments\n"
    "ORDER BY number";
constexpr char kSelectAfter[] =
    "SELECT number, file, digest, records, sandboxes, first_position, last_position,\n"
    "       sealed_unix_ms, state\n"
    "FROM segments\n"
    "WHERE last_position > ?1 AND state < 3\n"
    "ORDER BY first_position";
constexpr char kSelectOne[] =
    "SELECT number, file, digest, records, sandboxes, first_position, last_position,\n"
    "       sealed_unix_ms, state\n"
    "FROM segments\n"
    "WHERE number = ?1";
constexpr char kSelectArchived[] =
    "SELECT sandbox, segment\n"
    "FROM archived\n"
    "WHERE fingerprint = ?1\n"
    "ORDER BY segment DESC";

SegmentRow ReadRow(const Statement& row) {
  const auto state = static_cast<SegmentState>(row.Integer(8));
  return SegmentRow{.segment = {.number = row.Unsigned(0),
                                .file = std::string(row.Bytes(1)),
                                .digest = ToHex(row.Bytes(2)),
                                .records = row.Unsigned(3),
                                .sandboxes = row.Unsigned(4),
                                .first_position = row.Unsigned(5),
                                .last_position = row.Unsigned(6),
                                .sealed_unix_ms = row.Integer(7),
                                .expired = state == SegmentState::kExpired,
                                .damage = {}},
                    .state = state};
}

}  // namespace

absl::StatusOr<Archive> Archive::Create(Database& journal, const std::string& journal_path) {
  HF_ASSIGN_OR_RETURN(Hasher hasher, Hasher::Create());
  Archive archive(ArchiveOf(journal_path), std::move(hasher));
  HF_ASSIGN_OR_RETURN(archive.select_journal_id_, journal.Prepare(kSelectJournalId));
  HF_ASSIGN_OR_RETURN(archive.select_all_, journal.Prepare(kSelectAll));
  HF_ASSIGN_OR_RETURN(archive.select_after_, journal.Prepare(kSelectAfter));
  HF_ASSIGN_OR_RETURN(archive.select_one_, journal.Prepare(kSelectOne));
  HF_ASSIGN_OR_RETURN(archive.select_archived_, journal.Prepare(kSelectArchived));
  return archive;
}

absl::StatusOr<std::vector<SegmentRow>> Archive::List() { return ListWith(select_all_); }

absl::StatusOr<std::vector<SegmentRow>> Archive::ListAfter(std::uint64_t position) {
  select_after_.Bind(1, position);
  return ListWith(select_after_);
}

absl::StatusOr<std::vector<SegmentRow>> Archive::ListWith(Statement& statement) {
  const ResetOnExit reset(statement);
  std::vector<SegmentRow> rows;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool found, statement.Step());
    if (!found) return rows;
    SegmentRow row = ReadRow(statement);
    if (!IsLeftOut(row.segment.number)) rows.push_back(std::move(row));
  }
}

bool Archive::IsLeftOut(std::uint64_t number) const {
  return std::find(left_out_.begin(), left_out_.end(), number) != left_out_.end();
}

absl::Status Archive::Begin() {
  left_out_.clear();
  missed_ = false;
  for (auto opened = opened_.begin(); opened != opened_.end();) {
    const ResetOnExit reset(select_one_);
    HF_ASSIGN_OR_RETURN(const bool found, select_one_.Bind(1, opened->number).Step());
    const bool there = found && !ReadRow(select_one_).segment.expired;
    dropped_ = dropped_ || !there;
    opened = there ? std::next(opened) : opened_.erase(opened);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Archive::Mentions(std::string_view sandbox_id) {
  const ResetOnExit reset(select_archived_);
  return select_archived_.Bind(1, Fingerprint(hasher_, sandbox_id)).Step();
}

absl::StatusOr<std::vector<Archive::Part>> Archive::Find(std::string_view sandbox_id) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> entries;  // key, segment
  {
    const ResetOnExit reset(select_archived_);
    select_archived_.Bind(1, Fingerprint(hasher_, sandbox_id));
    while (true) {
      HF_ASSIGN_OR_RETURN(const bool found, select_archived_.Step());
      if (!found) break;
      entries.emplace_back(select_archived_.Unsigned(0), select_archived_.Unsigned(1));
    }
  }
  std::vector<Part> parts;
  for (const auto& [key, number] : entries) {
    const ResetOnExit reset(select_one_);
    HF_ASSIGN_OR_RETURN(const bool known, select_one_.Bind(1, number).Step());
    if (!known) {
      return absl::DataLossError(fmt::format(
          "sandbox \"{}\" is in archive segment {}, which has no row", sandbox_id, number));
    }
    Part part{.row = ReadRow(select_one_), .head = {}};
    if (IsLeftOut(number)) {
      return InSegment(part.row.segment.file, absl::DataLossError("it cannot be read"));
    }
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<ReadConnection> segment, Open(part.row.segment));
    auto head = segment->FindSandbox(sandbox_id);
    // Another id with the same fingerprint.
    if (absl::IsNotFound(head.status())) continue;
    if (!head.ok()) return InSegment(part.row.segment.file, head.status());
    if (head->key != key) continue;
    part.head = *std::move(head);
    parts.push_back(std::move(part));
  }
  return parts;
}

absl::StatusOr<std::shared_ptr<ReadConnection>> Archive::Open(const Segment& segment) {
  const auto known = std::find_if(opened_.begin(), opened_.end(), [&](const Opened& opened) {
    return opened.number == segment.number && opened.digest == segment.digest;
  });
  if (known != opened_.end()) {
    opened_.splice(opened_.begin(), opened_, known);
    return opened_.front().connection;
  }
  HF_RETURN_IF_ERROR(ReadJournalId());
  auto found = OpenSegment(directory_, journal_id_, segment);
  if (!found.ok()) {
    missed_ = true;
    return found.status();
  }
  std::shared_ptr<ReadConnection> connection = *std::move(found);
  opened_.push_front({segment.number, segment.digest, connection});
  if (opened_.size() > kOpenMax) opened_.pop_back();
  return connection;
}

absl::StatusOr<std::shared_ptr<ReadConnection>> Archive::OpenStray(const std::string& name) {
  HF_RETURN_IF_ERROR(ReadJournalId());
  return journal::OpenStray(directory_, journal_id_, name);
}

absl::Status Archive::ReadJournalId() {
  if (!journal_id_.empty()) return absl::OkStatus();
  const ResetOnExit reset(select_journal_id_);
  HF_ASSIGN_OR_RETURN(const bool found, select_journal_id_.Step());
  if (found) journal_id_ = std::string(select_journal_id_.Bytes(0));
  return absl::OkStatus();
}

}  // namespace holdfast::journal
