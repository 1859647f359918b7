// SPDX-License-Identifier: Apache-2.0
#include "extensions/text.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::extensions {
namespace {

TEST(CleanText, KeepsWellFormedText) { EXPECT_EQ(CleanText("a\tb\nü€😀", 100), "a\tb\nü€😀"); }

TEST(CleanText, MarksWhatIsNoUtf8) {
  EXPECT_EQ(CleanText("a\xff"
                      "b\xc3",
                      100),
            "a?b?");
  EXPECT_EQ(CleanText("\xc0\xaf", 100), "??");            // an over-long slash
  EXPECT_EQ(CleanText("\xed\xa0\x80", 100), "???");       // a surrogate
  EXPECT_EQ(CleanText("\xf4\x90\x80\x80", 100), "????");  // past the end of Unicode
}

TEST(CleanText, MarksControlCharacters) {
  EXPECT_EQ(CleanText(std::string("a\0b\x1b[31m\x7f", 9), 100), "a?b?[31m?");
}

TEST(CleanText, CutsAtACharactersBorder) {
  EXPECT_EQ(CleanText("ab€", 4), "ab");
  EXPECT_EQ(CleanText("ab€", 5), "ab€");
}

TEST(IsCleanText, RefusesWhatCleanTextWouldChange) {
  EXPECT_TRUE(IsCleanText("ü€😀\n"));
  EXPECT_FALSE(IsCleanText("\xff"));
  EXPECT_FALSE(IsCleanText(std::string_view("a\0", 2)));
}

TEST(Names, AreBoundedAndOfTheirAlphabet) {
  EXPECT_TRUE(IsExtensionName("ipam-2"));
  EXPECT_FALSE(IsExtensionName("Ipam"));
  EXPECT_FALSE(IsExtensionName(std::string(64, 'a')));
  EXPECT_TRUE(IsEnvName("_A1"));
  EXPECT_FALSE(IsEnvName("1A"));
  EXPECT_FALSE(IsEnvName("A=B"));
  EXPECT_FALSE(IsEnvName(""));
  EXPECT_TRUE(IsLabelName("example.com/team"));
  EXPECT_FALSE(IsLabelName("/team"));
  EXPECT_TRUE(IsReason("PoolExhausted"));
  EXPECT_FALSE(IsReason("pool exhausted"));
}

}  // namespace
}  // namespace holdfast::extensions
