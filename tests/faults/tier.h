// SPDX-License-Identifier: Apache-2.0
//
// How much of a sweep is run. The quick tier, the one without asking, is for every change; all of
// it takes minutes: HOLDFAST_FAULTS=all.
#pragma once

#include <cstdlib>
#include <string_view>

namespace holdfast::faults {

inline bool TakesAll() {
  const char* tier = std::getenv("HOLDFAST_FAULTS");
  return tier != nullptr && std::string_view(tier) == "all";
}

}  // namespace holdfast::faults
