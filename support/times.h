// SPDX-License-Identifier: Apache-2.0
//
// Times as people write and read them: moments in RFC 3339, UTC, milliseconds; durations as a
// number with its unit. The same on every command line and in every configuration file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::support {

// "2026-11-22T06:04:51.123Z"; "-" for zero, which means never.
std::string FormatTime(std::int64_t unix_ms);

// A whole number, not negative, and its unit: "500ms", "90s", "10m", "720h", "30d"; at most a
// hundred years, far from where arithmetic on clocks overflows. Empty for anything else: a number
// alone has no unit.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

}  // namespace holdfast::support
