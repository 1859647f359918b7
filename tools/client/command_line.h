// SPDX-License-Identifier: Apache-2.0
//
// What both command lines agree on: where they write, how they end, and how a wrong line is
// answered.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "statemachine/model/ids.h"
#include "support/paths.h"

namespace holdfast::client {

// Exit codes. Scripts depend on them (docs/cli.md).
inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 1;
inline constexpr int kExitNotFound = 2;
inline constexpr int kExitFailed = 3;  // the operation failed, or something is stuck or leaked
inline constexpr int kExitIntegrity = 4;
inline constexpr int kExitRefused = 5;  // refused, not reachable, not permitted

// NotFound 2, DataLoss 4, everything else that is not ok 5.
int ExitCodeOf(const absl::Status& status);

// The world of one run, so that a test can give another.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  bool out_terminal = false;
  bool err_terminal = false;
  support::Environment environment;
  std::function<model::UnixMillis()> now;
};
// std::cout, std::cerr, the process's environment and the wall clock.
Surroundings ProcessSurroundings();

enum class Output { kTable, kJson, kNdjson };
// "table", "json", "ndjson"; REQUIRES: one of them.
Output OutputFromName(std::string_view name);

// --version: one line, "NAME VERSION", of the project.
void AddVersionFlag(CLI::App& app);

// Parses. Unset: go on. Set: the line was answered (help, version, or one sentence on `err`), and
// this is the exit code. `args` without the program's name.
std::optional<int> Parse(CLI::App& app, std::vector<std::string> args, Surroundings& surroundings);

// Refuses what support::ParseDuration does not read.
CLI::Validator IsDuration();

// One sentence on `err`, "program: message"; returns the exit code of the status.
int Fail(std::string_view program, const absl::Status& status, Surroundings& surroundings);

}  // namespace holdfast::client
