// SPDX-License-Identifier: Apache-2.0
//
// holdfast delete ID [--grace 5s | --force] [--request-id R] [--no-wait]
//
// Releases everything the sandbox holds; accepted in every state, overtakes what runs. Exit codes:
// 0 nothing is left; 2 no such sandbox; 3 something could not be released (Stuck); 5 refused, or no
// gateway.
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
  lifecycle::v1::DeleteCommand& command = *request.mutable_delete_();
  command.set_force(options.force);
  if (!options.grace.empty()) {
    command.set_grace_ms(support::ParseDuration(options.grace)->count());
  }
  return SubmitAndTell(std::move(request), options.submit, context);
}

}  // namespace

Command AddDelete(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("delete", "Release everything a sandbox holds");
  AddSubmitOptions(*verb, options->submit);
  CLI::Option* grace =
      verb->add_option("--grace", options->grace, "Between asking and killing (default: 10s)")
          ->check(client::IsDuration())
          ->type_name("DURATION");
  verb->add_flag("--force", options->force,
                 "No grace and no before_delete hooks; everything is still undone")
      ->excludes(grace);
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::command_line
