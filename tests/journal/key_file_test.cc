// SPDX-License-Identifier: Apache-2.0
//
// Which key files are taken, and that nothing of a key is ever shown.
#include "journal/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "fmt/format.h"
#include "tests/support/require.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHex(64, 'a');
constexpr char kBase64[] = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=";  // the same key

class KeyFile : public ::testing::Test {
 protected:
  void Write(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }
  std::string Text() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  mode_t Mode() const {
    struct stat found {};
    EXPECT_EQ(stat(path_.c_str(), &found), 0);
    return found.st_mode & 07777;
  }
  std::string Refusal() {
    const absl::StatusOr<Keys> keys = ReadKeyFile(path_);
    EXPECT_FALSE(keys.ok());
    return std::string(keys.status().message());
  }

  testing::TempDir dir_;
  const std::string path_ = dir_.File("keys");
};

TEST_F(KeyFile, ReadsHexadecimalAndBase64Alike) {
  Write("new " + kHex + "\n# of last year\n\n  old\t" + kBase64 + "\r\n");

  const absl::StatusOr<Keys> keys = ReadKeyFile(path_);

  ASSERT_THAT(keys, IsOk());
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ((*keys)[0]->id, "new");
  EXPECT_EQ((*keys)[1]->id, "old");
  EXPECT_EQ((*keys)[0]->bytes, (*keys)[1]->bytes);
  EXPECT_EQ((*keys)[0]->bytes[31], 0xaa);
}

TEST_F(KeyFile, TakesTheLastLineWithoutItsEnd) {
  Write("k " + kHex);

  EXPECT_THAT(ReadKeyFile(path_), IsOk());
}

TEST_F(KeyFile, RefusesEveryModeButTheOwnersAlone) {
  for (const mode_t mode : {0600U, 0400U}) {
    Write("k " + kHex, mode);
    EXPECT_THAT(ReadKeyFile(path_), IsOk()) << std::oct << mode;
    std::filesystem::remove(path_);
  }
  for (const mode_t mode : {0644U, 0640U, 0660U, 0604U, 0700U, 0606U, 04600U}) {
    Write("k " + kHex, mode);
    EXPECT_THAT(ReadKeyFile(path_), StatusIs(absl::StatusCode::kFailedPrecondition))
        << std::oct << mode;
    EXPECT_THAT(Refusal(), HasSubstr("chmod 600"));
  }
}

TEST_F(KeyFile, RefusesOneOfAnotherUser) {
  HF_NEEDS("root", geteuid() == 0, "only root can give a file away");
  Write("k " + kHex);
  ASSERT_EQ(chown(path_.c_str(), 4711, 0), 0);

  EXPECT_THAT(ReadKeyFile(path_), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Refusal(), HasSubstr("belongs to user 4711"));
}

