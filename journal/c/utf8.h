// SPDX-License-Identifier: Apache-2.0
//
// Protobuf stores text that is not UTF-8 and then refuses to read it; so it is looked at before.
#pragma once

#include <string_view>

namespace holdfast::journal::c {

// As RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

}  // namespace holdfast::journal::c
