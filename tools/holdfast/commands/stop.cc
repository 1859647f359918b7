// SPDX-License-Identifier: Apache-2.0
//
// holdfast stop ID [--grace 5s | --force] [--request-id R] [--no-wait]
//
// Stops the workload; what the sandbox keeps stays. Exit codes: 0 stopped; 2 no such sandbox; 3 it
// could not be stopped; 5 refused, or no gateway.
#include <memory>
#include <utility>

#include "tools/holdfast/submit.h"

namespace holdfast::command_line {
namespace {

struct Options {
  SubmitOptions submit;
  EndOptions end;
};

int Run(const Options& options, const Context& context) {
  lifecycle::v1::SubmitRequest request;
  options.end.FillIn(*request.mutable_stop());
  return SubmitAndTell(std::move(request), options.submit, context);
}

}  // namespace

Command AddStop(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("stop", "Stop a sandbox's workload and keep what it has");
  AddSubmitOptions(*verb, options->submit);
  AddEndOptions(*verb, options->end, "Kill it at once");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::command_line
