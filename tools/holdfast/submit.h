// SPDX-License-Identifier: Apache-2.0
//
// What the verbs that change something have in common: a request id, submit, wait, tell the end.
#pragma once

#include <string>

#include "CLI/CLI.hpp"
#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "tools/holdfast/command.h"

namespace holdfast::command_line {

struct SubmitOptions {
  std::string id;
  std::string request_id;
  bool no_wait = false;
};

// ID, --request-id and --no-wait.
void AddSubmitOptions(CLI::App& verb, SubmitOptions& options);

// Fill in id and request id, submit, wait unless told not to, and tell the end. Return the exit
// code.
int SubmitAndTell(lifecycle::v1::SubmitRequest request, const SubmitOptions& options,
                  const Context& context);
int RepairAndTell(lifecycle::v1::RepairRequest request, const SubmitOptions& options,
                  const Context& context);

}  // namespace holdfast::command_line
