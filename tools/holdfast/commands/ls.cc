// SPDX-License-Identifier: Apache-2.0
//
// holdfast ls [--all]
//
// The sandboxes that are not deleted; with --all, those too. Exit codes: 0 ok; 3 one of those
// listed is Stuck; 4 the records of one cannot be read; 5 no gateway, or it is still recovering.
#include <algorithm>
#include <memory>
#include <vector>

#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/holdfast/command.h"

namespace holdfast::command_line {
namespace {

int Run(bool all, const Context& context) {
  const auto sandboxes = context.session.List(all);
  if (!sandboxes.ok()) return context.Fail(sandboxes.status());
  int code = client::kExitOk;
  std::vector<client::Json> elements;
  for (const auto& sandbox : *sandboxes) {
    code = std::max(code, client::ExitCodeOf(sandbox));
    if (context.json()) elements.push_back(client::ToJson(sandbox));
  }
  if (context.json()) {
    client::PrintJsonList(elements, context.output, context.out());
  } else {
    context.out() << client::RenderList(*sandboxes);
  }
  return code;
}

}  // namespace

Command AddLs(CLI::App& app) {
  auto all = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("ls", "List sandboxes");
  verb->add_flag("--all", *all, "Deleted ones too");
  return {verb, [all](const Context& context) { return Run(*all, context); }};
}

}  // namespace holdfast::command_line
