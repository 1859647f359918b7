// SPDX-License-Identifier: Apache-2.0
#include "journal/c/utf8.h"

#include <cstddef>

namespace holdfast::journal::c {
namespace {

// The length of the character that begins with `lead`, and what its second byte may be; everything
// after that is 80..BF (RFC 3629, section 4).
struct Form {
  std::size_t bytes;
  unsigned char second_first, second_last;
};

Form FormOf(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

bool IsUtf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const Form form = FormOf(byte(i));
    if (form.bytes == 0 || form.bytes > text.size() - i) return false;
    if (form.bytes > 1 && (byte(i + 1) < form.second_first || byte(i + 1) > form.second_last)) {
      return false;
    }
    for (std::size_t k = 2; k < form.bytes; ++k) {
      if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return false;
    }
    i += form.bytes;
  }
  return true;
}

}  // namespace holdfast::journal::c
