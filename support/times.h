// SPDX-License-Identifier: Apache-2.0
//
// Times for people: RFC 3339, UTC, milliseconds.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::support {

// "2026-11-22T06:04:51.123Z"; "-" for zero, which means never.
std::string FormatTime(std::int64_t unix_ms);

}  // namespace holdfast::support
