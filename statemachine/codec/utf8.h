// SPDX-License-Identifier: Apache-2.0
//
// Text that may come from anywhere (a driver's error message, a file name) on its way into a
// Protobuf string. Protobuf writes bytes that are not UTF-8 and then refuses to read them: such a
// record would be durable and unreadable.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::codec {

// The text; each byte that is not part of well-formed UTF-8 is replaced by U+FFFD.
std::string Utf8(std::string_view text);

}  // namespace holdfast::codec
