// SPDX-License-Identifier: Apache-2.0
#include "support/secret_bytes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

namespace holdfast::support {
namespace {

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <typename T>
concept Comparable = requires(const T& a, const T& b) {
  a == b;
};

TEST(SecretBytes, CannotBeCopiedComparedOrPrinted) {
  EXPECT_FALSE(std::is_copy_constructible_v<SecretBytes>);
  EXPECT_FALSE(Comparable<SecretBytes>);
  EXPECT_FALSE(Streamable<SecretBytes>);
  EXPECT_FALSE(fmt::is_formattable<SecretBytes>::value);
}

TEST(SecretBytes, RevealsWhatWasPutIn) {
  EXPECT_EQ(SecretBytes::CopyOf("token").Reveal(), "token");
  EXPECT_TRUE(SecretBytes::CopyOf("").empty());
}

TEST(SecretBytes, LeavesNothingBehindWhenMoved) {
  SecretBytes from = SecretBytes::CopyOf("token");
  const SecretBytes to = std::move(from);

  EXPECT_EQ(to.Reveal(), "token");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): this is what is claimed
}

TEST(SecretBytes, WipesWhatShrinkingForgets) {
  SecretBytes bytes = SecretBytes::CopyOf("token");
  const char* start = bytes.data();
  bytes.Shrink(2);

  EXPECT_EQ(bytes.Reveal(), "to");
  EXPECT_EQ(std::string(start + 2, 3), std::string(3, '\0'));
}

TEST(Wipe, OverwritesEverything) {
  std::string text = "token";
  Wipe(text.data(), text.size());

  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c == '\0'; }));
}

}  // namespace
}  // namespace holdfast::support
