// SPDX-License-Identifier: Apache-2.0
//
// holdfast stop ID [--grace 5s | --force] [--request-id R] [--no-wait]
//
// Stops the workload; what the sandbox keeps stays. Exit codes: 0 stopped; 2 no such sandbox; 3 it
// could not be stopped; 5 refused, or no gateway.
#include <memory>
#include <string>
#include <utility>

#include "support/times.h"
#include "tools/holdfast/submit.h"

namespace holdfast::command_line {
namespace {

struct Options {
  SubmitOptions submit;
  std::string grace;
  bool force = false;
};

int Run(const Options& options, const Context& context) {
  lifecycle::v1::SubmitRequest request;
  lifecycle::v1::StopCommand& command = *request.mutable_stop();
  command.set_force(options.force);
  if (!options.grace.empty()) {
    command.set_grace_ms(support::ParseDuration(options.grace)->count());
  }
  return SubmitAndTell(std::move(request), options.submit, context);
}

}  // namespace

Command AddStop(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("stop", "Stop a sandbox's workload and keep what it has");
  AddSubmitOptions(*verb, options->submit);
  CLI::Option* grace =
      verb->add_option("--grace", options->grace, "Between asking and killing (default: 10s)")
          ->check(client::IsDuration())
          ->type_name("DURATION");
  verb->add_flag("--force", options->force, "Kill it at once")->excludes(grace);
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::command_line
