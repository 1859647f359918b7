// SPDX-License-Identifier: Apache-2.0
//
// What is written on a command line, read and checked. Pure, but for RandomRequestId.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"

namespace holdfast::command_line {

// "5s", "500ms", "2m"; nullopt for anything else. A number alone is refused: it has no unit.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);
// Refuses what ParseDuration does not read.
CLI::Validator IsDuration();
// Refuses what is not KEY=VALUE with a key.
CLI::Validator IsAssignment();
// REQUIRES: each passed IsAssignment. The last of equal keys counts.
std::map<std::string, std::string> ToMap(const std::vector<std::string>& assignments);

// 128 random bits in hexadecimal: a retried submit is the same command, another run another one.
std::string RandomRequestId();

}  // namespace holdfast::command_line
