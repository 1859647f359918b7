// SPDX-License-Identifier: Apache-2.0
#include "extensions/ipam/address_range.h"

#include <fmt/format.h>

#include <charconv>

namespace holdfast::extensions::ipam {
namespace {

std::optional<std::uint32_t> ParseNumber(std::string_view text, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > most) {
    return std::nullopt;
  }
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return number;
}

absl::Status NotARange(std::string_view text) {
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is not a range of addresses; write 10.70.0.0/24 or 10.70.0.10-10.70.0.20", text));
}

std::optional<AddressRange> ParseCidr(std::string_view network, std::string_view bits) {
  const auto address = ParseAddress(network);
  const auto prefix = ParseNumber(bits, 32);
  if (!address || !prefix) return std::nullopt;
  const std::uint32_t host_mask = *prefix == 0 ? ~0U : ~(~0U << (32 - *prefix));
  if ((*address & host_mask) != 0) return std::nullopt;  // 10.70.0.7/24 may mean two things
  AddressRange range{.first = *address, .last = *address | host_mask};
  if (*prefix < 31) {  // RFC 3021: a /31 has neither network nor broadcast address
    ++range.first;
    --range.last;
  }
  return range;
}

std::optional<AddressRange> ParseFromTo(std::string_view from, std::string_view to) {
  const auto first = ParseAddress(from);
  const auto last = ParseAddress(to);
  if (!first || !last || *last < *first) return std::nullopt;
  return AddressRange{.first = *first, .last = *last};
}

}  // namespace

std::optional<std::uint32_t> ParseAddress(std::string_view text) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = part < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto number = ParseNumber(text.substr(0, end), 255);
    if (!number) return std::nullopt;
    address = (address << 8U) | *number;
    text.remove_prefix(part < 3 ? end + 1 : end);
  }
  return address;
}

std::string FormatAddress(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24U, (address >> 16U) & 0xffU,
                     (address >> 8U) & 0xffU, address & 0xffU);
}

absl::StatusOr<AddressRange> ParseAddressRange(std::string_view text) {
  std::optional<AddressRange> range;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    range = ParseCidr(text.substr(0, slash), text.substr(slash + 1));
  } else if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    range = ParseFromTo(text.substr(0, dash), text.substr(dash + 1));
  }
  if (!range) return NotARange(text);
  if (range->last - range->first >= kPoolAddressesMax) {  // size() would overflow for 0.0.0.0/0
    return absl::InvalidArgumentError(
        fmt::format("'{}' has too many addresses; a pool has at most {}", text, kPoolAddressesMax));
  }
  return *range;
}

}  // namespace holdfast::extensions::ipam
