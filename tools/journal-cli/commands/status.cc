// SPDX-License-Identifier: Apache-2.0
//
// journal-cli status
//
// Whose journal this is, how many sandboxes are in which state, and, from a gateway, what its last
// start found and which drivers and extensions it has. Exit codes: 0 ok; 5 no gateway answers.
#include <cstdint>
#include <map>
#include <string>

#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/journal-cli/command.h"

namespace holdfast::journal_cli {
namespace {

int Run(const Context& context) {
  const auto report = context.source.Status();
  if (!report.ok()) return context.Fail(report.status());
  std::map<std::string, std::uint64_t> counts;
  // A gateway that is recovering refuses a list that would be short; the rest is still worth
  // seeing.
  const auto sandboxes = context.source.List(/*include_deleted=*/true);
  if (!sandboxes.ok() && !absl::IsUnavailable(sandboxes.status())) {
    return context.Fail(sandboxes.status());
  }
  if (sandboxes.ok()) {
    for (const auto& sandbox : *sandboxes) {
      ++counts[sandbox.quarantine().empty() ? sandbox.state() : "(unreadable)"];
    }
  }
  if (context.json()) {
    client::Json document = client::ToJson(report->status);
    document["online"] = report->online;
    document["held"] = report->held;
    document["sandboxes"] = counts;
    client::PrintJson(document, context.output, context.out());
  } else {
    context.out() << client::RenderStatus(*report, counts);
  }
  return client::kExitOk;
}

}  // namespace

Command AddStatus(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("status", "Show the journal's owner and its counts");
  return {verb, [](const Context& context) { return Run(context); }};
}

}  // namespace holdfast::journal_cli
