// SPDX-License-Identifier: Apache-2.0
//
// holdfast status
//
// The gateway: its journal, what its last start found, its drivers and extensions, and how many
// sandboxes are in which state. Exit codes: 0 ok; 5 no gateway.
#include <cstdint>
#include <map>
#include <string>

#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/holdfast/command.h"

namespace holdfast::command_line {
namespace {

int Run(const Context& context) {
  auto status = context.session.Status();
  if (!status.ok()) return context.Fail(status.status());
  std::map<std::string, std::uint64_t> counts;
  // A gateway that is recovering refuses a list that would be short; the rest is still worth
  // seeing.
  const auto sandboxes = context.session.List(/*include_deleted=*/false);
  if (!sandboxes.ok() && !absl::IsUnavailable(sandboxes.status())) {
    return context.Fail(sandboxes.status());
  }
  if (sandboxes.ok()) {
    for (const auto& sandbox : *sandboxes) ++counts[sandbox.state()];
  }
  if (context.json()) {
    client::Json document = client::ToJson(*status);
    document["sandboxes"] = counts;
    client::PrintJson(document, context.output, context.out());
  } else {
    context.out() << client::RenderStatus(
        {.status = *std::move(status), .online = true, .held = true}, counts);
  }
  return client::kExitOk;
}

}  // namespace

Command AddStatus(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("status", "Show the gateway and what its last start found");
  return {verb, [](const Context& context) { return Run(context); }};
}

}  // namespace holdfast::command_line
