// SPDX-License-Identifier: Apache-2.0
#include "tools/holdfast/run.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/paths.h"
#include "support/times.h"
#include "tools/holdfast/command.h"

namespace holdfast::command_line {
namespace {

struct Options {
  std::string socket;
  std::string reconnect = "60s";
  std::string output = "table";
  bool quiet = false;
};

// Everything after the first "--" is the workload's, whatever it looks like.
std::vector<std::string> TakeWords(std::vector<std::string>& args) {
  const auto marker = std::find(args.begin(), args.end(), "--");
  if (marker == args.end()) return {};
  std::vector<std::string> words(marker + 1, args.end());
  args.erase(marker, args.end());
  return words;
}

}  // namespace

int Run(std::vector<std::string> args, client::Surroundings& surroundings) {
  CLI::App app("Makes, starts, stops and deletes sandboxes through a Holdfast gateway.", kProgram);
  Options options;
  app.require_subcommand(1);
  app.fallthrough();
  app.set_help_flag("-h,--help", "Print this and end");
  client::AddVersionFlag(app);
  app.add_option("--socket", options.socket,
                 "The gateway's Unix socket (default: $HOLDFAST_SOCKET, else where the gateway "
                 "puts it)")
      ->type_name("PATH");
  app.add_option("--reconnect", options.reconnect,
                 "How long a gateway that went away is waited for")
      ->check(client::IsDuration())
      ->type_name("DURATION")
      ->capture_default_str();
  app.add_option("-o,--output", options.output, "How results are printed")
      ->check(CLI::IsMember({"table", "json", "ndjson"}))
      ->type_name("FORMAT");
  app.add_flag("-q,--quiet", options.quiet, "No progress on stderr");
  app.footer(
      "What was accepted goes on without this program; when the gateway dies meanwhile, the wait\n"
      "goes on with the next one.\n"
      "Exit codes: 0 ok, 1 usage, 2 not found, 3 the operation failed, 4 damaged,\n"
      "5 refused or no gateway.");

  const std::vector<std::string> words = TakeWords(args);
  const std::vector<Command> commands = {AddCreate(app, words), AddStart(app),  AddStop(app),
                                         AddDelete(app),        AddGet(app),    AddLs(app),
                                         AddWatch(app),         AddRepair(app), AddStatus(app)};
  if (const std::optional<int> answered = client::Parse(app, std::move(args), surroundings)) {
    return *answered;
  }
  const auto named = std::find_if(commands.begin(), commands.end(),
                                  [](const Command& command) { return command.app->parsed(); });
  if (!words.empty() && named->app->get_name() != "create") {
    surroundings.err << kProgram << ": only create takes a command after --\n";
    return client::kExitUsage;
  }

  Progress progress(surroundings.err, surroundings.err_terminal, !options.quiet);
  if (options.socket.empty()) options.socket = support::DefaultSocketPath(surroundings.environment);
  const absl::StatusOr<std::unique_ptr<Session>> session =
      Session::Open(options.socket, *support::ParseDuration(options.reconnect), progress);
  if (!session.ok()) return client::Fail(kProgram, session.status(), surroundings);
  return named->run(Context{
      {kProgram, client::OutputFromName(options.output), surroundings}, **session, progress});
}

}  // namespace holdfast::command_line
