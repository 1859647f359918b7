// SPDX-License-Identifier: Apache-2.0
#include "tools/holdfast/arguments.h"

#include <random>
#include <string>

#include "fmt/format.h"

namespace holdfast::command_line {

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
