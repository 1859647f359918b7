// SPDX-License-Identifier: Apache-2.0
//
// journal-cli key: what it prints, how it ends, and that it never shows a key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "journal/seal.h"
#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli_fixture.h"
#include "tools/journal-cli/run.h"

namespace holdfast::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class JournalCliKey : public ::testing::Test {
 protected:
  Result Key(std::vector<std::string> args) {
    args.insert(args.begin(), {"--journal", path_});
    return RunProgram(journal_cli::Run, std::move(args));
  }
  void New(const std::string& id) {
    const Result made = Key({"key", "new", keys_, "--id", id});
    ASSERT_EQ(made.code, client::kExitOk) << made.err;
  }
  // A live sandbox with a box under the current key, or with these bytes instead.
  void Seal(const std::string& id, const std::optional<std::string>& bytes = std::nullopt) {
    journal::Options options;
    options.path = path_;
    HF_ASSERT_OK_AND_ASSIGN(const auto journal, journal::Journal::Open(std::move(options)));
    HF_ASSERT_OK_AND_ASSIGN(const auto sealer, journal::Sealer::FromKeyFile(keys_));
    HF_ASSERT_OK_AND_ASSIGN(
        const std::string box,
        sealer->Seal("secret", journal::SealContext(journal->reader().journal_id(), id)));
    journal::Batch batch;
    batch.sandbox_id = id;
    batch.drafts.push_back(journal::Draft::Event("Something", "", 1));
    batch.sealed = bytes.value_or(box);
    ASSERT_THAT(journal->Append(std::move(batch)), IsOk());
  }

  TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  const std::string keys_ = dir_.File("keys");
};

TEST_F(JournalCliKey, MakesAFileThatIsPrivateAndShowsNothingOfTheKey) {
  const Result made = Key({"key", "new", keys_, "--id", "first"});

  EXPECT_EQ(made.code, client::kExitOk) << made.err;
  EXPECT_EQ(made.out,
            keys_ + ": its current key is first now; a gateway takes it at its next start\n");
  struct stat found {};
  ASSERT_EQ(stat(keys_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600U);
}

TEST_F(JournalCliKey, NamesAKeyByTheDayWhenNobodyDoes) {
  EXPECT_THAT(Key({"key", "new", keys_, "-o", "json"}).out,
              ContainsRegex("\"key\": \"2026-11-18-[0-9a-f]{4}\""));
}

TEST_F(JournalCliKey, PutsANewKeyBeforeTheOthers) {
  New("first");
  const std::string before = ReadFile(keys_);

  New("second");

  EXPECT_THAT(ReadFile(keys_), ::testing::StartsWith("second "));
  EXPECT_THAT(ReadFile(keys_), ::testing::EndsWith(before));
}

TEST_F(JournalCliKey, RefusesAnIdThatIsThereAndAFileThatIsNotPrivate) {
  New("first");
  EXPECT_EQ(Key({"key", "new", keys_, "--id", "first"}).code, client::kExitRefused);
  ASSERT_EQ(chmod(keys_.c_str(), 0644), 0);

  const Result refused = Key({"key", "new", keys_});

  EXPECT_EQ(refused.code, client::kExitRefused);
  EXPECT_THAT(refused.err, HasSubstr("chmod 600"));
}

TEST_F(JournalCliKey, CountsWhatIsSealedByTheKeyThatItNeeds) {
  New("old");
  Seal("a");
  New("new");
  Seal("b");
  Seal("c");

  const Result counted = Key({"key", "ls", "--key-file", keys_});

  EXPECT_EQ(counted.code, client::kExitOk) << counted.err;
  EXPECT_EQ(counted.out,
            "KEY  BOXES  KEY FILE\n"
            "new  2      current\n"
            "old  1      old\n");
}

TEST_F(JournalCliKey, SaysWhichKeysAreMissingAndExitsWithThree) {
  New("lost");
  Seal("a");
  std::string path = dir_.File("others");
  ASSERT_EQ(Key({"key", "new", path, "--id", "other"}).code, client::kExitOk);

  const Result counted = Key({"key", "ls", "--key-file", path, "-o", "json"});

  EXPECT_EQ(counted.code, client::kExitFailed);
  const auto rows = nlohmann::json::parse(counted.out);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["key"], "lost");
  EXPECT_EQ(rows[0]["boxes"], 1);
  EXPECT_EQ(rows[0]["key_file"], "missing");
  EXPECT_EQ(rows[1]["key_file"], "current");
}

TEST_F(JournalCliKey, ExitsWithFourWhenABoxIsDamaged) {
  New("first");
  Seal("a", "not a box");

  const Result counted = Key({"key", "ls"});

  EXPECT_EQ(counted.code, client::kExitIntegrity);
  EXPECT_THAT(counted.err, HasSubstr("1 boxes are damaged"));
}

TEST_F(JournalCliKey, SaysThatNothingIsSealed) {
  WriteFixture(path_);

  EXPECT_EQ(Key({"key", "ls"}).out, "nothing is sealed\n");
}

TEST_F(JournalCliKey, ShowsNoKeyWhenAKeyFileIsWrong) {
  WriteFixture(path_);
  WriteFile(keys_, "first " + std::string(63, 'a') + "\n");
  ASSERT_EQ(chmod(keys_.c_str(), 0600), 0);

  const Result refused = Key({"key", "ls", "--key-file", keys_});

  EXPECT_EQ(refused.code, client::kExitRefused);
  EXPECT_THAT(refused.err, HasSubstr(keys_ + ":1: "));
  EXPECT_THAT(refused.err, Not(HasSubstr("aaaa")));
}

}  // namespace
}  // namespace holdfast::testing