TEST_F(KeyFile, RefusesWhatIsNoRegularFile) {
  EXPECT_THAT(ReadKeyFile(dir_.path()), StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(ReadKeyFile(path_), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(KeyFile, SaysThatItIsNotThere) {
  EXPECT_THAT(ReadKeyFile(path_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(KeyFile, NamesFileAndLineOfAMistakeAndShowsNothingOfIt) {
  const std::string bad_hex = std::string(63, 'a') + "g";
  const std::string short_base64 = std::string(kBase64).substr(1);
  for (const std::string& line :
       {std::string("onlyanid"), "k " + bad_hex, "k " + kHex.substr(1), "k " + kHex + "0",
        "k " + short_base64, "k " + std::string(44, 'q'), "k " + std::string(43, '\x01') + "=",
        "k " + kHex + " more", kHex + " " + kHex + " ", kHex + kHex, "k/1 " + kHex,
        std::string(33, 'i') + " " + kHex, std::string("k \0", 3) + kHex, "first " + kHex}) {
    Write("# keys\nfirst " + kHex + "\n" + line + "\n");
    const std::string refusal = Refusal();
    EXPECT_THAT(refusal, HasSubstr(path_ + ":3: ")) << line;
    EXPECT_THAT(refusal, Not(HasSubstr("aaaa"))) << line;
    EXPECT_THAT(refusal, Not(HasSubstr("qqqq"))) << line;
  }
}

TEST_F(KeyFile, TakesAFirstKeyWhenItIsEmpty) {
  Write("# none yet\n");

  ASSERT_THAT(AddKey(path_, "first"), IsOk());

  HF_ASSERT_OK_AND_ASSIGN(const Keys keys, ReadKeyFile(path_));
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0]->id, "first");
}

TEST_F(KeyFile, RefusesOneWithoutKeysAndOneThatIsTooLarge) {
  for (const std::string& text :
       {std::string(), std::string("# none\n\n"), std::string("\n\n\n")}) {
    Write(text);
    EXPECT_THAT(ReadKeyFile(path_), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  Write("k " + kHex + "\n" + std::string(1 << 20, '#'));
  EXPECT_THAT(ReadKeyFile(path_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(KeyFile, IsMadePrivateByItsFirstKey) {
  ASSERT_THAT(AddKey(path_, "first"), IsOk());

  EXPECT_EQ(Mode(), 0600U);
  const absl::StatusOr<Keys> keys = ReadKeyFile(path_);
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ((*keys)[0]->id, "first");
  EXPECT_GT(std::set<unsigned>((*keys)[0]->bytes.begin(), (*keys)[0]->bytes.end()).size(), 8U);
}

TEST_F(KeyFile, GetsANewKeyBeforeTheOthersWhichStay) {
  Write("# mine\nold " + kHex + "\n", 0400);

  ASSERT_THAT(AddKey(path_, "new"), IsOk());

  const absl::StatusOr<Keys> keys = ReadKeyFile(path_);
  ASSERT_THAT(keys, IsOk());
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ((*keys)[0]->id, "new");
  EXPECT_EQ((*keys)[1]->id, "old");
  EXPECT_NE((*keys)[0]->bytes, (*keys)[1]->bytes);
  EXPECT_THAT(Text(), HasSubstr("# mine\nold " + kHex + "\n"));
}

TEST_F(KeyFile, IsLeftAloneWhenAKeyCannotBeAdded) {
  const std::string text = "old " + kHex + "\n";
  Write(text);

  EXPECT_THAT(AddKey(path_, "old"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(AddKey(path_, "not an id"), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  EXPECT_THAT(AddKey(path_, "new"), StatusIs(absl::StatusCode::kFailedPrecondition));

  EXPECT_EQ(Text(), text);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()), {}), 1);
}

TEST_F(KeyFile, KeepsTheLinkThatLeadsToIt) {
  Write("old " + kHex + "\n");
  const std::string link = dir_.File("link");
  std::filesystem::create_symlink(path_, link);

  ASSERT_THAT(AddKey(link, "new"), IsOk());

  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_THAT(Text(), ::testing::StartsWith("new "));
}

TEST_F(KeyFile, KeepsTheKeysOfTwoProcessesThatAddAtOnce) {
  constexpr int kEach = 20;
  const auto add_some = [this](char name) {
    for (int i = 0; i < kEach; ++i) {
      if (!AddKey(path_, fmt::format("{}{}", name, i)).ok()) return 1;
    }
    return 0;
  };
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(add_some('b'));

  EXPECT_EQ(add_some('a'), 0);

  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const absl::StatusOr<Keys> keys = ReadKeyFile(path_);
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->size(), 2U * kEach);
}

TEST_F(KeyFile, LeavesNothingBesideItAlsoOfWhatAKilledOneLeft) {
  ASSERT_THAT(AddKey(path_, "old"), IsOk());
  std::ofstream(path_ + ".new") << "half a k";
  ASSERT_EQ(chmod((path_ + ".new").c_str(), 0600), 0);

  ASSERT_THAT(AddKey(path_, "new"), IsOk());

  ASSERT_THAT(ReadKeyFile(path_), IsOk());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()), {}), 1);
}

TEST_F(KeyFile, IsNotWrittenThroughADraftThatLeadsElsewhere) {
  std::filesystem::create_symlink(dir_.File("elsewhere"), path_ + ".new");

  EXPECT_THAT(AddKey(path_, "k"), Not(IsOk()));

  EXPECT_FALSE(std::filesystem::exists(dir_.File("elsewhere")));
}

TEST_F(KeyFile, IsNotMadeInADirectoryThatIsNotThere) {
  EXPECT_THAT(AddKey(dir_.File("no/keys"), "k"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace holdfast::journal
