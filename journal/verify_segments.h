// SPDX-License-Identifier: Apache-2.0
//
// The part of Verify that looks at the archive: whether each segment is there, is the one that was
// sealed, and whether what the journal keeps about the archive says the same.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "journal/view.h"

namespace holdfast::journal {

// Records that are nowhere any more and need not be, or are in a segment that was named already.
struct AbsentRecords {
  std::uint64_t records = 0;
  std::uint64_t unsure = 0;  // of these: may still be in the journal
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // of positions, first and last

  // Whether all the positions from `first` to `last` may be among them.
  bool Covers(std::uint64_t first, std::uint64_t last) const;
};

class SegmentVerifier {
 public:
  // `name` is told of each damage, in one sentence.
  SegmentVerifier(JournalView& view, std::function<void(const std::string&)> name)
      : view_(view), name_(std::move(name)) {}

  // That each is there, has its size, and bears the seal that the journal knows.
  absl::Status Quick();
  // Reads all of each. Leaves out of the view those that cannot be read, and tells what is absent
  // for that or because it expired.
  absl::Status Deep(AbsentRecords& absent);

 private:
  absl::Status CheckOne(const SegmentRow& row, AbsentRecords& absent);
  absl::Status CompareWithJournal(const SegmentRow& row, ReadConnection& segment,
                                  const SegmentContent& content);
  // A disk that does not answer is an error; all else is a finding.
  absl::Status Name(const absl::Status& status);

  JournalView& view_;
  std::function<void(const std::string&)> name_;
};

}  // namespace holdfast::journal
