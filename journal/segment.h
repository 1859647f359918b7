// SPDX-License-Identifier: Apache-2.0
//
// A segment of the archive: an SQLite file with the tables of a journal, which holds finished
// sandboxes, whole, and never changes. Here is what makes a file one: its name, its marks and its
// digest (docs/journal-format.md, "Archive segments").
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/canonical.h"
#include "journal/reader.h"
#include "journal/record.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

inline constexpr std::uint32_t kSegmentApplicationId = 0x48464A41;  // "HFJA", in SQLite's header

enum class SegmentState : std::int64_t {
  kRemoving = 1,  // its records may still be in the journal too
  kSettled = 2,   // they are here only
  kExpired = 3,   // the operator's retention removed it
};

// As `segments` has it.
struct SegmentRow {
  Segment segment;
  SegmentState state = SegmentState::kRemoving;
};

// What a segment holds of one sandbox: all of its records, or those since it was archived before.
struct SegmentPart {
  std::uint64_t key = 0;
  std::string id;
  std::uint64_t position = 0;  // of its last record
  std::uint64_t sequence = 0;  // of its last record
  Hash hash{};                 // of its last record
  std::uint64_t records = 0;
};

// All that was read in a segment.
struct SegmentContent {
  std::string digest;  // hexadecimal
  std::uint64_t records = 0;
  std::uint64_t first_position = 0;
  std::uint64_t last_position = 0;
  std::int64_t newest_unix_ms = 0;  // the greatest time of a record
  std::vector<SegmentPart> parts;   // by key
  Hash ledger{};                    // of its ledger rows, in their order
  std::string wrong;                // the first thing in it that cannot be believed; empty: none
};

// Where the segments of the journal at `path` are.
std::string ArchiveOf(const std::string& path);
// "segment-000001-1f3a9c2e.hfj": with the beginning of its digest, so that a number that is given
// twice (a run that was cut short, another life after a restore) makes no name that is.
std::string SegmentName(std::uint64_t number, std::string_view digest);
// "segment-000001.new": while it is built.
std::string DraftName(std::uint64_t number);
// Of a name of either kind; none of any other.
std::optional<std::uint64_t> SegmentNumber(std::string_view name);
bool IsDraft(std::string_view name);
// What in a directory is named like a segment, sorted. Drafts are none.
absl::StatusOr<std::vector<std::string>> ListSegmentFiles(const std::string& archive);

// What `archived` is looked up by.
std::int64_t Fingerprint(Hasher& hasher, std::string_view sandbox_id);

// Hexadecimal; `parts` in ascending order of the key.
std::string SegmentDigest(Hasher& hasher, const std::vector<SegmentPart>& parts);

// Folds a row of `ledger`, columns as kSelectLedger gives them, into `hash`.
void LinkLedgerRow(Hasher& hasher, std::uint64_t sandbox, const Statement& row, Hash& hash);
// Of one sandbox (?1), in their order.
inline constexpr char kSelectLedger[] =
    "SELECT participant, kind, name, handle, status, intent, key, since_unix_ms\n"
    "FROM ledger\n"
    "WHERE sandbox = ?1\n"
    "ORDER BY participant, kind, name";

// Opens the segment `row` in the directory `archive`, and checks that it is this one, of this
// journal, and whole as far as its header and size tell. The connection stands in a read
// transaction. Errors: DataLoss naming the file: missing, damaged, or another one.
absl::StatusOr<std::unique_ptr<ReadConnection>> OpenSegment(const std::string& archive,
                                                            const std::string& journal_id,
                                                            const Segment& segment);

// What the file `name` in the directory `archive` says that it is: a segment of this journal.
// Errors: as OpenSegment.
absl::StatusOr<std::unique_ptr<ReadConnection>> OpenStray(const std::string& archive,
                                                          const std::string& journal_id,
                                                          const std::string& name);

// Read between two questions whether to stop: about a millisecond.
inline constexpr std::uint64_t kStopRecords = 256;
// Asked now and then in long work; true: end it. Empty: never.
using StopFunction = std::function<bool()>;
inline bool Asked(const StopFunction& stop) { return stop && stop(); }

// Reads all of it: pages, records and their chains, rows, and what it says of itself. What is wrong
// with them is in the answer. Errors: DataLoss   it cannot be read to its end
//         Cancelled  it was asked to stop
absl::StatusOr<SegmentContent> ReadSegment(ReadConnection& segment, const StopFunction& stop);

// Whether what was read is what was sealed. DataLoss when it is not, or when something in it is
// wrong.
absl::Status Matches(const SegmentContent& content, const Segment& segment);

// Puts the file's name before what went wrong with it.
absl::Status InSegment(std::string_view file, const absl::Status& status);

}  // namespace holdfast::journal
