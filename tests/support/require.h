// SPDX-License-Identifier: Apache-2.0
//
// What a test needs of the machine. Where it is missing the test is skipped, loudly and with the
// reason; where HOLDFAST_REQUIRE names it ("bubblewrap,root"), as continuous integration does, a
// skip is a failure.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace holdfast::testing {

// True when HOLDFAST_REQUIRE, a list with commas, names it.
inline bool IsRequired(std::string_view what) {
  const char* all = std::getenv("HOLDFAST_REQUIRE");
  const std::string list = std::string(",") + (all == nullptr ? "" : all) + ",";
  return list.find("," + std::string(what) + ",") != std::string::npos;
}

}  // namespace holdfast::testing

// In a test's body or SetUp: goes on when `there`, else skips or fails.
#define HF_NEEDS(what, there, reason)                                          \
  do {                                                                         \
    if (!(there)) {                                                            \
      if (::holdfast::testing::IsRequired(what)) {                             \
        FAIL() << what << " is required (HOLDFAST_REQUIRE): " << reason;       \
      }                                                                        \
      GTEST_SKIP() << "SKIPPED, NOT TESTED: needs " << what << ": " << reason; \
    }                                                                          \
  } while (false)
