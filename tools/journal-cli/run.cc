// SPDX-License-Identifier: Apache-2.0
#include "tools/journal-cli/run.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "support/paths.h"
#include "support/status_macros.h"
#include "tools/journal-cli/command.h"

namespace holdfast::journal_cli {
namespace {

struct Options {
  std::string socket;
  std::string journal;
  std::string output = "table";
  bool verbose = false;
};

absl::StatusOr<std::unique_ptr<Source>> OpenFile(const std::string& path,
                                                 const client::Surroundings& surroundings) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<journal::Reader> reader, journal::Reader::Open(path));
  return OfflineSource(std::move(reader), path, surroundings.now);
}

absl::StatusOr<std::unique_ptr<Source>> OpenSocket(const std::string& path) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<client::Stub> stub, client::Connect(path));
  return OnlineSource(std::move(stub));
}

// What was named, else the gateway if one answers, else the journal file.
absl::StatusOr<std::unique_ptr<Source>> Open(const Options& options,
                                             client::Surroundings& surroundings) {
  std::string socket = options.socket;
  std::string file = options.journal;
  if (socket.empty() && file.empty()) {
    socket = support::DefaultSocketPath(surroundings.environment);
    if (!client::ProbeSocket(socket).ok()) {
      // Somebody meant that gateway: another journal's "no leaks", or its backup, must not pass for
      // its own.
      if (const char* meant = surroundings.environment("HOLDFAST_SOCKET"); meant != nullptr) {
        return absl::UnavailableError(
            fmt::format("nobody answers at {} (HOLDFAST_SOCKET); to read the journal of a gateway "
                        "that is gone, name its file with --journal",
                        meant));
      }
      socket.clear();
      file = support::DefaultJournalPath(surroundings.environment);
    }
  }
  if (options.verbose) {
    surroundings.err << (socket.empty() ? "reading the journal file " + file
                                        : "asking the gateway at " + socket)
                     << "\n";
  }
  return socket.empty() ? OpenFile(file, surroundings) : OpenSocket(socket);
}

// As it is written on the command line: "restore", "archive run".
std::string NameOf(const CLI::App& verb) {
  const CLI::App& above = *verb.get_parent();
  return above.get_parent() == nullptr ? verb.get_name() : above.get_name() + " " + verb.get_name();
}

int RunOnFile(const FileCommand& command, const Options& options,
              client::Surroundings& surroundings) {
  if (!options.socket.empty()) {
    surroundings.err << kProgram << ": " << NameOf(*command.app)
                     << " works on a file; name it with --journal\n";
    return client::kExitUsage;
  }
  return command.run({{kProgram, client::OutputFromName(options.output), surroundings},
                      options.journal.empty()
                          ? support::DefaultJournalPath(surroundings.environment)
                          : options.journal});
}

}  // namespace

int Run(std::vector<std::string> args, client::Surroundings& surroundings) {
  CLI::App app("Reads a Holdfast journal: what is there, what holds it, and whether it is sound.",
               kProgram);
  Options options;
  app.require_subcommand(1);
  app.fallthrough();
  app.set_help_flag("-h,--help", "Print this and end");
  client::AddVersionFlag(app);
  CLI::Option* socket =
      app.add_option("--socket", options.socket, "Ask the gateway at this Unix socket")
          ->type_name("PATH");
  app.add_option("--journal", options.journal, "Read this journal file, without a gateway")
      ->excludes(socket)
      ->type_name("FILE");
  app.add_option("-o,--output", options.output, "How results are printed")
      ->check(CLI::IsMember({"table", "json", "ndjson"}))
      ->type_name("FORMAT");
  app.add_flag("-v,--verbose", options.verbose, "Say on stderr what is being read");
  app.footer(
      "Without --socket and --journal, the gateway is asked if one answers at the default socket,\n"
      "else the default journal file is read. Only `restore` and `archive run` change a file.\n"
      "Exit codes: 0 ok, 1 usage, 2 not found, 3 stuck or leaked, 4 damaged, 5 refused.");

  const std::vector<Command> commands = {
      AddLs(app),     AddShow(app),  AddWhy(app),    AddLeaks(app),      AddLedger(app),
      AddVerify(app), AddGraph(app), AddStatus(app), AddCheckpoint(app), AddBackup(app)};
  const FileCommand restore = AddRestore(app);
  const KeyCommands key = AddKey(app);
  const ArchiveCommands archive = AddArchive(app);
  if (const std::optional<int> answered = client::Parse(app, std::move(args), surroundings)) {
    return *answered;
  }
  if (restore.app->parsed()) return RunOnFile(restore, options, surroundings);
  if (archive.run.app->parsed()) return RunOnFile(archive.run, options, surroundings);
  if (key.make.app->parsed()) {
    return key.make.run({{kProgram, client::OutputFromName(options.output), surroundings}, ""});
  }
  const absl::StatusOr<std::unique_ptr<Source>> source = Open(options, surroundings);
  if (!source.ok()) return client::Fail(kProgram, source.status(), surroundings);
  const Context context{{kProgram, client::OutputFromName(options.output), surroundings}, **source};
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run(context);
  }
  if (key.list.app->parsed()) return key.list.run(context);
  if (archive.list.app->parsed()) return archive.list.run(context);
  return client::kExitUsage;  // not reached: one verb is required
}

}  // namespace holdfast::journal_cli
