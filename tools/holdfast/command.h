// SPDX-License-Identifier: Apache-2.0
//
// The verbs of holdfast (tools/client/command.h).
#pragma once

#include <string>
#include <vector>

#include "tools/client/command.h"
#include "tools/holdfast/session.h"

namespace holdfast::command_line {

inline constexpr char kProgram[] = "holdfast";

struct Context : client::Printing {
  Session& session;
  Progress& progress;
};
using Command = client::Verb<Context>;

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
