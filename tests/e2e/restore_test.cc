// SPDX-License-Identifier: Apache-2.0
//
// The disk with the journal is lost and comes back from a backup, by the commands that
// docs/backup.md tells an operator to type.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using ::testing::HasSubstr;

// The lines of the document's shell blocks, in order.
std::vector<std::string> CommandsOfTheDocument() {
  std::vector<std::string> commands;
  std::istringstream lines(ReadFile(HOLDFAST_BACKUP_DOC));
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    const std::string text = start == std::string::npos ? "" : line.substr(start);
    if (text.starts_with("```")) {
      inside = text == "```sh";
    } else if (inside) {
      commands.push_back(text);
    }
  }
  return commands;
}

void Replace(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

class Restore : public InHouse {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(house_.File("backups"));
    ASSERT_NO_FATAL_FAILURE(house_.Start());
  }

  // As an operator types it, with this house's directories.
  Ran Type(std::string line) {
    Replace(line, "/backups", house_.File("backups"));
    Replace(line, "\"$STATE_DIR/journal.db\"", house_.journal());
    std::vector<std::string> words;
    std::istringstream text(line);
    for (std::string word; text >> word;) words.push_back(word);
    const std::string program = words.empty() ? "" : words.front();
    words.erase(words.begin());
    if (program == "holdfast") return house_.Holdfast(words);
    EXPECT_EQ(program, "journal-cli") << line;
    // It finds the gateway, or the file that the line names.
    return house_.JournalCliAlone(words);
  }

  void LoseTheDisk() {
    house_.gateway().Kill();
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
      std::filesystem::remove(house_.journal() + suffix);
    }
  }
};

TEST_F(Restore, BringsBackWhatTheBackupKnowsAndReportsWhatItDoesNot) {
  const std::vector<std::string> commands = CommandsOfTheDocument();
  ASSERT_EQ(commands.size(), 3U) << "the document was changed: so must this test be";
  ASSERT_TRUE(house_.Connect().Submit(CreateRequest("kept", Forever())).ok());
  ASSERT_TRUE(house_.Connect().Submit(CreateRequest("deleted", Forever())).ok());
  const auto kept = house_.Look().supervisors["kept"];

  const Ran backup = Type(commands[0]);
  ASSERT_EQ(backup.code, 0) << backup.err;
  ASSERT_TRUE(house_.Connect().Submit(CreateRequest("later", Forever())).ok());
  ASSERT_TRUE(house_.Connect().Submit(DeleteRequest("deleted")).ok());
  const auto later = house_.Look().supervisors["later"];
  LoseTheDisk();
  const Ran restored = Type(commands[1]);
  ASSERT_EQ(restored.code, 0) << restored.err;
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  const Ran status = Type(commands[2]);

  ASSERT_EQ(status.code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("restored"));
  EXPECT_THAT(status.out, HasSubstr("sandbox 'later'"));
  EXPECT_THAT(status.out, HasSubstr("sandbox 'deleted'"));
  EXPECT_EQ(house_.Connect().State("kept"), "Running");
  EXPECT_EQ(house_.Look().supervisors["kept"], kept);
  EXPECT_EQ(house_.Look().supervisors["later"], later) << "what nobody knows is not destroyed";
  EXPECT_TRUE(house_.Connect().Submit(DeleteRequest("deleted")).ok());

  // The orphan is taken into the journal's care again; InHouse then deletes it.
  EXPECT_TRUE(house_.Connect().Submit(CreateRequest("later", Forever())).ok());
  EXPECT_EQ(house_.Look().supervisors["later"], later);
}

TEST_F(Restore, IsRefusedWhileAGatewayHoldsTheJournal) {
  ASSERT_EQ(house_.JournalCli({"backup", house_.File("b.db")}).code, 0);

  const Ran refused = house_.JournalCliOffline({"restore", house_.File("b.db"), "--replace"});

  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, HasSubstr("pid " + std::to_string(house_.gateway().pid())));
  EXPECT_EQ(house_.JournalCli({"verify"}).code, 0);
}

}  // namespace
}  // namespace holdfast::e2e
