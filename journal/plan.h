// SPDX-License-Identifier: Apache-2.0
//
// What one transaction is to write, decided to the last byte: every check is behind it, and who
// writes it needs nothing of what the writer knows in memory. So a plan can be written on one
// thread while the next is made on another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/canonical.h"
#include "journal/record.h"

namespace holdfast::journal {

// The views are into the batches that it was made of, which must stay until it is written. What is
// most of the bytes, the records', lies here in a row: who writes it is another thread, and what it
// had to fetch from all over another one's memory it would wait for.
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
    std::size_t end = 0;  // in `bytes`, of its canonical bytes
    std::size_t type_size = 0;
    std::size_t payload_size = 0;
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

  std::string bytes;            // the records' canonical bytes, one after the other
  std::vector<Record> records;  // ascending by position, without a gap
  std::vector<Said> said;       // likewise ascending
  std::vector<Sealed> sealed;

  std::string_view PayloadOf(const Record& record) const {
    return std::string_view(bytes).substr(record.end - record.payload_size, record.payload_size);
  }
  std::string_view TypeOf(const Record& record) const {
    const std::size_t end = record.end - record.payload_size - kPayloadLengthBytes;
    return std::string_view(bytes).substr(end - record.type_size, record.type_size);
  }

  bool empty() const { return records.empty(); }
  void clear() {
    // One huge plan is not a reason to keep as much for ever.
    if (bytes.capacity() > kBytesKeptMax) bytes = std::string();
    bytes.clear();
    records.clear();
    said.clear();
    sealed.clear();
  }

  static constexpr std::size_t kBytesKeptMax = 4 << 20;
};

}  // namespace holdfast::journal
