// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_build.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "journal/files.h"
#include "journal/migrations.h"
#include "journal/schema.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Finished, with nothing open, held or sealed; in the order of the keys, so that a segment holds
// what began at about the same time.
constexpr char kSelectDue[] =
    "SELECT s.key, s.id, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "JOIN heads AS h ON h.sandbox = s.key\n"
    "JOIN records AS r ON r.position = h.position\n"
    "WHERE s.live = 0 AND r.time_unix_ms < ?1\n"
    "  AND NOT EXISTS (SELECT 1 FROM open_intents AS o WHERE o.sandbox = s.key)\n"
    "  AND NOT EXISTS (SELECT 1 FROM ledger AS l WHERE l.sandbox = s.key AND l.status <= 2)\n"
    "  AND NOT EXISTS (SELECT 1 FROM sealed AS b WHERE b.sandbox = s.key)\n"
    "ORDER BY s.key";
constexpr char kInsertRecord[] =
    "INSERT INTO records\n"
    "  (position, sandbox, sequence, previous, epoch, time_unix_ms, kind, checksum, type, hash,\n"
    "   payload)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
constexpr char kInsertSandbox[] =
    "INSERT INTO sandboxes (key, id, live, checksum, state, summary)\n"
    "VALUES (?1, ?2, 0, ?3, ?4, ?5)";
constexpr char kInsertHead[] =
    "INSERT INTO heads (sandbox, position, sequence)\n"
    "VALUES (?1, ?2, ?3)";
constexpr char kInsertLedger[] =
    "INSERT INTO ledger\n"
    "  (sandbox, participant, kind, name, handle, status, intent, key, since_unix_ms)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr char kPutMeta[] =
    "INSERT OR REPLACE INTO meta (name, value)\n"
    "VALUES (?1, ?2)";

constexpr char kIsArchivedIn[] =
    "SELECT 1\n"
    "FROM archived\n"
    "WHERE fingerprint = ?1 AND sandbox = ?2 AND segment = ?3";

