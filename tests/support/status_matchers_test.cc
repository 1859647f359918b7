// SPDX-License-Identifier: Apache-2.0
//
// The matchers must fail when they should: a matcher that matches everything hides every bug.
#include "tests/support/status_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatusMatchers, IsOkTellsOkFromError) {
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(absl::InternalError("x"), Not(IsOk()));
  EXPECT_THAT(absl::StatusOr<int>(1), IsOk());
  EXPECT_THAT(absl::StatusOr<int>(absl::InternalError("x")), Not(IsOk()));
}

TEST(StatusMatchers, StatusIsComparesCodeAndMessage) {
  const absl::Status status = absl::NotFoundError("no such sandbox");

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("sandbox")));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "no such sandbox"));
  EXPECT_THAT(status, Not(StatusIs(absl::StatusCode::kInternal)));
  EXPECT_THAT(status, Not(StatusIs(absl::StatusCode::kNotFound, HasSubstr("disk"))));
}

TEST(StatusMatchers, IsOkAndHoldsComparesTheValue) {
  const absl::StatusOr<std::vector<int>> numbers = std::vector<int>{1, 2};

  EXPECT_THAT(numbers, IsOkAndHolds(ElementsAre(1, 2)));
  EXPECT_THAT(numbers, Not(IsOkAndHolds(ElementsAre(2, 1))));
  EXPECT_THAT(absl::StatusOr<int>(7), IsOkAndHolds(7));
  EXPECT_THAT(absl::StatusOr<int>(7), IsOkAndHolds(Gt(6)));
  EXPECT_THAT(absl::StatusOr<std::string>("a"), IsOkAndHolds("a"));
  EXPECT_THAT(absl::StatusOr<int>(absl::InternalError("x")), Not(IsOkAndHolds(7)));
}

TEST(StatusMatchers, AssertOkAndAssignMovesTheValueOut) {
  absl::StatusOr<std::unique_ptr<int>> made = std::make_unique<int>(7);

  HF_ASSERT_OK_AND_ASSIGN(const std::unique_ptr<int> value, std::move(made));

  EXPECT_EQ(*value, 7);
}

}  // namespace
}  // namespace holdfast::testing
