// SPDX-License-Identifier: Apache-2.0
//
// How much of a sweep is run. The quick tier, the one without asking, is for every change; all of
// it takes minutes: HOLDFAST_FAULTS=all.
#pragma once

#include <cstdlib>
#include <string_view>

namespace holdfast::faults {

inline std::string_view Tier() {
  const char* tier = std::getenv("HOLDFAST_FAULTS");
  return tier == nullptr ? "" : tier;
}

// Beyond what the journal promises: see fault_then_cut_test.cc.
inline bool DropsAfterFailedSyncs() { return Tier() == "dropped"; }

inline bool TakesAll() { return Tier() == "all" || DropsAfterFailedSyncs(); }

}  // namespace holdfast::faults
