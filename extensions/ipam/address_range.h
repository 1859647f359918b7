// SPDX-License-Identifier: Apache-2.0
//
// A range of IPv4 addresses, as an operator writes it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace holdfast::extensions::ipam {

// Addresses in host byte order.
struct AddressRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  std::uint32_t size() const { return last - first + 1; }
  // The address `offset` places after the start, going round at the end.
  std::uint32_t At(std::uint64_t offset) const {
    return first + static_cast<std::uint32_t>(offset % size());
  }
};

// Looking for a sandbox's own lease reads every lease of the pool: a bound on that.
inline constexpr std::uint32_t kPoolAddressesMax = 65'536;

// "10.70.0.0/24" (without its network and broadcast address), or "10.70.0.10-10.70.0.20".
// Errors: InvalidArgument  neither; last before first; more than kPoolAddressesMax addresses
absl::StatusOr<AddressRange> ParseAddressRange(std::string_view text);

// Only the one usual spelling: four decimal numbers without leading zeros.
std::optional<std::uint32_t> ParseAddress(std::string_view text);
std::string FormatAddress(std::uint32_t address);

}  // namespace holdfast::extensions::ipam
