// SPDX-License-Identifier: Apache-2.0
//
// journal-cli verify
//
// Reads every record and checks checksums, hash chains, order and the journal's own tables.
// Exit codes: 0 sound; 4 damaged, each damage with its sandbox, sequence and position.
#include "tools/client/json.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/render.h"

namespace holdfast::journal_cli {
namespace {

int Run(const Context& context) {
  const auto report = context.source.Verify();
  if (!report.ok()) return context.Fail(report.status());
  if (context.json()) {
    client::PrintJson(client::ToJson(*report), context.output, context.out());
  } else {
    context.out() << RenderVerify(*report);
  }
  return report->damages().empty() ? client::kExitOk : client::kExitIntegrity;
}

}  // namespace

Command AddVerify(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("verify", "Check that every record is as it was written");
  return {verb, [](const Context& context) { return Run(context); }};
}

}  // namespace holdfast::journal_cli
