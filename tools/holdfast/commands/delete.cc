// SPDX-License-Identifier: Apache-2.0
//
// holdfast delete ID [--grace 5s | --force] [--request-id R] [--no-wait]
//
// Releases everything the sandbox holds; accepted in every state, overtakes what runs. Exit codes:
// 0 nothing is left; 2 no such sandbox; 3 something could not be released (Stuck); 5 refused, or no
// gateway.
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
  options.end.FillIn(*request.mutable_delete_());
  return SubmitAndTell(std::move(request), options.submit, context);
}

}  // namespace

Command AddDelete(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("delete", "Release everything a sandbox holds");
  AddSubmitOptions(*verb, options->submit);
  AddEndOptions(*verb, options->end,
                "No grace and no before_delete hooks; everything is still undone");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::command_line
