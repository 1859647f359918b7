// SPDX-License-Identifier: Apache-2.0
//
// journal-cli ledger [ID] [--all]
//
// The things in the world that a sandbox (or every sandbox) holds or may hold; with --all, also
// what was released or is gone. Exit codes: 0 ok; 2 no such sandbox; 4 an archive segment cannot be
// read.
#include <memory>
#include <string>
#include <vector>

#include "tools/client/json.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/render.h"
#include "tools/journal-cli/segments.h"

namespace holdfast::journal_cli {
namespace {

struct Options {
  std::string id;
  bool all = false;
};

int Run(const Options& options, const Context& context) {
  const auto entries = context.source.Ledger(options.id, options.all);
  if (!entries.ok()) return context.Fail(entries.status());
  if (context.json()) {
    std::vector<client::Json> elements;
    for (const auto& entry : *entries) elements.push_back(client::ToJson(entry));
    client::PrintJsonList(elements, context.output, context.out());
  } else {
    context.out() << RenderLedger(*entries);
  }
  return options.all && options.id.empty() ? TellUnreadable(context) : client::kExitOk;
}

}  // namespace

Command AddLedger(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("ledger", "List what sandboxes hold in the world");
  verb->add_option("id", options->id, "Of this sandbox only")->type_name("");
  verb->add_flag("--all", options->all, "Also what was released or is gone");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::journal_cli
