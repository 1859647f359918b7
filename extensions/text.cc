// SPDX-License-Identifier: Apache-2.0
#include "extensions/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace holdfast::extensions {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The length of the well-formed, allowed character at the start of `text`; zero if there is none.
// REQUIRES: text is not empty.
std::size_t CleanPrefix(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    const bool allowed = (first >= 0x20 && first != 0x7f) || first == '\t' || first == '\n';
    return allowed ? 1 : 0;
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  // Over-long forms, surrogates and what lies past Unicode's end are not UTF-8; 80 to 9f are
  // controls.
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast.at(length) || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return 0;
  return code < 0xa0 ? 0 : length;
}

}  // namespace

bool IsCleanText(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = CleanPrefix(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string CleanText(std::string_view text, std::size_t bytes_max) {
  std::string clean;
  clean.reserve(std::min(text.size(), bytes_max));
  while (!text.empty()) {
    const std::size_t length = CleanPrefix(text);
    const std::string_view next = length == 0 ? std::string_view("?") : text.substr(0, length);
    if (clean.size() + next.size() > bytes_max) break;
    clean.append(next);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

bool IsExtensionName(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsEnvName(std::string_view name) {
  if (name.empty() || name.size() > 256 || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return IsAlnum(c) || c == '_'; });
}

bool IsLabelName(std::string_view name) {
  // 253 for a DNS prefix, a slash, 63 for the name: Kubernetes' bound, the tightest of the
  // backends.
  if (name.empty() || name.size() > 317 || !IsAlnum(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return IsAlnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
  });
}

bool IsReason(std::string_view reason) {
  return !reason.empty() && reason.size() <= 64 && reason[0] >= 'A' && reason[0] <= 'Z' &&
         std::all_of(reason.begin(), reason.end(), IsAlnum);
}

}  // namespace holdfast::extensions
