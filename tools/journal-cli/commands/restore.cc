// SPDX-License-Identifier: Apache-2.0
//
// journal-cli restore BACKUP [--replace]
//
// Puts a verified copy of a backup at --journal. No gateway may hold that journal.
// Exit codes: 0 restored; 2 no backup; 4 the backup is damaged; 5 the journal is held, something is
// there, disk full, …
#include <memory>
#include <string>

#include "fmt/format.h"
#include "journal/backup.h"
#include "tools/client/json.h"
#include "tools/journal-cli/command.h"

namespace holdfast::journal_cli {
namespace {

int Run(const FileContext& context, const std::string& backup, bool replace) {
  const absl::StatusOr<journal::RestoreReport> report = journal::Restore(
      {.backup = backup, .journal_path = context.journal_path, .replace = replace});
  if (!report.ok()) {
    return context.Fail(report.status());
  }
  std::ostream& out = context.surroundings.out;
  if (context.output != client::Output::kTable) {
    client::PrintJson({{"journal", context.journal_path},
                       {"backup", backup},
                       {"journal_id", report->journal_id},
                       {"position", report->position},
                       {"sandboxes", report->sandboxes},
                       {"epoch", report->epoch},
                       {"set_aside", report->set_aside}},
                      context.output, out);
    return client::kExitOk;
  }
  out << fmt::format("restored {}: {} sandboxes, up to position {}; the next epoch is {}\n",
                     context.journal_path, report->sandboxes, report->position, report->epoch + 1);
  if (!report->set_aside.empty()) {
    out << fmt::format("what was there is kept: {}\n", report->set_aside);
  }
  return client::kExitOk;
}

}  // namespace

FileCommand AddRestore(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("restore", "Put a backup in the place of the journal");
  struct Words {
    std::string backup;
    bool replace = false;
  };
  const auto words = std::make_shared<Words>();
  verb->add_option("BACKUP", words->backup, "What `backup` made")->required()->type_name("");
  verb->add_flag("--replace", words->replace,
                 "Set aside what is there, as FILE.before-restore-TIME");
  return {verb, [words](const FileContext& context) {
            return Run(context, words->backup, words->replace);
          }};
}

}  // namespace holdfast::journal_cli
