// SPDX-License-Identifier: Apache-2.0
#include "support/times.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string_view>

namespace holdfast::support {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Times, AreUtcWithMilliseconds) {
  EXPECT_EQ(FormatTime(1'794'972'800'123), "2026-11-18T03:33:20.123Z");
  EXPECT_EQ(FormatTime(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
}

TEST(Times, ThatNoClockGaveAreShownAsNumbers) {
  EXPECT_EQ(FormatTime(0), "-");
  EXPECT_EQ(FormatTime(-5), "-5 ms");
  EXPECT_EQ(FormatTime(253'402'300'800'000), "253402300800000 ms");
}

TEST(Duration, IsReadWithItsUnit) {
  EXPECT_EQ(ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(ParseDuration("5s"), seconds(5));
  EXPECT_EQ(ParseDuration("10m"), minutes(10));
  EXPECT_EQ(ParseDuration("720h"), hours(720));
  EXPECT_EQ(ParseDuration("30d"), days(30));
  EXPECT_EQ(ParseDuration("0s"), milliseconds(0));
  EXPECT_EQ(ParseDuration("007s"), seconds(7));
}

TEST(Duration, IsRefusedWithoutUnitOrSense) {
  for (const char* text : {"", "5", "s", "never", "-1s", "-0s", "+1s", " 5s", "5 s", "5s ", "1.5s",
                           "1e3s", "0x5s", "5S", "5y", "5w", "1h30m", "5sm"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(Duration, IsReadUpToAHundredYears) {
  EXPECT_EQ(ParseDuration("36600d"), days(36'600));
  EXPECT_EQ(ParseDuration("878400h"), days(36'600));
  EXPECT_EQ(ParseDuration("3162240000000ms"), days(36'600));
}

TEST(Duration, IsRefusedBeyondThat) {
  for (const char* text :
       {"36601d", "878401h", "52704001m", "3162240001s", "3162240000001ms", "9223372036854775807d",
        "9223372036854775808ms", "99999999999999999999999999s"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(Duration, IsReadToTheEndOfTheTextAndNotFurther) {
  EXPECT_EQ(ParseDuration(std::string_view("5sX").substr(0, 2)), seconds(5));
  EXPECT_EQ(ParseDuration(std::string_view("55s").substr(0, 2)), std::nullopt);
  EXPECT_EQ(ParseDuration(std::string_view("5s\0", 3)), std::nullopt);
}

}  // namespace
}  // namespace holdfast::support
