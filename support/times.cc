// SPDX-License-Identifier: Apache-2.0
#include "support/times.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

#include "fmt/format.h"

namespace holdfast::support {

std::string FormatTime(std::int64_t unix_ms) {
  using std::chrono::days;
  using std::chrono::milliseconds;
  if (unix_ms == 0) return "-";
  // Years outside these are not times that a clock gave; a damaged record may hold anything.
  constexpr std::int64_t kMillisMax = 253'402'300'799'999;  // end of the year 9999
  if (unix_ms < 0 || unix_ms > kMillisMax) return fmt::format("{} ms", unix_ms);
  const std::chrono::sys_time<milliseconds> time{milliseconds(unix_ms)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  constexpr std::int64_t kDayMs = 24LL * 3'600 * 1'000;
  constexpr std::int64_t kMillisMax = 100 * 366 * kDayMs;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || text.starts_with('-')) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1'000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (unit == "d") factor = kDayMs;
  if (factor == 0 || number > kMillisMax / factor) return std::nullopt;
  return std::chrono::milliseconds(number * factor);
}

}  // namespace holdfast::support
