// SPDX-License-Identifier: Apache-2.0
//
// A clock that jumps throws nothing away.
#include "tools/gateway/retention_clock.h"

#include <gtest/gtest.h>

namespace holdfast::gateway {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kYear = 31'557'600'000;
const std::chrono::steady_clock::time_point kStart{milliseconds{5'000'000}};

TEST(RetentionClock, GoesOnFromTheNewestRecordAsTimePasses) {
  RetentionClock clock;

  EXPECT_EQ(clock.NowUnixMillis(1'000, 2'000, kStart), 1'000);
  EXPECT_EQ(clock.NowUnixMillis(1'900, 2'300, kStart + milliseconds{300}), 1'300);
}

TEST(RetentionClock, FollowsNoJumpOfTheWallClockNorRecordsThatBearIt) {
  RetentionClock clock;
  clock.NowUnixMillis(1'000, 1'000, kStart);

  EXPECT_EQ(clock.NowUnixMillis(1'000 + kYear, 1'000 + kYear, kStart + milliseconds{10}), 1'010);
}

TEST(RetentionClock, IsNeverBeyondTheWallClock) {
  RetentionClock clock;

  EXPECT_EQ(clock.NowUnixMillis(1'000 + kYear, 2'000, kStart), 2'000);
}

TEST(RetentionClock, KnowsNoTimeOfAnEmptyJournal) {
  RetentionClock clock;

  EXPECT_EQ(clock.NowUnixMillis(std::nullopt, 2'000, kStart), std::nullopt);
  EXPECT_EQ(clock.NowUnixMillis(1'900, 2'000, kStart), 1'900);
}

}  // namespace
}  // namespace holdfast::gateway
