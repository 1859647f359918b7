// SPDX-License-Identifier: Apache-2.0
//
// Structs that cross the C interface begin with their size and grow only at their ends. Here is
// what that means: how one is taken from a caller that knows less than we do, and how one is filled
// for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "journal/c/journal.h"
#include "journal/journal.h"

namespace holdfast::journal::c {

// The size of each struct in the first released version of the interface: fewer bytes than that are
// a mistake. When a struct grows, it gets its old size here; until then the two are the same.
template <typename Struct>
inline constexpr std::size_t kSizeAtFirst = sizeof(Struct);

// Checks a caller's struct: neither NULL, nor smaller than the first, nor made for a newer library.
template <typename Struct>
absl::Status CheckStruct(const Struct* theirs, std::string_view name) {
  static_assert(std::is_standard_layout_v<Struct> && std::is_trivially_copyable_v<Struct>);
  if (theirs == nullptr) return absl::InvalidArgumentError(fmt::format("{} is NULL", name));
  if (theirs->size < kSizeAtFirst<Struct> || theirs->size > sizeof(Struct)) {
    return absl::InvalidArgumentError(fmt::format(
        "{} has a size of {} bytes; this library knows {}", name, theirs->size, sizeof(Struct)));
  }
  return absl::OkStatus();
}

// A caller's struct as we know it: what it does not know of is zero.
template <typename Struct>
absl::StatusOr<Struct> Take(const Struct* theirs, std::string_view name) {
  if (absl::Status status = CheckStruct(theirs, name); !status.ok()) return status;
  Struct ours{};
  std::memcpy(&ours, theirs, theirs->size);
  ours.size = sizeof(Struct);
  return ours;
}

// What is kept for later must not be in use before.
inline absl::Status CheckReserved(std::int32_t reserved, std::string_view name) {
  if (reserved == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: what is reserved is not 0", name));
}

// Fills what the caller knows of its struct. REQUIRES: CheckStruct took it.
template <typename Struct>
void Give(Struct ours, Struct* theirs) {
  ours.size = theirs->size;
  std::memcpy(theirs, &ours, theirs->size);
}

// `text`, or "" for NULL.
inline std::string TextOf(const char* text) { return text == nullptr ? "" : text; }

// Bytes from a caller: NULL only when there are none, and no more than the journal takes.
inline absl::StatusOr<std::string> BytesOf(const void* bytes, std::size_t size,
                                           std::string_view name) {
  if (size == 0) return std::string();
  if (bytes == nullptr) {
    return absl::InvalidArgumentError(fmt::format("{} is NULL and has {} bytes", name, size));
  }
  if (size > Limits{}.payload_bytes_max) {
    return absl::InvalidArgumentError(fmt::format("{} has {} bytes, at most {} are taken", name,
                                                  size, Limits{}.payload_bytes_max));
  }
  return std::string(static_cast<const char*>(bytes), size);
}

// Positions and sequences are stored as signed 64-bit integers; nothing lies behind the last of
// them.
inline std::uint64_t Stored(std::uint64_t number) {
  constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return number < kLast ? number : kLast;
}

inline const void* DataOf(const std::string& bytes) { return bytes.data(); }

}  // namespace holdfast::journal::c
