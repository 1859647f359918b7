// SPDX-License-Identifier: Apache-2.0
//
// What a record's checksum and hash are taken over. Both sides of the disk use this one file: the
// writer before the insert, the reader and Verify after the select. The layout is part of the
// format (docs/journal-format.md, "Canonical bytes") and never changes for a format version.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "journal/record.h"

struct evp_md_ctx_st;
struct evp_md_st;

namespace holdfast::journal {

using Hash = std::array<std::uint8_t, 32>;

// The chain's value before a sandbox's first record.
inline constexpr Hash kChainStart{};

// A record's fields without owning them, in the order in which they are laid out.
struct RecordView {
  std::uint64_t position = 0;
  std::uint64_t previous = 0;  // position of the sandbox's record before this one; 0: none
  std::uint64_t sequence = 0;
  std::uint64_t epoch = 0;
  std::int64_t time_unix_ms = 0;
  RecordKind kind = RecordKind::kEvent;
  std::string_view sandbox_id;  // the id, not the file's key for it: records can move between files
  std::string_view type;
  std::string_view payload;
};

// Appends the canonical bytes of `record`. They end with its type, the length of its payload in
// kPayloadLengthBytes, and its payload.
inline constexpr std::size_t kPayloadLengthBytes = 4;
void AppendCanonical(const RecordView& record, std::string& bytes);

// CRC-32 (ISO-HDLC, as zlib computes it).
std::uint32_t Checksum(std::string_view bytes);
// Of a record's canonical bytes, which are not put together for it.
std::uint32_t Checksum(const RecordView& record);

// Over the live row of a sandbox: key, live, id, state, summary.
std::uint32_t RowChecksum(std::uint64_t key, bool live, std::string_view id, std::string_view state,
                          std::string_view summary);

// Over a snapshot: id, sequence, bytes.
std::uint32_t SnapshotChecksum(std::string_view id, std::uint64_t sequence, std::string_view bytes);

// SHA-256 with its context kept, because making one costs as much as hashing a record.
class Hasher {
 public:
  // Unavailable: the crypto library offers no SHA-256.
  static absl::StatusOr<Hasher> Create();

  // SHA-256(previous || canonical).
  Hash Link(const Hash& previous, std::string_view canonical);
  Hash Link(const Hash& previous, const RecordView& record);
  // SHA-256(bytes).
  Hash Of(std::string_view bytes);

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
    void operator()(evp_md_st* algorithm) const;
  };
  Hasher() = default;

  std::unique_ptr<evp_md_st, Free> algorithm_;
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Lower-case hexadecimal.
std::string ToHex(std::string_view bytes);

}  // namespace holdfast::journal
