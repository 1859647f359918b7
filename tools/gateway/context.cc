// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace holdfast::gateway {

absl::Status CheckDriverName(const GatewayFacts& facts, const std::string& driver) {
  if (std::find(facts.drivers.begin(), facts.drivers.end(), driver) != facts.drivers.end()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format("driver \"{}\" is not configured here; there is {}",
                                                driver, fmt::join(facts.drivers, ", ")));
}

}  // namespace holdfast::gateway
