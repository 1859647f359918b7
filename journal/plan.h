// SPDX-License-Identifier: Apache-2.0
//
// What one transaction is to write, decided to the last byte: every check is behind it, and who
// writes it needs nothing of what the writer knows in memory. So a plan can be written on one
// thread while the next is made on another.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "journal/canonical.h"
#include "journal/record.h"

namespace holdfast::journal {

// The views are into the batches that it was made of, which must stay until it is written.
struct Plan {
  struct Record {
    std::uint64_t position = 0;
    std::uint64_t sandbox = 0;  // the file's key for it
    std::uint64_t sequence = 0;
    std::uint64_t previous = 0;
    std::int64_t time_unix_ms = 0;
    RecordKind kind = RecordKind::kEvent;
    std::uint32_t checksum = 0;
    Hash hash{};
    std::string_view type;
    std::string_view payload;
  };
  // What was said of a sandbox with the record at `position`, until the next flush.
  struct Said {
    std::uint64_t position = 0;
    std::uint64_t sandbox = 0;
    std::string_view id;
    bool live = false;
    std::uint32_t checksum = 0;
    std::string_view state;
    std::string_view summary;
  };
  struct Sealed {
    std::uint64_t sandbox = 0;
    std::optional<std::string_view> bytes;  // empty: what is sealed for it goes
  };

  std::vector<Record> records;  // ascending by position, without a gap
  std::vector<Said> said;       // likewise ascending
  std::vector<Sealed> sealed;

  bool empty() const { return records.empty(); }
  void clear() {
    records.clear();
    said.clear();
    sealed.clear();
  }
};

}  // namespace holdfast::journal
