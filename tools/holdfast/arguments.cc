// SPDX-License-Identifier: Apache-2.0
#include "tools/holdfast/arguments.h"

#include <charconv>
#include <cstdint>
#include <random>
#include <string>

#include "fmt/format.h"

namespace holdfast::command_line {

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  // A year is longer than any grace, and far from overflow.
  constexpr std::int64_t kMillisMax = 366LL * 24 * 3600 * 1000;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || number > kMillisMax) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1000;
  if (unit == "m") factor = 60'000;
  if (factor == 0 || number > kMillisMax / factor) return std::nullopt;
  return std::chrono::milliseconds(number * factor);
}

CLI::Validator IsDuration() {
  return CLI::Validator(
      [](const std::string& text) {
        return ParseDuration(text) ? std::string()
                                   : fmt::format("{} is not a duration like 500ms, 5s or 2m", text);
      },
      "");
}

CLI::Validator IsAssignment() {
  return CLI::Validator(
      [](const std::string& text) {
        const std::size_t equals = text.find('=');
        return equals != std::string::npos && equals > 0
                   ? std::string()
                   : fmt::format("{} is not of the form KEY=VALUE", text);
      },
      "");
}

std::map<std::string, std::string> ToMap(const std::vector<std::string>& assignments) {
  std::map<std::string, std::string> out;
  for (const std::string& assignment : assignments) {
    const std::size_t equals = assignment.find('=');
    out[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  return out;
}

std::string RandomRequestId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace holdfast::command_line
