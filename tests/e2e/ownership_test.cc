// SPDX-License-Identifier: Apache-2.0
//
// One gateway at a time holds a journal. The second is told who does, and harms nobody.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

using Ownership = InHouse;

TEST_F(Ownership, SecondGatewayIsToldWhoHoldsTheJournal) {
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  const auto second = house_.Launch(house_.File("second.sock"));
  const auto ending = second->Wait();

  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->exit_code, 1);
  EXPECT_THAT(second->Log(), HasSubstr(fmt::format("pid {}", house_.gateway().pid())));
  EXPECT_THAT(second->Log(),
              ContainsRegex("since [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"));
  EXPECT_THAT(second->Log(), HasSubstr(house_.journal()));
}

TEST_F(Ownership, SecondGatewayLeavesTheFirstUndisturbed) {
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  ASSERT_TRUE(house_.Connect().Submit(CreateRequest("a", Forever())).ok());
  Api connected = house_.Connect();
  ASSERT_EQ(connected.State("a"), "Running");

  // The same socket as well: it must not be taken from under the first.
  const auto ending = house_.Launch(house_.socket())->Wait();

  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->exit_code, 1);
  EXPECT_EQ(connected.State("a"), "Running");
  EXPECT_EQ(house_.Connect().State("a"), "Running");
  EXPECT_TRUE(house_.Connect().Submit(CreateRequest("b", Forever())).ok());
  EXPECT_EQ(house_.JournalCli({"verify"}).code, 0);
}

TEST_F(Ownership, JournalIsFreeAgainTheMomentItsHolderIsKilled) {
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  for (int i = 0; i < 5; ++i) {
    house_.gateway().Kill();
    ASSERT_NO_FATAL_FAILURE(house_.Start());
  }

  EXPECT_THAT(house_.gateway().Log(), HasSubstr("epoch=6"));
}

}  // namespace
}  // namespace holdfast::e2e
