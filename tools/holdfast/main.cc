// SPDX-License-Identifier: Apache-2.0
//
// holdfast: submit commands to a gateway and wait for them (docs/cli.md).
#include <string>
#include <vector>

#include "tools/holdfast/run.h"

int main(int argc, char** argv) {
  holdfast::client::Surroundings surroundings = holdfast::client::ProcessSurroundings();
  return holdfast::command_line::Run(std::vector<std::string>(argv + 1, argv + argc), surroundings);
}
