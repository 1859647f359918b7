// SPDX-License-Identifier: Apache-2.0
//
// What texts of extensions must look like before they may enter the plan or the journal. The
// journal's strings are UTF-8 by their Protobuf type: one stray byte would make a record
// unreadable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::extensions {

// Well-formed UTF-8 without control characters (a tab and a line feed are allowed).
bool IsCleanText(std::string_view text);
// The same text with everything that IsCleanText refuses replaced by '?', cut to `bytes_max` at a
// character's border. For messages, which are for people: better a mark than no message.
std::string CleanText(std::string_view text, std::size_t bytes_max);

bool IsExtensionName(std::string_view name);  // [a-z0-9-]{1,63}
bool IsEnvName(std::string_view name);        // [A-Za-z_][A-Za-z0-9_]*, at most 256
bool IsLabelName(std::string_view name);      // [A-Za-z0-9][A-Za-z0-9._/-]*, at most 317
bool IsReason(std::string_view reason);       // [A-Z][A-Za-z0-9]*, at most 64

}  // namespace holdfast::extensions
