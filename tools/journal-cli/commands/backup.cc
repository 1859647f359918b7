// SPDX-License-Identifier: Apache-2.0
//
// journal-cli backup DEST
//
// Copies the journal, live or not, with its archive, and verifies the copy before it gets its name.
// Of a gateway's journal too it is the file that is read; the gateway goes on meanwhile.
// Exit codes: 0 DEST is whole; 2 no journal; 4 the journal is damaged; 5 DEST exists, disk full, …
#include "journal/backup.h"

#include <memory>
#include <string>

#include "fmt/format.h"
#include "tools/client/json.h"
#include "tools/journal-cli/command.h"

namespace holdfast::journal_cli {
namespace {

int Run(const Context& context, const std::string& destination) {
  const absl::StatusOr<std::string> path = context.source.JournalPath();
  if (!path.ok()) return context.Fail(path.status());
  const absl::StatusOr<journal::BackupReport> report = journal::Backup(*path, destination);
  if (!report.ok()) return context.Fail(report.status());
  if (context.json()) {
    client::PrintJson({{"backup", destination},
                       {"journal_id", report->journal_id},
                       {"position", report->position},
                       {"records", report->records},
                       {"sandboxes", report->sandboxes},
                       {"archive_files", report->archive_files}},
                      context.output, context.out());
  } else {
    const std::string archive = report->archive_files == 0
                                    ? ""
                                    : fmt::format(", and {} archive files in {}.archive",
                                                  report->archive_files, destination);
    context.out() << fmt::format("{}: {} records of {} sandboxes, up to position {}{}: verified\n",
                                 destination, report->records, report->sandboxes, report->position,
                                 archive);
  }
  return client::kExitOk;
}

}  // namespace

Command AddBackup(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("backup", "Copy the journal, also while it is written");
  const auto destination = std::make_shared<std::string>();
  verb->add_option("DEST", *destination, "The file to make; it must not exist")
      ->required()
      ->type_name("");
  return {verb, [destination](const Context& context) { return Run(context, *destination); }};
}

}  // namespace holdfast::journal_cli
