// SPDX-License-Identifier: Apache-2.0
//
// A verb of journal-cli: how it is put on the command line, and what runs when it was named. Each
// has a file in commands/, which begins with its help text and its exit codes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tools/client/command_line.h"
#include "tools/journal-cli/source.h"

namespace holdfast::journal_cli {

inline constexpr char kProgram[] = "journal-cli";

struct Context {
  Source& source;
  client::Output output;
  client::Surroundings& surroundings;

  bool json() const { return output != client::Output::kTable; }
  std::ostream& out() const { return surroundings.out; }
  // One sentence on stderr; returns the exit code.
  int Fail(const absl::Status& status) const {
    return client::Fail(kProgram, status, surroundings);
  }
};

struct Command {
  CLI::App* app;
  std::function<int(const Context&)> run;
};

// For the verbs that change a file, which no gateway can answer.
struct FileContext {
  std::string journal_path;
  client::Output output;
  client::Surroundings& surroundings;
};

struct FileCommand {
  CLI::App* app;
  std::function<int(const FileContext&)> run;
};

// The two of `key`, of which one needs no journal.
struct KeyCommands {
  FileCommand make;
  Command list;
};

// The two of `archive`, of which one changes the file.
struct ArchiveCommands {
  FileCommand run;
  Command list;
};

// Each adds its verb to `app`.
ArchiveCommands AddArchive(CLI::App& app);
Command AddBackup(CLI::App& app);
Command AddCheckpoint(CLI::App& app);
Command AddGraph(CLI::App& app);
KeyCommands AddKey(CLI::App& app);
Command AddLeaks(CLI::App& app);
Command AddLedger(CLI::App& app);
Command AddLs(CLI::App& app);
FileCommand AddRestore(CLI::App& app);
Command AddShow(CLI::App& app);
Command AddStatus(CLI::App& app);
Command AddVerify(CLI::App& app);
Command AddWhy(CLI::App& app);

}  // namespace holdfast::journal_cli
