// SPDX-License-Identifier: Apache-2.0
#include <absl/hash/hash.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "statemachine/model/ids.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::model {
namespace {

TEST(SandboxIdRule, AcceptsUpTo128LettersDigitsDotsDashesAndUnderscores) {
  EXPECT_TRUE(IsValidSandboxId("a"));
  EXPECT_TRUE(IsValidSandboxId("Team-a.build_7"));
  EXPECT_TRUE(IsValidSandboxId("..."));
  EXPECT_TRUE(IsValidSandboxId(std::string(128, 'x')));
}

TEST(SandboxIdRule, RefusesWhatCannotBeAFileName) {
  EXPECT_FALSE(IsValidSandboxId(""));
  EXPECT_FALSE(IsValidSandboxId("."));
  EXPECT_FALSE(IsValidSandboxId(".."));
  EXPECT_FALSE(IsValidSandboxId("a/b"));
  EXPECT_FALSE(IsValidSandboxId("a b"));
  EXPECT_FALSE(IsValidSandboxId(std::string("a\0b", 3)));
  EXPECT_FALSE(IsValidSandboxId("caf\xC3\xA9"));
  EXPECT_FALSE(IsValidSandboxId(std::string(129, 'x')));
}

TEST(Ids, OfDifferentKindsDoNotConvert) {
  EXPECT_FALSE((std::is_convertible_v<Sequence, IntentId>));
  EXPECT_FALSE((std::is_convertible_v<OperationId, Generation>));
  EXPECT_FALSE((std::is_convertible_v<std::uint64_t, Sequence>));
}

TEST(Ids, CompareAndHashByValue) {
  EXPECT_EQ(IntentId{7}, IntentId{7});
  EXPECT_LT(IntentId{7}, IntentId{8});
  EXPECT_EQ(absl::HashOf(IntentId{7}), absl::HashOf(IntentId{7}));
  EXPECT_FALSE(static_cast<bool>(IntentId{}));
}

TEST(SandboxLife, OnlyAnExistingSandboxThatIsNotDeletedIsLive) {
  Sandbox s;
  EXPECT_FALSE(s.exists());
  EXPECT_FALSE(s.live());
  s.head = {1};
  EXPECT_TRUE(s.live());
  s.state = State::kFailed;
  EXPECT_TRUE(s.live());
  s.state = State::kDeleted;
  EXPECT_TRUE(s.exists());
  EXPECT_FALSE(s.live());
}

}  // namespace
}  // namespace holdfast::model
