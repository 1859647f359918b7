// SPDX-License-Identifier: Apache-2.0
//
// holdfast create ID [--driver D] [--image I] [--workspace W] [--env K=V]... [--label K=V]...
//                    [--driver-config JSON] [--request-id R] [--no-wait] -- COMMAND...
//
// Makes a sandbox and starts its workload. Exit codes: 0 it runs (or, with --no-wait, is accepted);
// 3 it could not be made, and nothing of it is left, or it is Stuck; 5 refused, or no gateway.
#include <memory>
#include <string>
#include <vector>

#include "tools/holdfast/arguments.h"
#include "tools/holdfast/submit.h"

namespace holdfast::command_line {
namespace {

struct Options {
  SubmitOptions submit;
  std::string driver;
  std::string image;
  std::string workspace;
  std::string driver_config;
  std::vector<std::string> environment;
  std::vector<std::string> labels;
  std::vector<std::string> command;
};

int Run(const Options& options, const Context& context) {
  lifecycle::v1::SubmitRequest request;
  lifecycle::v1::SandboxSpec& spec = *request.mutable_create()->mutable_spec();
  spec.set_driver(options.driver);
  spec.set_image(options.image);
  spec.set_workspace(options.workspace);
  spec.set_driver_config(options.driver_config);
  for (const std::string& word : options.command) spec.add_command(word);
  for (const auto& [key, value] : ToMap(options.environment)) {
    (*spec.mutable_environment())[key] = value;
  }
  for (const auto& [key, value] : ToMap(options.labels)) (*spec.mutable_labels())[key] = value;
  return SubmitAndTell(std::move(request), options.submit, context);
}

}  // namespace

Command AddCreate(CLI::App& app, const std::vector<std::string>& words) {
  auto options = std::make_shared<Options>();
  options->command = words;
  CLI::App* verb = app.add_subcommand("create", "Make a sandbox and start its workload");
  AddSubmitOptions(*verb, options->submit);
  verb->add_option("--driver", options->driver, "Which driver carries it (default: the gateway's)")
      ->type_name("NAME");
  verb->add_option("--image", options->image, "What the workload runs in")->type_name("IMAGE");
  verb->add_option("--workspace", options->workspace, "The tenant (default: \"default\")")
      ->type_name("NAME");
  verb->add_option("--driver-config", options->driver_config, "The driver's own block")
      ->type_name("JSON");
  verb->add_option("--env", options->environment, "Into the workload's environment; repeatable")
      ->check(IsAssignment())
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  verb->add_option("--label", options->labels, "On the sandbox; repeatable")
      ->check(IsAssignment())
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  verb->footer("The workload's command and its arguments follow after --.");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::command_line
