// SPDX-License-Identifier: Apache-2.0
//
// journal-cli ls [--all]
//
// Lists the sandboxes that still hold something or may have to do something; with --all, the
// deleted ones too. Exit codes: 0 ok; 3 one of those listed is Stuck; 4 the records of one, or an
// archive segment, cannot be read.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/segments.h"

namespace holdfast::journal_cli {
namespace {

struct Options {
  bool all = false;
};

int Run(const Options& options, const Context& context) {
  const auto sandboxes = context.source.List(options.all);
  if (!sandboxes.ok()) return context.Fail(sandboxes.status());
  if (context.json()) {
    std::vector<client::Json> elements;
    for (const auto& sandbox : *sandboxes) elements.push_back(client::ToJson(sandbox));
    client::PrintJsonList(elements, context.output, context.out());
  } else {
    context.out() << client::RenderList(*sandboxes);
  }
  int code = options.all ? TellUnreadable(context) : client::kExitOk;
  for (const auto& sandbox : *sandboxes) code = std::max(code, client::ExitCodeOf(sandbox));
  return code;
}

}  // namespace

Command AddLs(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("ls", "List sandboxes");
  verb->add_flag("--all", options->all, "Deleted ones too");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::journal_cli
