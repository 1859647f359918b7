// SPDX-License-Identifier: Apache-2.0
//
// journal-cli: look at a journal, with a gateway or without (docs/cli.md).
#include <string>
#include <vector>

#include "tools/journal-cli/run.h"

int main(int argc, char** argv) {
  holdfast::client::Surroundings surroundings = holdfast::client::ProcessSurroundings();
  return holdfast::journal_cli::Run(std::vector<std::string>(argv + 1, argv + argc), surroundings);
}
