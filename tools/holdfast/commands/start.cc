// SPDX-License-Identifier: Apache-2.0
//
// holdfast start ID [--request-id R] [--no-wait]
//
// Starts a stopped sandbox's workload again. Exit codes: 0 it runs; 2 no such sandbox; 3 it could
// not be started; 5 refused, or no gateway.
#include <memory>

#include "tools/holdfast/submit.h"

namespace holdfast::command_line {

Command AddStart(CLI::App& app) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* verb = app.add_subcommand("start", "Start a stopped sandbox's workload");
  AddSubmitOptions(*verb, *options);
  return {verb, [options](const Context& context) {
            lifecycle::v1::SubmitRequest request;
            request.mutable_start();
            return SubmitAndTell(std::move(request), *options, context);
          }};
}

}  // namespace holdfast::command_line
