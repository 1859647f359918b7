// SPDX-License-Identifier: Apache-2.0
//
// Times for people: RFC 3339, UTC, milliseconds; and how long ago something was.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::support {

// "2026-11-22T06:04:51.123Z"; "-" for zero, which means never.
std::string FormatTime(std::int64_t unix_ms);

// A whole number and its unit: "90s", "10m", "720h", "30d"; at most a hundred years. Empty for
// anything else.
std::optional<std::chrono::milliseconds> ParseAge(std::string_view text);

}  // namespace holdfast::support
