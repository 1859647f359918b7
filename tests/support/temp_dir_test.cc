// SPDX-License-Identifier: Apache-2.0
//
// What a test leaves behind would be found by the next one.
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace holdfast::testing {
namespace {

TEST(TempDir, IsRemovedWithWhatIsInIt) {
  std::filesystem::path path;
  {
    const TempDir dir;
    path = dir.path();
    std::filesystem::create_directories(dir.path() / "a/b");
    std::ofstream(dir.File("a/b/c")) << "x";
    ASSERT_TRUE(std::filesystem::exists(path / "a/b/c"));
  }

  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TempDir, IsNotSharedByTwo) {
  const TempDir one;
  const TempDir other;

  EXPECT_NE(one.path(), other.path());
}

}  // namespace
}  // namespace holdfast::testing
