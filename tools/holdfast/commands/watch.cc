// SPDX-License-Identifier: Apache-2.0
//
// holdfast watch [ID...]
//
// The present sandboxes, then every change as it becomes durable, until interrupted. After the
// gateway was away, the present set is told again. With -o json or ndjson: one document a line.
// Exit codes: 5 no gateway, or it did not come back.
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "support/times.h"
#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/client/table.h"
#include "tools/holdfast/command.h"

namespace holdfast::command_line {
namespace {

std::string Line(const lifecycle::v1::Sandbox& sandbox) {
  std::string line = fmt::format("{}  {}  {}", support::FormatTime(sandbox.changed_unix_ms()),
                                 sandbox.id(), sandbox.state());
  if (!sandbox.quarantine().empty()) {
    line = fmt::format("{}  (unreadable)  {}", sandbox.id(), sandbox.quarantine());
  } else if (sandbox.has_current()) {
    line += fmt::format("  {} by {}, {}", sandbox.current().name(), sandbox.current().participant(),
                        sandbox.current().phase());
  } else if (const std::string note = client::Note(sandbox.reason(), sandbox.message());
             !note.empty()) {
    line += "  " + note;
  }
  return client::OneLine(line);
}

int Run(const std::vector<std::string>& ids, const Context& context) {
  const absl::Status status =
      context.session.Watch(ids, [&](const lifecycle::v1::WatchResponse& change) {
        if (!change.has_sandbox()) return true;
        if (context.json()) {
          client::PrintJson(client::ToJson(change.sandbox()), client::Output::kNdjson,
                            context.out());
        } else {
          context.out() << Line(change.sandbox()) << "\n";
        }
        context.out().flush();
        return context.out().good();
      });
  return status.ok() ? client::kExitOk : context.Fail(status);
}

}  // namespace

Command AddWatch(CLI::App& app) {
  auto ids = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = app.add_subcommand("watch", "Follow changes until interrupted");
  verb->add_option("id", *ids, "Only these sandboxes")->type_name("");
  return {verb, [ids](const Context& context) { return Run(*ids, context); }};
}

}  // namespace holdfast::command_line
