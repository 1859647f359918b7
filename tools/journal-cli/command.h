// SPDX-License-Identifier: Apache-2.0
//
// The verbs of journal-cli (tools/client/command.h).
#pragma once

#include <string>
#include <vector>

#include "tools/client/command.h"
#include "tools/journal-cli/source.h"

namespace holdfast::journal_cli {

inline constexpr char kProgram[] = "journal-cli";

struct Context : client::Printing {
  Source& source;
};
using Command = client::Verb<Context>;

// For the verbs that change a file, which no gateway can answer.
struct FileContext : client::Printing {
  std::string journal_path;
};
using FileCommand = client::Verb<FileContext>;

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
