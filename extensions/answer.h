// SPDX-License-Identifier: Apache-2.0
//
// What an extension's answers must look like before they may become events. Texts for people are
// cleaned and cut; what the ledger relies on is never cut in silence: such an answer is kFailed,
// "MalformedAnswer" (may have taken effect, is undone), and of a probe kCannotTell.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "extensions/extension.h"

namespace holdfast::extensions {

// Bounds of one answer: it becomes one record of the journal.
inline constexpr std::size_t kMessageBytesMax = 4096;
inline constexpr std::size_t kResourcesMax = 256;
inline constexpr std::size_t kTextBytesMax = 4096;  // of a kind, name, handle or value
inline constexpr std::size_t kEnvEntriesMax = 256;
inline constexpr std::size_t kStateBytesMax = 256 * 1024;

// What the answer is checked against.
struct AnswerRules {
  std::string_view hook;
  const Descriptor* descriptor = nullptr;   // never null
  const model::LaunchPlan* plan = nullptr;  // env of the answer must not contradict it; may be null
};

// The answer to Run: kDone, kFailed or kUnknown.
model::Outcome SanitizeRun(model::Outcome outcome, const AnswerRules& rules);
// The answer to Probe: kPresent, kAbsent or kCannotTell.
model::Outcome SanitizeProbe(model::Outcome outcome, const AnswerRules& rules);

// Claims and owned resources: empty when they are in order, else what is wrong.
std::string WhatIsWrongWith(const std::vector<model::ResourceClaim>& claims,
                            std::string_view undo_args);

}  // namespace holdfast::extensions
