// SPDX-License-Identifier: Apache-2.0
//
// What is written on a command line, read and checked. Pure, but for RandomRequestId.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace holdfast::command_line {

// Refuses what is not KEY=VALUE with a key.
CLI::Validator IsAssignment();
// REQUIRES: each passed IsAssignment. The last of equal keys counts.
std::map<std::string, std::string> ToMap(const std::vector<std::string>& assignments);

// 128 random bits in hexadecimal: a retried submit is the same command, another run another one.
std::string RandomRequestId();

}  // namespace holdfast::command_line
