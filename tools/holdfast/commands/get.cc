// SPDX-License-Identifier: Apache-2.0
//
// holdfast get ID
//
// One sandbox. Exit codes: 0 ok; 2 no such sandbox; 3 it is Stuck; 4 its records cannot be read.
#include <memory>
#include <string>

#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/holdfast/command.h"

namespace holdfast::command_line {
namespace {

int Run(const std::string& id, const Context& context) {
  const auto sandbox = context.session.Get(id);
  if (!sandbox.ok()) return context.Fail(sandbox.status());
  if (context.json()) {
    client::PrintJson(client::ToJson(*sandbox), context.output, context.out());
  } else {
    context.out() << client::RenderSandbox(*sandbox);
  }
  return client::ExitCodeOf(*sandbox);
}

}  // namespace

Command AddGet(CLI::App& app) {
  auto id = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("get", "Show one sandbox");
  verb->add_option("id", *id, "The sandbox")->required()->type_name("");
  return {verb, [id](const Context& context) { return Run(*id, context); }};
}

}  // namespace holdfast::command_line
