// SPDX-License-Identifier: Apache-2.0
//
// Writes finished sandboxes from one moment of a journal into a new segment's file. Reads only; no
// writer waits for it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/view.h"

namespace holdfast::journal {

// What was written, as the journal had it; the file must say the same when it is read.
struct BuiltSegment {
  Segment segment;  // of no sandboxes: nothing was due, and there is no file
  std::vector<SegmentPart> parts;
  Hash ledger{};
};

class SegmentBuilder {
 public:
  // `view` stands in a transaction, and no segment in it is still being removed, unless it is left
  // out (below). Sandboxes with a record after `through` are not taken.
  SegmentBuilder(JournalView& view, const ArchiveOptions& options, std::uint64_t through,
                 Hasher hasher)
      : view_(view), options_(options), through_(through), hasher_(std::move(hasher)) {}

  // Builds the segment of that number in the archive's directory, under its draft's name, sealed
  // but for its name. Errors: Cancelled, or the disk's; the file may then be there.
  absl::StatusOr<BuiltSegment> Build(std::uint64_t number);

  // A sandbox that is in this segment already, which cannot be read, stays where it is.
  void LeaveSandboxesOf(std::uint64_t segment) { unreadable_.push_back(segment); }

  // Sandboxes whose records are damaged are left where they are: by key, why.
  const std::map<std::uint64_t, std::string>& damaged() const { return damaged_; }

 private:
  // A sandbox that goes, and where the walk along its records stands.
  struct Chosen {
    ReadConnection::SandboxKeys row;
    std::uint32_t checksum = 0;
    std::uint64_t previous = 0;
    std::uint64_t sequence = 0;
    Hash hash = kChainStart;
    std::uint64_t records = 0;
  };
  struct At {
    std::uint64_t position = 0;
    std::size_t chosen = 0;
  };

  absl::Status Choose();
  // Finds its records, and reads them. DataLoss: they cannot be followed, or one is damaged.
  absl::Status Add(ReadConnection::SandboxKeys row, std::uint32_t checksum);
  absl::Status CheckChain(const ReadConnection::SandboxKeys& row,
                          const std::vector<At>& newest_first, std::uint64_t previous, Hash hash);
  absl::Status CheckIsElsewhere(const ReadConnection::SandboxKeys& row);
  // Cancelled when it was asked to stop; called for each record, asks for some.
  absl::Status GoOn();
  absl::Status Write(const std::string& path, BuiltSegment& built);
  absl::Status WriteRecords(Database& segment);
  absl::Status WriteRows(Database& segment, BuiltSegment& built);
  absl::Status WriteMarks(Database& segment, const BuiltSegment& built);

  JournalView& view_;
  const ArchiveOptions& options_;
  const std::uint64_t through_;
  std::map<std::uint64_t, std::string> damaged_;
  std::vector<std::uint64_t> unreadable_;  // segments
  Hasher hasher_;
  std::uint64_t steps_ = 0;
  std::vector<Chosen> chosen_;
  std::vector<At> positions_;
  std::int64_t newest_unix_ms_ = 0;
};

}  // namespace holdfast::journal
