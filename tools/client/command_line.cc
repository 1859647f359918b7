// SPDX-License-Identifier: Apache-2.0
#include "tools/client/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>

#include "fmt/format.h"
#include "support/times.h"
#include "tools/client/table.h"

namespace holdfast::client {

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  if (absl::IsNotFound(status)) return kExitNotFound;
  if (absl::IsDataLoss(status)) return kExitIntegrity;
  return kExitRefused;
}

Surroundings ProcessSurroundings() {
  return Surroundings{
      .out = std::cout,
      .err = std::cerr,
      .out_terminal = isatty(STDOUT_FILENO) == 1,
      .err_terminal = isatty(STDERR_FILENO) == 1,
      .environment = support::ProcessEnvironment(),
      .now =
          [] {
            return model::UnixMillis{std::chrono::duration_cast<std::chrono::milliseconds>(
                                         std::chrono::system_clock::now().time_since_epoch())
                                         .count()};
          },
  };
}

Output OutputFromName(std::string_view name) {
  if (name == "json") return Output::kJson;
  if (name == "ndjson") return Output::kNdjson;
  return Output::kTable;
}

void AddVersionFlag(CLI::App& app) {
  app.set_version_flag("--version", fmt::format("{} {}", app.get_name(), HOLDFAST_VERSION),
                       "Print name and version and end");
}

std::optional<int> Parse(CLI::App& app, std::vector<std::string> args, Surroundings& surroundings) {
  // CLI11 takes them from the back.
  std::reverse(args.begin(), args.end());
  try {
    app.parse(std::move(args));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    // The help of the verb that was named, if one was.
    const CLI::App* named = &app;
    while (!named->get_subcommands().empty()) named = named->get_subcommands().front();
    surroundings.out << named->help(named == &app ? "" : app.get_name());
    return kExitOk;
  } catch (const CLI::CallForVersion& version) {
    surroundings.out << version.what() << "\n";
    return kExitOk;
  } catch (const CLI::Error& error) {
    std::string sentence = error.what();
    std::replace(sentence.begin(), sentence.end(), '\n', ' ');
    surroundings.err << app.get_name() << ": " << sentence << " (see " << app.get_name()
                     << " --help)\n";
    return kExitUsage;
  }
}

CLI::Validator IsDuration() {
  return CLI::Validator(
      [](const std::string& text) {
        return support::ParseDuration(text)
                   ? std::string()
                   : fmt::format("\"{}\" is not a duration like 500ms, 5s, 10m, 720h or 30d", text);
      },
      "");
}

int Fail(std::string_view program, const absl::Status& status, Surroundings& surroundings) {
  surroundings.err << program << ": " << OneLine(std::string(status.message())) << "\n";
  return ExitCodeOf(status);
}

}  // namespace holdfast::client
