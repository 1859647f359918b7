// SPDX-License-Identifier: Apache-2.0
//
// What the verbs that change something have in common: a request id, submit, wait, tell the end.
#pragma once

#include <string>

#include "CLI/CLI.hpp"
#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "support/times.h"
#include "tools/holdfast/command.h"

namespace holdfast::command_line {

struct SubmitOptions {
  std::string id;
  std::string request_id;
  bool no_wait = false;
};

// ID, --request-id and --no-wait.
void AddSubmitOptions(CLI::App& verb, SubmitOptions& options);

// How a workload is ended.
struct EndOptions {
  std::string grace;
  bool force = false;

  // `command`: a StopCommand or a DeleteCommand.
  template <typename EndCommand>
  void FillIn(EndCommand& command) const {
    command.set_force(force);
    if (!grace.empty()) command.set_grace_ms(support::ParseDuration(grace)->count());
  }
};

// --grace and --force, of which `force_help` says what it does.
void AddEndOptions(CLI::App& verb, EndOptions& options, const std::string& force_help);

// Fill in id and request id, submit, wait unless told not to, and tell the end. Return the exit
// code.
int SubmitAndTell(lifecycle::v1::SubmitRequest request, const SubmitOptions& options,
                  const Context& context);
int RepairAndTell(lifecycle::v1::RepairRequest request, const SubmitOptions& options,
                  const Context& context);

}  // namespace holdfast::command_line
