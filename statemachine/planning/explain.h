// SPDX-License-Identifier: Apache-2.0
//
// What a colleague would say about a sandbox: what holds it, since when, why, and what frees it.
#pragma once

#include <string>
#include <vector>

#include "statemachine/model/sandbox.h"

namespace holdfast::planning {

struct Explanation {
  bool needs_operator = false;        // nothing will happen by itself
  std::string summary;                // one paragraph, plain sentences
  std::vector<std::string> evidence;  // one line a fact: step, attempt, outcome, resource, time
  std::vector<std::string> commands;  // to type, best first; `holdfast …` or `journal-cli …`
};

// Pure; `now` is used for "since 3 minutes".
Explanation Explain(const model::Sandbox& sandbox, model::UnixMillis now);

}  // namespace holdfast::planning
