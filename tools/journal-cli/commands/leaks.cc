// SPDX-License-Identifier: Apache-2.0
//
// journal-cli leaks [ID]
//
// The things in the world that nobody is going to release by itself. Asked of a gateway, the counts
// of orphans and ghosts that its last start found follow on stderr.
// Exit codes: 0 none; 2 no such sandbox; 3 there are some.
#include "tools/journal-cli/leaks.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tools/client/json.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/render.h"

namespace holdfast::journal_cli {
namespace {

struct Options {
  std::string id;
};

int Run(const Options& options, const Context& context) {
  const auto entries = context.source.Ledger(options.id, /*all=*/false);
  if (!entries.ok()) return context.Fail(entries.status());
  std::map<std::string, lifecycle::v1::Sandbox> sandboxes;
  for (const auto& entry : *entries) {
    if (sandboxes.contains(entry.sandbox_id())) continue;
    auto sandbox = context.source.Get(entry.sandbox_id());
    if (sandbox.ok()) {
      sandboxes[entry.sandbox_id()] = *std::move(sandbox);
    } else if (!absl::IsNotFound(sandbox.status())) {
      return context.Fail(sandbox.status());
    }
  }
  const std::vector<Leak> leaks = FindLeaks(*entries, sandboxes);
  if (context.json()) {
    std::vector<client::Json> elements;
    for (const Leak& leak : leaks) {
      client::Json element = client::ToJson(leak.entry);
      element["why"] = leak.why;
      elements.push_back(std::move(element));
    }
    client::PrintJsonList(elements, context.output, context.out());
  } else {
    context.out() << RenderLeaks(leaks);
  }
  // Not on stdout: the bare file cannot know them, and its answer is to be the same.
  if (context.source.online() && options.id.empty()) {
    if (const auto report = context.source.Status(); report.ok()) {
      const auto& startup = report->status.startup();
      context.surroundings.err << fmt::format(
          "the gateway's last start found {} orphans and {} ghosts (journal-cli status)\n",
          startup.orphans(), startup.ghosts());
    }
  }
  return leaks.empty() ? client::kExitOk : client::kExitFailed;
}

}  // namespace

Command AddLeaks(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("leaks", "List what nobody is going to release");
  verb->add_option("id", options->id, "Of this sandbox only")->type_name("");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::journal_cli