std::string_view View(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace

absl::StatusOr<BuiltSegment> SegmentBuilder::Build(std::uint64_t number) {
  const std::string& archive = view_.archive().directory();
  BuiltSegment built;
  HF_RETURN_IF_ERROR(Choose());
  if (chosen_.empty()) return built;
  built.segment.number = number;
  HF_RETURN_IF_ERROR(MakeDirectory(archive));
  const std::string draft = fmt::format("{}/{}", archive, DraftName(number));
  HF_RETURN_IF_ERROR(Remove(draft));
  HF_RETURN_IF_ERROR(Write(draft, built));
  if (::chmod(draft.c_str(), S_IRUSR) != 0) {
    return FileError(errno, fmt::format("chmod of {}", draft));
  }
  HF_RETURN_IF_ERROR(SyncFile(draft));
  return built;
}

absl::Status SegmentBuilder::GoOn() {
  if (++steps_ % kStopRecords != 0 || !Asked(options_.stop)) return absl::OkStatus();
  return absl::CancelledError("asked to stop");
}

absl::Status SegmentBuilder::Choose() {
  chosen_.clear();
  positions_.clear();
  HF_ASSIGN_OR_RETURN(Statement due, view_.database().Prepare(kSelectDue));
  due.Bind(1, options_.finished_before_unix_ms);
  while (chosen_.size() < options_.sandboxes_per_segment_max &&
         positions_.size() < options_.records_per_segment_max) {
    HF_ASSIGN_OR_RETURN(const bool found, due.Step());
    if (!found) break;
    const std::uint64_t key = due.Unsigned(0);
    // Used again since the flush, or known to be damaged.
    if (view_.tail().Find(key) != nullptr || damaged_.contains(key)) continue;
    if (due.Unsigned(5) > through_) continue;
    ReadConnection::SandboxKeys row{.key = key,
                                    .row = {.sandbox_id = std::string(due.Bytes(1)),
                                            .head_sequence = due.Unsigned(6),
                                            .head_position = due.Unsigned(5),
                                            .projection = {.state = std::string(due.Bytes(3)),
                                                           .live = false,
                                                           .summary = std::string(due.Bytes(4))}}};
    const auto checksum = static_cast<std::uint32_t>(due.Unsigned(2));
    // By all means one, however long it is.
    if (!chosen_.empty() &&
        positions_.size() + row.row.head_sequence > options_.records_per_segment_max) {
      break;
    }
    absl::Status added = Add(std::move(row), checksum);
    if (absl::IsDataLoss(added)) {
      damaged_[key] = std::string(added.message());
    } else if (!added.ok()) {
      return added;
    }
  }
  std::sort(positions_.begin(), positions_.end(),
            [](const At& a, const At& b) { return a.position < b.position; });
  return absl::OkStatus();
}

absl::Status SegmentBuilder::Add(ReadConnection::SandboxKeys row, std::uint32_t checksum) {
  const std::string& id = row.row.sandbox_id;
  const auto damaged = [&id](std::string_view what) {
    return absl::DataLossError(fmt::format("sandbox \"{}\": {}", id, what));
  };
  if (checksum !=
      RowChecksum(row.key, false, id, row.row.projection.state, row.row.projection.summary)) {
    return damaged("the checksum of its live row fails");
  }
  HF_RETURN_IF_ERROR(CheckIsElsewhere(row));
  Chosen chosen{.row = row, .checksum = checksum};
  std::vector<At> positions;
  std::uint64_t position = row.row.head_position;
  std::uint64_t sequence = row.row.head_sequence;
  while (position != 0) {
    HF_ASSIGN_OR_RETURN(const auto link, view_.hot().FindLink(position));
    if (!link.has_value()) break;
    if (link->sandbox != row.key || link->sequence != sequence || link->previous >= position ||
        (link->previous == 0) != (sequence == 1)) {
      return damaged(fmt::format("record {} at position {} is not what its successor points to",
                                 sequence, position));
    }
    HF_RETURN_IF_ERROR(GoOn());
    positions.push_back({position, chosen_.size()});
    position = link->previous;
    --sequence;
  }
  if (position != 0) {
    // What came before was archived when the sandbox was finished the last time.
    HF_ASSIGN_OR_RETURN(const std::vector<Archive::Part> parts, view_.archive().Find(id));
    if (positions.empty() || parts.empty() || parts.front().head.key != row.key ||
        parts.front().head.row.head_position != position ||
        parts.front().head.row.head_sequence != sequence) {
      return damaged(fmt::format("record {} at position {} is missing", sequence, position));
    }
    HF_ASSIGN_OR_RETURN(const auto before, view_.ReadRecord(position, id));
    if (!before.has_value() || !before->sound) return damaged("what it follows from is damaged");
    chosen.hash = before->hash;
  }
  HF_RETURN_IF_ERROR(CheckChain(row, positions, position, chosen.hash));
  chosen.previous = position;
  chosen.sequence = sequence;
  chosen.records = positions.size();
  positions_.insert(positions_.end(), positions.begin(), positions.end());
  chosen_.push_back(std::move(chosen));
  return absl::OkStatus();
}

// One that is damaged must not come to light when half of the segment is written.
absl::Status SegmentBuilder::CheckChain(const ReadConnection::SandboxKeys& row,
                                        const std::vector<At>& newest_first, std::uint64_t previous,
                                        Hash hash) {
  const std::string& id = row.row.sandbox_id;
  std::uint64_t sequence = row.row.head_sequence - newest_first.size();
  for (auto at = newest_first.rbegin(); at != newest_first.rend(); ++at) {
    HF_RETURN_IF_ERROR(GoOn());
    ++sequence;
    HF_ASSIGN_OR_RETURN(const auto stored, view_.hot().ReadRecord(at->position, id));
    if (!stored.has_value() || !stored->sound || stored->sandbox != row.key ||
        stored->previous != previous || stored->record.sequence != sequence ||
        stored->hash != hasher_.Link(hash, stored->View())) {
      return absl::DataLossError(fmt::format("sandbox \"{}\": record {} at position {} is damaged",
                                             id, sequence, at->position));
    }
    previous = at->position;
    hash = stored->hash;
  }
  return absl::OkStatus();
}

absl::Status SegmentBuilder::CheckIsElsewhere(const ReadConnection::SandboxKeys& row) {
  for (const std::uint64_t segment : unreadable_) {
    HF_ASSIGN_OR_RETURN(Statement archived, view_.database().Prepare(kIsArchivedIn));
    archived.Bind(1, Fingerprint(hasher_, row.row.sandbox_id)).Bind(2, row.key).Bind(3, segment);
    HF_ASSIGN_OR_RETURN(const bool found, archived.Step());
    if (!found) continue;
    return absl::DataLossError(
        fmt::format("sandbox \"{}\": its records before are in segment {}, which is damaged",
                    row.row.sandbox_id, segment));
  }
  return absl::OkStatus();
}

absl::Status SegmentBuilder::Write(const std::string& path, BuiltSegment& built) {
  HF_RETURN_IF_ERROR(MakeEmptyFile(path));
  HF_ASSIGN_OR_RETURN(Database segment, Database::Open(path, OpenMode::kReadWrite));
  HF_RETURN_IF_ERROR(
      segment.SetPragma("page_size", std::to_string(kPageBytes), std::to_string(kPageBytes)));
  // Nobody needs half of a draft: it is synced when it is whole, and thrown away otherwise.
  HF_RETURN_IF_ERROR(segment.SetPragma("journal_mode", "OFF", "off"));
  HF_RETURN_IF_ERROR(segment.SetPragma("synchronous", "OFF", "0"));
  HF_RETURN_IF_ERROR(segment.SetPragma("application_id", std::to_string(kSegmentApplicationId),
                                       std::to_string(kSegmentApplicationId)));
  HF_RETURN_IF_ERROR(segment.Execute("BEGIN IMMEDIATE"));
  HF_RETURN_IF_ERROR(Migrate(segment, 0));
  HF_RETURN_IF_ERROR(WriteRecords(segment));
  HF_RETURN_IF_ERROR(WriteRows(segment, built));
  built.segment.digest = SegmentDigest(hasher_, built.parts);
  built.segment.file = SegmentName(built.segment.number, built.segment.digest);
  built.segment.records = positions_.size();
  built.segment.sandboxes = chosen_.size();
  built.segment.first_position = positions_.front().position;
  built.segment.last_position = positions_.back().position;
  built.segment.sealed_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count();
  HF_RETURN_IF_ERROR(WriteMarks(segment, built));
  return segment.Execute("COMMIT");
}

absl::Status SegmentBuilder::WriteRecords(Database& segment) {
  HF_ASSIGN_OR_RETURN(Statement insert, segment.Prepare(kInsertRecord));
  newest_unix_ms_ = INT64_MIN;
  for (const At& at : positions_) {
    HF_RETURN_IF_ERROR(GoOn());
    Chosen& chosen = chosen_[at.chosen];
    const std::string& id = chosen.row.row.sandbox_id;
    HF_ASSIGN_OR_RETURN(const auto stored, view_.hot().ReadRecord(at.position, id));
    // Read a moment ago, in this transaction, and found sound; but the disk is asked again.
    if (!stored.has_value() || !stored->sound ||
        stored->hash != hasher_.Link(chosen.hash, stored->View())) {
      return absl::DataLossError(
          fmt::format("sandbox \"{}\": record {} at position {} is damaged since it was read", id,
                      chosen.sequence + 1, at.position));
    }
    const Record& record = stored->record;
    HF_RETURN_IF_ERROR(insert.Bind(1, record.position)
                           .Bind(2, stored->sandbox)
                           .Bind(3, record.sequence)
                           .Bind(4, stored->previous)
                           .Bind(5, record.epoch)
                           .Bind(6, record.time_unix_ms)
                           .Bind(7, static_cast<std::int64_t>(record.kind))
                           .Bind(8, std::int64_t{stored->checksum})
                           .BindText(9, record.type)
                           .BindBlob(10, View(stored->hash))
                           .BindBlob(11, record.payload)
                           .Run());
    chosen.previous = record.position;
    chosen.sequence = record.sequence;
    chosen.hash = stored->hash;
    newest_unix_ms_ = std::max(newest_unix_ms_, record.time_unix_ms);
  }
  return absl::OkStatus();
}

absl::Status SegmentBuilder::WriteRows(Database& segment, BuiltSegment& built) {
  HF_ASSIGN_OR_RETURN(Statement sandbox, segment.Prepare(kInsertSandbox));
  HF_ASSIGN_OR_RETURN(Statement head, segment.Prepare(kInsertHead));
  HF_ASSIGN_OR_RETURN(Statement ledger, segment.Prepare(kInsertLedger));
  HF_ASSIGN_OR_RETURN(Statement select, view_.database().Prepare(kSelectLedger));
  for (const Chosen& chosen : chosen_) {
    HF_RETURN_IF_ERROR(GoOn());
    const SandboxRow& row = chosen.row.row;
    const std::uint64_t key = chosen.row.key;
    HF_RETURN_IF_ERROR(sandbox.Bind(1, key)
                           .BindText(2, row.sandbox_id)
                           .Bind(3, std::int64_t{chosen.checksum})
                           .BindText(4, row.projection.state)
                           .BindBlob(5, row.projection.summary)
                           .Run());
    HF_RETURN_IF_ERROR(
        head.Bind(1, key).Bind(2, row.head_position).Bind(3, row.head_sequence).Run());
    built.parts.push_back(SegmentPart{.key = key,
                                      .id = row.sandbox_id,
                                      .position = row.head_position,
                                      .sequence = row.head_sequence,
                                      .hash = chosen.hash,
                                      .records = chosen.records});
    const ResetOnExit reset(select);
    select.Bind(1, key);
    while (true) {
      HF_ASSIGN_OR_RETURN(const bool found, select.Step());
      if (!found) break;
      LinkLedgerRow(hasher_, key, select, built.ledger);
      HF_RETURN_IF_ERROR(ledger.Bind(1, key)
                             .BindText(2, select.Bytes(0))
                             .BindText(3, select.Bytes(1))
                             .BindText(4, select.Bytes(2))
                             .BindText(5, select.Bytes(3))
                             .Bind(6, select.Integer(4))
                             .Bind(7, select.Integer(5))
                             .BindText(8, select.Bytes(6))
                             .Bind(9, select.Integer(7))
                             .Run());
    }
  }
  return absl::OkStatus();
}

absl::Status SegmentBuilder::WriteMarks(Database& segment, const BuiltSegment& built) {
  HF_ASSIGN_OR_RETURN(const std::string journal_id,
                      view_.database().QueryText("SELECT value\nFROM meta\n"
                                                 "WHERE name = 'journal_id'"));
  HF_ASSIGN_OR_RETURN(Statement put, segment.Prepare(kPutMeta));
  HF_RETURN_IF_ERROR(put.BindText(1, "journal_id").BindText(2, journal_id).Run());
  HF_RETURN_IF_ERROR(put.BindText(1, "segment").Bind(2, built.segment.number).Run());
  HF_RETURN_IF_ERROR(put.BindText(1, "digest").BindText(2, built.segment.digest).Run());
  HF_RETURN_IF_ERROR(put.BindText(1, "newest_unix_ms").Bind(2, newest_unix_ms_).Run());
  // All of it stands in its tables: there is no tail.
  return put.BindText(1, "flushed").Bind(2, built.segment.last_position).Run();
}

}  // namespace holdfast::journal
