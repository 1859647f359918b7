// SPDX-License-Identifier: Apache-2.0
//
// journal-cli why ID
//
// What holds a sandbox, the evidence, and the command that frees it.
// Exit codes: 0 nothing needs an operator; 2 no such sandbox; 3 it needs one; 4 its records cannot
// be read.
#include <memory>
#include <string>

#include "tools/client/json.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/render.h"

namespace holdfast::journal_cli {
namespace {

struct Options {
  std::string id;
};

int Run(const Options& options, const Context& context) {
  const auto why = context.source.Why(options.id);
  if (!why.ok()) return context.Fail(why.status());
  if (context.json()) {
    client::PrintJson(client::ToJson(*why), context.output, context.out());
  } else {
    context.out() << RenderWhy(*why);
  }
  if (!why->needs_operator()) return client::kExitOk;
  const auto sandbox = context.source.Get(options.id);
  return sandbox.ok() && !sandbox->quarantine().empty() ? client::kExitIntegrity
                                                        : client::kExitFailed;
}

}  // namespace

Command AddWhy(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("why", "Say what holds a sandbox and what frees it");
  verb->add_option("id", options->id, "The sandbox")->required()->type_name("");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::journal_cli
