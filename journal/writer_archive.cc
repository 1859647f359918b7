// SPDX-License-Identifier: Apache-2.0
//
// What the writer does for the archive. Its statements are prepared when they are needed: a run
// moves thousands of sandboxes at once, and most processes never make one.
#include <algorithm>

#include "journal/segment.h"
#include "journal/writer.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kInsertSegment[] =
    "INSERT INTO segments\n"
    "  (number, file, digest, records, sandboxes, first_position, last_position, sealed_unix_ms,\n"
    "   state)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr char kSetState[] =
    "UPDATE segments\n"
    "SET state = ?2\n"
    "WHERE number = ?1";
constexpr char kInsertArchived[] =
    "INSERT INTO archived (fingerprint, sandbox, segment)\n"
    "VALUES (?1, ?2, ?3)";
constexpr char kDropArchived[] =
    "DELETE FROM archived\n"
    "WHERE fingerprint = ?1 AND sandbox = ?2 AND segment = ?3";
constexpr char kIsFinished[] =
    "SELECT h.position\n"
    "FROM sandboxes AS s\n"
    "JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.key = ?1 AND s.live = 0";
constexpr char kIsThere[] =
    "SELECT 1\n"
    "FROM sandboxes\n"
    "WHERE key = ?1";
constexpr const char* kDropRows[] = {
    "DELETE FROM heads\nWHERE sandbox = ?1",
    "DELETE FROM ledger\nWHERE sandbox = ?1",
    "DELETE FROM snapshots\nWHERE sandbox = ?1",
    "DELETE FROM sandboxes\nWHERE key = ?1",
};
constexpr char kDropRecord[] =
    "DELETE FROM records\n"
    "WHERE position = ?1";

std::string FromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

}  // namespace

absl::Status Writer::InOneTransaction(absl::FunctionRef<absl::Status()> work) {
  // All that follows looks at the tables alone; and a tail that names what is moved would be folded
  // from records that are gone.
  HF_RETURN_IF_ERROR(Flush());
  ForgetFinished();
  HF_RETURN_IF_ERROR(Begin());
  absl::Status status = End(work());
  // As after any transaction that failed: a COMMIT may have come through in spite of its error.
  if (!status.ok() && !absl::IsAborted(status)) behind_ = true;
  return status;
}

absl::Status Writer::AdoptSegment(const Segment& segment, std::span<const SegmentPart> parts) {
  return InOneTransaction([&] { return AdoptInTransaction(segment, parts); });
}

absl::Status Writer::AdoptInTransaction(const Segment& segment,
                                        std::span<const SegmentPart> parts) {
  HF_ASSIGN_OR_RETURN(Statement is_finished, database_.Prepare(kIsFinished));
  for (const SegmentPart& part : parts) {
    const ResetOnExit reset(is_finished);
    HF_ASSIGN_OR_RETURN(const bool found, is_finished.Bind(1, part.key).Step());
    if (found && is_finished.Unsigned(0) == part.position) continue;
    return absl::AbortedError("a sandbox was used again while it was archived");
  }
  HF_ASSIGN_OR_RETURN(Statement insert_segment, database_.Prepare(kInsertSegment));
  const std::string digest = FromHex(segment.digest);
  HF_RETURN_IF_ERROR(insert_segment.Bind(1, segment.number)
                         .BindText(2, segment.file)
                         .BindBlob(3, digest)
                         .Bind(4, segment.records)
                         .Bind(5, segment.sandboxes)
                         .Bind(6, segment.first_position)
                         .Bind(7, segment.last_position)
                         .Bind(8, segment.sealed_unix_ms)
                         .Bind(9, static_cast<std::int64_t>(SegmentState::kRemoving))
                         .Run());
  // In the order of the index, which is none of the sandboxes'.
  std::vector<std::pair<std::int64_t, std::uint64_t>> entries;
  entries.reserve(parts.size());
  for (const SegmentPart& part : parts) {
    entries.emplace_back(Fingerprint(hasher_, part.id), part.key);
  }
  std::sort(entries.begin(), entries.end());
  HF_ASSIGN_OR_RETURN(Statement insert, database_.Prepare(kInsertArchived));
  for (const auto& [fingerprint, key] : entries) {
    HF_RETURN_IF_ERROR(insert.Bind(1, fingerprint).Bind(2, key).Bind(3, segment.number).Run());
  }
  for (const char* drop_rows : kDropRows) {
    HF_ASSIGN_OR_RETURN(Statement drop, database_.Prepare(drop_rows));
    for (const SegmentPart& part : parts) HF_RETURN_IF_ERROR(drop.Bind(1, part.key).Run());
  }
  return absl::OkStatus();
}

absl::Status Writer::RemoveArchived(std::span<const std::uint64_t> positions) {
  return InOneTransaction([&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(Statement drop, database_.Prepare(kDropRecord));
    for (const std::uint64_t position : positions) {
      HF_RETURN_IF_ERROR(drop.Bind(1, position).Run());
    }
    return absl::OkStatus();
  });
}

absl::Status Writer::SettleSegment(std::uint64_t number) {
  return InOneTransaction([&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(Statement set_state, database_.Prepare(kSetState));
    return set_state.Bind(1, number)
        .Bind(2, static_cast<std::int64_t>(SegmentState::kSettled))
        .Run();
  });
}

absl::Status Writer::ExpireSegments(std::span<const std::uint64_t> numbers,
                                    std::span<const ArchivedEntry> entries) {
  archive_.CloseAll();  // an open file would keep the space of a removed one
  return InOneTransaction([&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(Statement is_there, database_.Prepare(kIsThere));
    HF_ASSIGN_OR_RETURN(Statement drop, database_.Prepare(kDropArchived));
    for (const ArchivedEntry& entry : entries) {
      {
        const ResetOnExit reset(is_there);
        HF_ASSIGN_OR_RETURN(const bool found, is_there.Bind(1, entry.sandbox).Step());
        if (found) return absl::AbortedError("a sandbox of an old segment was used again");
      }
      HF_RETURN_IF_ERROR(
          drop.Bind(1, entry.fingerprint).Bind(2, entry.sandbox).Bind(3, entry.segment).Run());
    }
    HF_ASSIGN_OR_RETURN(Statement set_state, database_.Prepare(kSetState));
    for (const std::uint64_t number : numbers) {
      HF_RETURN_IF_ERROR(set_state.Bind(1, number)
                             .Bind(2, static_cast<std::int64_t>(SegmentState::kExpired))
                             .Run());
    }
    return absl::OkStatus();
  });
}

}  // namespace holdfast::journal
