// SPDX-License-Identifier: Apache-2.0
//
// A verb of holdfast: how it is put on the command line, and what runs when it was named. Each has
// a file in commands/, which begins with its help text and its exit codes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tools/client/command_line.h"
#include "tools/holdfast/session.h"

namespace holdfast::command_line {

inline constexpr char kProgram[] = "holdfast";

struct Context {
  Session& session;
  Progress& progress;
  client::Output output;
  client::Surroundings& surroundings;

  bool json() const { return output != client::Output::kTable; }
  std::ostream& out() const { return surroundings.out; }
  // One sentence on stderr; returns the exit code.
  int Fail(const absl::Status& status) const {
    return client::Fail(kProgram, status, surroundings);
  }
};

struct Command {
  CLI::App* app;
  std::function<int(const Context&)> run;
};

// Each adds its verb to `app`. `words`: what stands after "--".
Command AddCreate(CLI::App& app, const std::vector<std::string>& words);
Command AddDelete(CLI::App& app);
Command AddGet(CLI::App& app);
Command AddLs(CLI::App& app);
Command AddRepair(CLI::App& app);
Command AddStart(CLI::App& app);
Command AddStatus(CLI::App& app);
Command AddStop(CLI::App& app);
Command AddWatch(CLI::App& app);

}  // namespace holdfast::command_line
