// SPDX-License-Identifier: Apache-2.0
//
// Waiting for something that another process does, and that nothing announces.
#pragma once

#include <chrono>
#include <thread>

namespace holdfast::e2e {

// Asks again until it is true, at most for `most`; whether it became true.
template <typename Condition>
bool Eventually(Condition is_true, std::chrono::milliseconds most = std::chrono::seconds(20)) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace holdfast::e2e
