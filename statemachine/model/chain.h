// SPDX-License-Identifier: Apache-2.0
//
// The extension chain as it is frozen in the journal at create. Later operations use it whatever
// the configuration says by then.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace holdfast::model {

// What happens when a hook around start and stop, or after_launch_succeeded, keeps failing.
enum class FailurePolicy : std::uint8_t {
  kKeep,  // the operation goes on; the failure is kept as a condition on the sandbox
  kFail,  // the operation fails
};

struct ChainEntry {
  std::string name;  // of the extension; also the participant's name
  std::string version;
  std::string config_digest;    // of its configuration at create
  std::string activation;       // why it is active: "global" or "label <key>=<value>"
  std::set<std::string> hooks;  // the actions (action.h) that it implements
  FailurePolicy on_failure = FailurePolicy::kKeep;
  std::chrono::milliseconds deadline{30'000};  // of each hook
  friend bool operator==(const ChainEntry&, const ChainEntry&) = default;
};

// In the operator's order: forward in this order, undo and release in reverse.
using Chain = std::vector<ChainEntry>;

}  // namespace holdfast::model
