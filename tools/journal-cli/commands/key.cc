// SPDX-License-Identifier: Apache-2.0
//
// journal-cli key new FILE [--id ID]
// journal-cli key ls [--key-file FILE]
//
// The keys that seal what is secret (docs/secrets.md). `new` makes a key file, or puts a new key
// before the others in it. `ls` counts the boxes of the live sandboxes by the key that each needs.
// Neither ever shows a key. Exit codes: 0 done; 2 no journal, no key file; 3 a key that is needed
// is not in FILE; 4 damaged boxes; 5 FILE cannot be read or written, or is not private.
#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "journal/key_file.h"
#include "journal/rotation.h"
#include "support/status_macros.h"
#include "support/times.h"
#include "tools/client/json.h"
#include "tools/client/table.h"
#include "tools/journal-cli/command.h"

namespace holdfast::journal_cli {
namespace {

// Says when, and is not the same twice on one day: "2026-11-22-9f3a".
std::string MakeId(const client::Surroundings& surroundings) {
  std::random_device random;
  return fmt::format("{}-{:04x}", support::FormatTime(surroundings.now().value).substr(0, 10),
                     random() & 0xffffU);
}

int RunNew(const FileContext& context, const std::string& path, std::string id) {
  if (id.empty()) id = MakeId(context.surroundings);
  if (absl::Status status = journal::AddKey(path, id); !status.ok()) {
    return context.Fail(status);
  }
  if (context.output != client::Output::kTable) {
    client::PrintJson({{"file", path}, {"key", id}}, context.output, context.surroundings.out);
  } else {
    context.surroundings.out << fmt::format(
        "{}: its current key is {} now; a gateway takes it at its next start\n", path, id);
  }
  return client::kExitOk;
}

// What the key file is to the boxes that need `key`.
std::string_view RoleOf(const journal::Keys& keys, const std::string& key) {
  if (keys.front()->id == key) return "current";
  const bool there =
      std::any_of(keys.begin(), keys.end(), [&](const auto& one) { return one->id == key; });
  return there ? "old" : "missing";
}

absl::StatusOr<journal::BoxesByKey> Count(const Context& context) {
  HF_ASSIGN_OR_RETURN(const std::string path, context.source.JournalPath());
  HF_ASSIGN_OR_RETURN(const auto reader, journal::Reader::Open(path));
  return journal::CountBoxes(*reader);
}

int RunLs(const Context& context, const std::string& key_file) {
  std::optional<journal::Keys> keys;
  if (!key_file.empty()) {
    absl::StatusOr<journal::Keys> read = journal::ReadKeyFile(key_file);
    if (!read.ok()) return context.Fail(read.status());
    keys = *std::move(read);
  }
  absl::StatusOr<journal::BoxesByKey> count = Count(context);
  if (!count.ok()) return context.Fail(count.status());
  if (keys) {
    for (const auto& key : *keys) count->boxes.try_emplace(key->id, 0);  // that nobody needs
  }
  bool missing = false;
  std::vector<client::Json> documents;
  client::Table table({"KEY", "BOXES", "KEY FILE"});
  for (const auto& [key, boxes] : count->boxes) {
    const std::string role(keys ? RoleOf(*keys, key) : "");
    missing = missing || role == "missing";
    documents.push_back({{"key", key}, {"boxes", boxes}, {"key_file", role}});
    table.Add({key, std::to_string(boxes), role});
  }
  if (context.json()) {
    client::PrintJsonList(documents, context.output, context.out());
  } else if (table.empty()) {
    context.out() << "nothing is sealed\n";
  } else {
    context.out() << table.Render();
  }
  if (count->damaged != 0) {
    context.surroundings.err << fmt::format("{}: {} boxes are damaged\n", kProgram, count->damaged);
    return client::kExitIntegrity;
  }
  return missing ? client::kExitFailed : client::kExitOk;
}

FileCommand AddKeyNew(CLI::App& key) {
  CLI::App* verb = key.add_subcommand("new", "Make a key file, or put a new current key into one");
  struct Words {
    std::string file;
    std::string id;
  };
  const auto words = std::make_shared<Words>();
  verb->add_option("FILE", words->file, "The key file; its mode is 0600")
      ->required()
      ->type_name("");
  verb->add_option("--id", words->id, "The key's name, instead of the date and four characters")
      ->type_name("ID");
  return {verb,
          [words](const FileContext& context) { return RunNew(context, words->file, words->id); }};
}

Command AddKeyLs(CLI::App& key) {
  CLI::App* verb = key.add_subcommand("ls", "Count what is sealed, by the key that it needs");
  const auto key_file = std::make_shared<std::string>();
  verb->add_option("--key-file", *key_file, "Say which of them this key file has")
      ->type_name("FILE");
  return {verb, [key_file](const Context& context) { return RunLs(context, *key_file); }};
}

}  // namespace

KeyCommands AddKey(CLI::App& app) {
  CLI::App* key = app.add_subcommand("key", "The keys that seal what is secret");
  key->require_subcommand(1);
  return {AddKeyNew(*key), AddKeyLs(*key)};
}

}  // namespace holdfast::journal_cli
