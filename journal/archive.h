// SPDX-License-Identifier: Apache-2.0
//
// The archive of a journal, as one connection to the journal finds it: which segments there are,
// and in which of them a sandbox is. Opening a journal reads nothing of it; a segment's file is
// opened when something in it is asked for.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "journal/canonical.h"
#include "journal/reader.h"
#include "journal/segment.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

class Archive {
 public:
  // `journal` outlives it, and is used by the same thread.
  static absl::StatusOr<Archive> Create(Database& journal, const std::string& journal_path);

  // In the order of their numbers, expired ones too.
  absl::StatusOr<std::vector<SegmentRow>> List();
  // Those that are not expired and have records after the position, in the order of their first.
  absl::StatusOr<std::vector<SegmentRow>> ListAfter(std::uint64_t position);

  // A sandbox's records in one segment.
  struct Part {
    SegmentRow row;
    ReadConnection::SandboxKeys head;
  };
  // All parts of the sandbox, the newest first; none: nothing of it was archived. One look-up in an
  // index, and a file opened for each entry that it finds. Errors: DataLoss naming the file that
  // cannot be read.
  absl::StatusOr<std::vector<Part>> Find(std::string_view sandbox_id);
  // Whether the index has an entry for it: what Find would have to open a file for.
  absl::StatusOr<bool> Mentions(std::string_view sandbox_id);

  // A few are kept open. Errors: as OpenSegment.
  absl::StatusOr<std::shared_ptr<ReadConnection>> Open(const Segment& segment);

  // One that has no row. Errors: as OpenStray.
  absl::StatusOr<std::shared_ptr<ReadConnection>> OpenStray(const std::string& name);

  // Until Begin, nothing of this segment is found or listed. For one that was found unreadable.
  void LeaveOut(std::uint64_t number) { left_out_.push_back(number); }
  // The journal's connection stands in another transaction.
  absl::Status Begin();
  // Since Begin, a segment could not be opened, for whatever reason. Some may have expired since.
  bool missed() const { return missed_; }
  // True once when Begin has closed segments that are not in `segments` any more: the space of a
  // file that was removed is free only when nobody has it open.
  bool TakeDropped() { return std::exchange(dropped_, false); }
  // Files are looked at anew from here.
  void CloseAll() { opened_.clear(); }

  const std::string& directory() const { return directory_; }

 private:
  explicit Archive(std::string directory, Hasher hasher)
      : directory_(std::move(directory)), hasher_(std::move(hasher)) {}
  absl::StatusOr<std::vector<SegmentRow>> ListWith(Statement& statement);
  bool IsLeftOut(std::uint64_t number) const;
  absl::Status ReadJournalId();

  std::string directory_;
  Hasher hasher_;
  Statement select_journal_id_, select_all_, select_after_, select_one_, select_archived_;
  std::string journal_id_;  // empty until it is needed
  // Most recently used first; the digest says whether it is still the one.
  struct Opened {
    std::uint64_t number = 0;
    std::string digest;
    std::shared_ptr<ReadConnection> connection;
  };
  std::list<Opened> opened_;
  std::vector<std::uint64_t> left_out_;
  bool missed_ = false;
  bool dropped_ = false;
};

}  // namespace holdfast::journal
