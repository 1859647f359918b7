// SPDX-License-Identifier: Apache-2.0
//
// That a file has one name, whatever name it is asked for by.
#include "journal/files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::TempDir;
using ::std::filesystem::create_directory;
using ::std::filesystem::create_directory_symlink;
using ::std::filesystem::create_symlink;

class RealPathTest : public ::testing::Test {
 protected:
  // The directory's own name may lead through links.
  std::string Name(const std::string& file) const {
    return (std::filesystem::canonical(dir_.path()) / file).string();
  }
  const TempDir dir_;
};

TEST_F(RealPathTest, IsOneForALinkAndWhatItLeadsTo) {
  create_directory(dir_.File("there"));
  ASSERT_TRUE(MakeEmptyFile(dir_.File("there/file")).ok());
  create_symlink("there/file", dir_.File("relative"));
  create_symlink(dir_.File("relative"), dir_.File("absolute"));
  create_directory_symlink("there", dir_.File("directory"));

  for (const char* given : {"there/file", "relative", "absolute", "directory/file", "./there//file",
                            "there/../there/file"}) {
    EXPECT_EQ(RealPath(dir_.File(given)), Name("there/file")) << given;
  }
}

TEST_F(RealPathTest, IsWhereALinkWouldMakeTheFile) {
  create_directory(dir_.File("there"));
  create_symlink("there/file", dir_.File("dangling"));

  EXPECT_EQ(RealPath(dir_.File("dangling")), Name("there/file"));
  EXPECT_EQ(RealPath(dir_.File("there/file")), Name("there/file"));
}

TEST_F(RealPathTest, IsAbsolute) {
  EXPECT_EQ(RealPath("file"), (std::filesystem::current_path() / "file").string());
  EXPECT_EQ(RealPath("/file"), "/file");
}

TEST_F(RealPathTest, LeavesAPathThatLeadsNowhereAsItIs) {
  create_symlink("circle", dir_.File("circle"));

  for (const std::string& given : {dir_.File("none/file"), dir_.File("circle"),
                                   std::string("/tmp/"), std::string("."), std::string()}) {
    EXPECT_EQ(RealPath(given), given);
  }
}

}  // namespace
}  // namespace holdfast::journal
