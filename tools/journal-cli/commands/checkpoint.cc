// SPDX-License-Identifier: Apache-2.0
//
// journal-cli checkpoint
//
// Prints one line that stands for every record up to the last durable one, to be kept where nobody
// who can write the journal can write. `verify --against` compares with it later.
// Exit codes: 0 ok; 2 no journal; 4 a sandbox's last record is damaged; 5 not readable.
#include "journal/checkpoint.h"

#include "tools/client/json.h"
#include "tools/journal-cli/command.h"

namespace holdfast::journal_cli {
namespace {

int Run(const Context& context) {
  const absl::StatusOr<std::string> path = context.source.JournalPath();
  if (!path.ok()) return context.Fail(path.status());
  const auto reader = journal::Reader::Open(*path);
  if (!reader.ok()) return context.Fail(reader.status());
  const absl::StatusOr<journal::Checkpoint> checkpoint = (*reader)->MakeCheckpoint(0);
  if (!checkpoint.ok()) return context.Fail(checkpoint.status());
  if (context.json()) {
    client::PrintJson({{"checkpoint", journal::FormatCheckpoint(*checkpoint)},
                       {"journal_id", checkpoint->journal_id},
                       {"position", checkpoint->position},
                       {"sandboxes", checkpoint->sandboxes},
                       {"digest", checkpoint->digest}},
                      context.output, context.out());
  } else {
    context.out() << journal::FormatCheckpoint(*checkpoint) << "\n";
  }
  return client::kExitOk;
}

}  // namespace

Command AddCheckpoint(CLI::App& app) {
  CLI::App* verb =
      app.add_subcommand("checkpoint", "Print one line that stands for all records so far");
  return {verb, [](const Context& context) { return Run(context); }};
}

}  // namespace holdfast::journal_cli
