// SPDX-License-Identifier: Apache-2.0
//
// holdfast as a function: main() and the tests call it.
#pragma once

#include <string>
#include <vector>

#include "tools/client/command_line.h"

namespace holdfast::command_line {

// `args` without the program's name. Returns the exit code.
int Run(std::vector<std::string> args, client::Surroundings& surroundings);

}  // namespace holdfast::command_line
