// SPDX-License-Identifier: Apache-2.0
//
// Matchers for absl::Status and absl::StatusOr, which the packaged Abseil does not bring. A failed
// match prints the whole status, so that a test's output says why and not only that.
//
//   EXPECT_THAT(journal.Close(), IsOk());
//   EXPECT_THAT(Parse(""), StatusIs(absl::StatusCode::kInvalidArgument));
//   EXPECT_THAT(Parse(""), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("empty")));
//   EXPECT_THAT(Parse("7"), IsOkAndHolds(7));
//   HF_ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(options));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "support/status_macros.h"

namespace holdfast::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.ok();
}

MATCHER_P2(StatusIsMatching, code, message_matcher,
           std::string(negation ? "does not have" : "has") + " the code " +
               absl::StatusCodeToString(code) + " and a message that " +
               ::testing::DescribeMatcher<std::string>(message_matcher, negation)) {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.code() == code &&
         ::testing::Matches(message_matcher)(std::string(status.message()));
}

template <typename MessageMatcher>
auto StatusIs(absl::StatusCode code, MessageMatcher message_matcher) {
  return StatusIsMatching(code, ::testing::Matcher<std::string>(
                                    ::testing::SafeMatcherCast<std::string>(message_matcher)));
}

inline auto StatusIs(absl::StatusCode code) { return StatusIs(code, ::testing::_); }

// The value is matched with a matcher, or compared with a value.
template <typename ValueMatcher>
class IsOkAndHoldsMatcher {
 public:
  explicit IsOkAndHoldsMatcher(ValueMatcher matcher) : matcher_(std::move(matcher)) {}

  template <typename Result>
  operator ::testing::Matcher<Result>() const {  // NOLINT: a polymorphic matcher converts
    return ::testing::Matcher<Result>(new Impl<Result>(matcher_));
  }

 private:
  template <typename Result>
  class Impl : public ::testing::MatcherInterface<Result> {
   public:
    using Value = typename std::remove_cvref_t<Result>::value_type;

    explicit Impl(const ValueMatcher& matcher)
        : matcher_(::testing::SafeMatcherCast<const Value&>(matcher)) {}

    void DescribeTo(std::ostream* out) const override {
      *out << "is OK and has a value that ";
      matcher_.DescribeTo(out);
    }
    void DescribeNegationTo(std::ostream* out) const override {
      *out << "is not OK or has a value that ";
      matcher_.DescribeNegationTo(out);
    }
    bool MatchAndExplain(Result result, ::testing::MatchResultListener* listener) const override {
      if (!result.ok()) {
        *listener << "whose status is " << result.status().ToString();
        return false;
      }
      return matcher_.MatchAndExplain(*result, listener);
    }

   private:
    const ::testing::Matcher<const Value&> matcher_;
  };

  ValueMatcher matcher_;
};

template <typename ValueMatcher>
IsOkAndHoldsMatcher<std::decay_t<ValueMatcher>> IsOkAndHolds(ValueMatcher&& matcher) {
  return IsOkAndHoldsMatcher<std::decay_t<ValueMatcher>>(std::forward<ValueMatcher>(matcher));
}

}  // namespace holdfast::testing

// Ends the test with the status when the expression is not OK. Only in functions returning void.
#define HF_ASSERT_OK_AND_ASSIGN(declaration, expression) \
  HF_ASSERT_OK_AND_ASSIGN_IMPL(HF_CONCAT(hf_or_, __LINE__), declaration, expression)
#define HF_ASSERT_OK_AND_ASSIGN_IMPL(result, declaration, expression) \
  auto result = (expression);                                         \
  ASSERT_TRUE(result.ok()) << result.status();                        \
  declaration = *std::move(result)
