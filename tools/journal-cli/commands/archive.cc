// SPDX-License-Identifier: Apache-2.0
//
// journal-cli archive ls
// journal-cli archive run --older-than DURATION
//
// The sealed segments of finished sandboxes, also of a dead gateway's journal; and to make some
// now. A gateway makes its own (journal.archive_after), so `run` is for a journal that nobody
// holds. Exit codes: 0 done; 2 no journal; 4 something is damaged, and not archived; 5 the journal
// is held, or the disk is full.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "journal/journal.h"
#include "support/status_macros.h"
#include "support/times.h"
#include "tools/client/json.h"
#include "tools/client/table.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/segments.h"

namespace holdfast::journal_cli {
namespace {

const char* StateOf(const journal::Segment& segment) {
  if (segment.expired) return "removed";
  return segment.damage.empty() ? "kept" : "unreadable";
}

int RunLs(const Context& context) {
  const auto segments = ListSegments(context);
  if (!segments.ok()) return context.Fail(segments.status());
  std::vector<client::Json> documents;
  client::Table table({"FILE", "SANDBOXES", "RECORDS", "POSITIONS", "SEALED", "STATE"});
  for (const journal::Segment& segment : *segments) {
    documents.push_back({{"number", segment.number},
                         {"file", segment.file},
                         {"digest", segment.digest},
                         {"records", segment.records},
                         {"sandboxes", segment.sandboxes},
                         {"first_position", segment.first_position},
                         {"last_position", segment.last_position},
                         {"sealed_unix_ms", segment.sealed_unix_ms},
                         {"expired", segment.expired},
                         {"damage", segment.damage}});
    table.Add({segment.file, std::to_string(segment.sandboxes), std::to_string(segment.records),
               fmt::format("{}-{}", segment.first_position, segment.last_position),
               support::FormatTime(segment.sealed_unix_ms), StateOf(segment)});
  }
  if (context.json()) {
    client::PrintJsonList(documents, context.output, context.out());
  } else if (table.empty()) {
    context.out() << "nothing is archived\n";
  } else {
    context.out() << table.Render();
  }
  return TellUnreadable(*segments, context);
}

// Of the host when a gateway last held the journal. This program touches nothing that a boot ends,
// so the next gateway must still find out that there was another one.
absl::StatusOr<std::string> LastBootId(const std::string& path) {
  HF_ASSIGN_OR_RETURN(const auto reader, journal::Reader::Open(path));
  HF_ASSIGN_OR_RETURN(const journal::Ownership ownership, reader->ReadOwnership());
  return ownership.boot_id;
}

absl::StatusOr<journal::ArchiveReport> Archive(const FileContext& context,
                                               std::chrono::milliseconds age) {
  HF_ASSIGN_OR_RETURN(const std::string boot_id, LastBootId(context.journal_path));
  HF_ASSIGN_OR_RETURN(const auto journal, journal::Journal::Open({.path = context.journal_path,
                                                                  .create_if_missing = false,
                                                                  .owner = "journal-cli archive",
                                                                  .boot_id = boot_id,
                                                                  .limits = {}}));
  journal::ArchiveOptions options;
  options.finished_before_unix_ms = context.surroundings.now().value - age.count();
  auto report = journal->Archive(options);
  HF_RETURN_IF_ERROR(journal->Close());
  return report;
}

int RunNow(const FileContext& context, const std::string& older_than) {
  const auto report = Archive(context, *support::ParseDuration(older_than));
  if (!report.ok()) return context.Fail(report.status());
  for (const std::string& kept : report->kept) {
    context.surroundings.err << fmt::format("{}: not archived: {}\n", kProgram, kept);
  }
  if (context.output != client::Output::kTable) {
    client::PrintJson({{"journal", context.journal_path},
                       {"segments", report->segments},
                       {"sandboxes", report->sandboxes},
                       {"records", report->records}},
                      context.output, context.surroundings.out);
  } else {
    context.surroundings.out << fmt::format("archived {} sandboxes, {} records, in {} segments\n",
                                            report->sandboxes, report->records, report->segments);
  }
  return report->kept.empty() ? client::kExitOk : client::kExitIntegrity;
}

}  // namespace

ArchiveCommands AddArchive(CLI::App& app) {
  CLI::App* archive =
      app.add_subcommand("archive", "The sealed segments that finished sandboxes are moved into");
  archive->require_subcommand(1);
  CLI::App* list = archive->add_subcommand("ls", "List them");
  CLI::App* run = archive->add_subcommand("run", "Move finished sandboxes now; no gateway may run");
  const auto older_than = std::make_shared<std::string>();
  run->add_option("--older-than", *older_than, "Those whose last record is older: 90s, 720h, 30d")
      ->required()
      ->check(client::IsDuration())
      ->type_name("DURATION");
  return {{run, [older_than](const FileContext& context) { return RunNow(context, *older_than); }},
          {list, RunLs}};
}

}  // namespace holdfast::journal_cli
