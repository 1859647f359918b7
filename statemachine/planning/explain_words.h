// SPDX-License-Identifier: Apache-2.0
//
// The words that explanations are made of: spans of time, participants, steps and what they made.
// Only explain.cc includes this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "statemachine/model/sandbox.h"

namespace holdfast::planning {

// The list backwards. (std::views::reverse of libstdc++ 12 does not compile with clang 14.)
template <typename T>
std::vector<const T*> NewestFirst(const std::vector<T>& list) {
  std::vector<const T*> out;
  for (auto item = list.rbegin(); item != list.rend(); ++item) out.push_back(&*item);
  return out;
}

// "3 minutes"; below one second, and when the clock went backwards, "less than a second".
std::string Span(model::UnixMillis from, model::UnixMillis to);
std::string SpanOf(std::int64_t milliseconds);
// "2026-11-22T06:04:51Z"
std::string Utc(model::UnixMillis time);

// "driver 'process'", "extension 'ipam'"
std::string Who(const model::Sandbox& sandbox, std::string_view participant);
// "step provision (#7) of driver 'process'"
std::string StepOf(const model::Sandbox& sandbox, const model::Step& step);
// "directory sb-1 of driver 'process' (#7)". A step whose effect is not certain: "perhaps …".
std::string MadeBy(const model::Sandbox& sandbox, const model::Step& step);
// ": the pool is empty (PoolExhausted)", without the sentence's full stop. Empty when no reason was
// given.
std::string Because(std::string_view reason, std::string_view message);

// What is held apart from what the current step undoes, in the order in which it will be released.
std::vector<std::string> StillToRelease(const model::Sandbox& sandbox);
// Everything that is held, and what the current step may have made; newest first.
std::vector<std::string> StillHeld(const model::Sandbox& sandbox);

}  // namespace holdfast::planning
