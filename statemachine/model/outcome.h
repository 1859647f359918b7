// SPDX-License-Identifier: Apache-2.0
//
// What one attempt at a step told us. "I do not know" is a value with its own road, not an error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "statemachine/model/plan.h"
#include "statemachine/model/resource.h"

namespace holdfast::model {

enum class Verdict : std::uint8_t {
  kDone,     // it took effect, and everything it made is named in the outcome
  kFailed,   // it did not do what it should; see `no_effect` for what may be left
  kUnknown,  // nobody knows whether it took effect: deadline, lost reply, death of the process
  // Answers to a probe:
  kPresent,     // the probed step took effect; what it made is named in the outcome
  kAbsent,      // the probed step left nothing in the world
  kCannotTell,  // could not be found out; an error while asking is always this, never absent
};

// An extension's own memory of one sandbox. Given to nobody else.
struct StateBlob {
  std::uint32_t schema_version = 0;
  std::string bytes;
  friend bool operator==(const StateBlob&, const StateBlob&) = default;
};

struct Outcome {
  Verdict verdict = Verdict::kUnknown;
  // Short CamelCase word for machines ("PoolExhausted"), then one clear sentence for people that
  // says what to do. Both empty when done. Never a secret.
  std::string reason;
  std::string message;
  bool retryable = false;  // of kFailed: the same step may succeed later
  bool no_effect = false;  // of kFailed: certain that nothing was made, so nothing is to be undone
  std::vector<Resource> resources;  // of kDone, kPresent (and kFailed: what it knows it left)
  std::map<std::string, std::string> env;  // of before_launch: added to the workload's environment
  std::optional<StateBlob> state;          // of hooks: replaces the extension's state when set
  std::optional<LaunchPlan> plan;          // of the plan step when done. Else unset.
  friend bool operator==(const Outcome&, const Outcome&) = default;

  static Outcome Done() {
    Outcome o;
    o.verdict = Verdict::kDone;
    return o;
  }
  static Outcome Failed(std::string reason, std::string message) {
    Outcome o;
    o.verdict = Verdict::kFailed;
    o.reason = std::move(reason);
    o.message = std::move(message);
    return o;
  }
  static Outcome Unknown(std::string reason, std::string message) {
    Outcome o;
    o.reason = std::move(reason);
    o.message = std::move(message);
    return o;
  }
  static Outcome Probed(Verdict verdict, std::vector<Resource> resources = {}) {
    Outcome o;
    o.verdict = verdict;
    o.resources = std::move(resources);
    return o;
  }
};

std::string_view Name(Verdict verdict);
std::optional<Verdict> VerdictFromName(std::string_view name);

}  // namespace holdfast::model
