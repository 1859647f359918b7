// SPDX-License-Identifier: Apache-2.0
//
// journal-cli show ID
//
// One sandbox: what it is, what it holds, and its whole history, one line a record.
// Exit codes: 0 ok; 2 no such sandbox; 4 its records cannot be read (what can be is shown).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/render.h"

namespace holdfast::journal_cli {
namespace {

struct Options {
  std::string id;
};

// The detail is JSON in a string on the wire; in a document it is a value like any other.
client::Json EntryJson(const lifecycle::v1::HistoryEntry& entry) {
  client::Json out = client::ToJson(entry);
  client::Json detail = client::Json::parse(entry.detail(), nullptr, false);
  out["detail"] = detail.is_discarded() ? client::Json(nullptr) : std::move(detail);
  return out;
}

int Run(const Options& options, const Context& context) {
  const auto sandbox = context.source.Get(options.id);
  if (!sandbox.ok()) return context.Fail(sandbox.status());
  std::vector<lifecycle::v1::HistoryEntry> entries;
  const absl::Status read = context.source.History(options.id, entries);
  if (context.output == client::Output::kNdjson) {
    client::PrintJson(client::ToJson(*sandbox), context.output, context.out());
    for (const auto& entry : entries) {
      client::PrintJson(EntryJson(entry), context.output, context.out());
    }
  } else if (context.output == client::Output::kJson) {
    client::Json history = client::Json::array();
    for (const auto& entry : entries) history.push_back(EntryJson(entry));
    client::PrintJson({{"sandbox", client::ToJson(*sandbox)}, {"history", std::move(history)}},
                      context.output, context.out());
  } else {
    context.out() << client::RenderSandbox(*sandbox) << "\n" << RenderHistory(entries);
  }
  if (!read.ok()) return context.Fail(read);
  return sandbox->quarantine().empty() ? client::kExitOk : client::kExitIntegrity;
}

}  // namespace

Command AddShow(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("show", "Show one sandbox and its history");
  verb->add_option("id", options->id, "The sandbox")->required()->type_name("");
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::journal_cli
