// SPDX-License-Identifier: Apache-2.0
//
// journal-cli graph [ID] [--format mermaid|dot|puml]
//
// The lifecycle's table as a diagram. With ID, the states that the sandbox went through are marked,
// the present one most, and its path is listed in a comment.
// Exit codes: 0 ok; 2 no such sandbox.
#include <memory>
#include <string>
#include <vector>

#include "statemachine/lifecycle/lifecycle.h"
#include "tools/client/json.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/render.h"

namespace holdfast::journal_cli {
namespace {

struct Options {
  std::string id;
  std::string format = "mermaid";
};

int Run(const Options& options, const Context& context) {
  std::string diagram = lifecycle::RenderDiagram(options.format);
  std::vector<std::string> path;
  absl::Status read;
  if (!options.id.empty()) {
    std::vector<lifecycle::v1::HistoryEntry> entries;
    read = context.source.History(options.id, entries);
    if (absl::IsNotFound(read)) return context.Fail(read);
    path = PathOf(entries);
    diagram = MarkPath(std::move(diagram), options.format, options.id, path);
  }
  if (context.json()) {
    client::PrintJson({{"format", options.format}, {"diagram", diagram}, {"path", path}},
                      context.output, context.out());
  } else {
    context.out() << diagram;
  }
  return read.ok() ? client::kExitOk : context.Fail(read);
}

}  // namespace

Command AddGraph(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("graph", "Draw the lifecycle, and one sandbox's way in it");
  verb->add_option("id", options->id, "Mark this sandbox's path")->type_name("");
  verb->add_option("--format", options->format, "The diagram's language")
      ->check(CLI::IsMember({"mermaid", "dot", "puml"}))
      ->type_name("FORMAT");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::journal_cli
