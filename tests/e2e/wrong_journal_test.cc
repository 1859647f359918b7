// SPDX-License-Identifier: Apache-2.0
//
// A gateway that is pointed at something that is not its journal says what it is, and leaves every
// byte and the time of its last change as they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// Where SQLite's header has the application's number and the user's version (its file format, 1.3).
constexpr std::streamoff kUserVersionAt = 60;
constexpr std::streamoff kApplicationIdAt = 68;

class WrongJournal : public InHouse {
 protected:
  void SetUp() override {
    fs::create_directories(house_.state());
    fs::permissions(house_.state(), fs::perms::owner_all);
  }

  // A journal as a gateway leaves it, with a sandbox's records in it.
  void MakeRealJournal() {
    ASSERT_NO_FATAL_FAILURE(house_.Start());
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest("a", Forever())).ok());
    ASSERT_TRUE(house_.Connect().Submit(DeleteRequest("a")).ok());
    const auto ending = house_.gateway().Terminate();
    ASSERT_TRUE(ending && ending->exit_code == 0);
    for (const char* side : {"-wal", "-shm"}) fs::remove(house_.journal() + side);
    kept_ = ReadFile(house_.journal());
  }
  void PutBackRealJournal() { WriteFile(house_.journal(), kept_); }

  void Patch(std::streamoff at, const std::string& bytes) {
    std::fstream file(house_.journal(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  }

  // Starts a gateway on what is there; returns what it says.
  std::string Refusal() {
    struct stat before {
    }, after{};
    EXPECT_EQ(stat(house_.journal().c_str(), &before), 0);
    const bool is_file = S_ISREG(before.st_mode);
    const std::string bytes = is_file ? ReadFile(house_.journal()) : "";

    const auto gateway = house_.Launch(house_.socket());
    const auto ending = gateway->Wait();

    EXPECT_TRUE(ending.has_value());
    EXPECT_EQ(ending ? ending->exit_code : -1, 1) << gateway->Log();
    EXPECT_EQ(stat(house_.journal().c_str(), &after), 0);
    EXPECT_TRUE(!is_file || bytes == ReadFile(house_.journal())) << "the file was changed";
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    EXPECT_FALSE(fs::exists(house_.journal() + "-wal"));
    EXPECT_FALSE(fs::exists(house_.socket()));
    return gateway->Log();
  }

 private:
  std::string kept_;
};

TEST_F(WrongJournal, ForeignFileIsRefused) {
  WriteFile(house_.journal(),
            "Dear diary, today nothing was journaled.\n" + std::string(8192, 'x'));

  const std::string said = Refusal();

  EXPECT_THAT(said, HasSubstr(house_.journal() + " is not a Holdfast journal: not an SQLite file"));
}

TEST_F(WrongJournal, EmptyFileIsRefused) {
  WriteFile(house_.journal(), "");

  EXPECT_THAT(Refusal(), HasSubstr("is not a Holdfast journal: the file is empty"));
}

TEST_F(WrongJournal, DirectoryIsRefused) {
  fs::create_directory(house_.journal());
  WriteFile(house_.journal() + "/precious", "keep me");

  const std::string said = Refusal();

  EXPECT_THAT(said, HasSubstr("is not a Holdfast journal: not a regular file"));
  EXPECT_EQ(ReadFile(house_.journal() + "/precious"), "keep me");
}

TEST_F(WrongJournal, DatabaseOfAnotherApplicationIsRefused) {
  ASSERT_NO_FATAL_FAILURE(MakeRealJournal());
  Patch(kApplicationIdAt, "ABCD");

  EXPECT_THAT(Refusal(),
              HasSubstr("is not a Holdfast journal: an SQLite file of another application"));
  PutBackRealJournal();
}

TEST_F(WrongJournal, JournalOfANewerVersionIsRefused) {
  ASSERT_NO_FATAL_FAILURE(MakeRealJournal());
  Patch(kUserVersionAt, std::string("\0\0\x03\xe7", 4));

  EXPECT_THAT(Refusal(), HasSubstr("has format version 999; this program reads up to version"));
  PutBackRealJournal();
}

TEST_F(WrongJournal, TruncatedJournalIsRefused) {
  ASSERT_NO_FATAL_FAILURE(MakeRealJournal());
  fs::resize_file(house_.journal(), fs::file_size(house_.journal()) / 2);

  EXPECT_THAT(Refusal(), HasSubstr("is truncated:"));
  PutBackRealJournal();
}

TEST_F(WrongJournal, JournalCutInsideItsHeaderIsRefused) {
  ASSERT_NO_FATAL_FAILURE(MakeRealJournal());
  fs::resize_file(house_.journal(), 50);

  EXPECT_THAT(Refusal(), HasSubstr("is truncated: 50 bytes are left"));
  PutBackRealJournal();
}

TEST_F(WrongJournal, JournalCliRefusesItToo) {
  WriteFile(house_.journal(), std::string(8192, 'x'));

  const Ran ran = house_.JournalCliOffline({"ls"});

  EXPECT_EQ(ran.code, 5);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("is not a Holdfast journal"));
}

}  // namespace
}  // namespace holdfast::e2e
