// SPDX-License-Identifier: Apache-2.0
//
// A verb of a command line: how it is put there, and what runs when it was named. Each program adds
// to Printing what its own verbs work on, and has a file for each in its commands/, which begins
// with the verb's help text and exit codes.
#pragma once

#include <functional>
#include <ostream>
#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "tools/client/command_line.h"

namespace holdfast::client {

// Where and how a verb answers.
struct Printing {
  std::string_view program;
  Output output;
  Surroundings& surroundings;

  bool json() const { return output != Output::kTable; }
  std::ostream& out() const { return surroundings.out; }
  // One sentence on stderr; returns the exit code.
  int Fail(const absl::Status& status) const { return client::Fail(program, status, surroundings); }
};

template <typename Context>
struct Verb {
  CLI::App* app;
  std::function<int(const Context&)> run;
};

}  // namespace holdfast::client
