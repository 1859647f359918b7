// SPDX-License-Identifier: Apache-2.0
#include "tools/journal-cli/leaks.h"

#include <algorithm>
#include <string>

#include "statemachine/model/state.h"

namespace holdfast::journal_cli {
namespace {

bool Is(const lifecycle::v1::Sandbox& sandbox, model::State state) {
  return sandbox.state() == model::Name(state);
}

// Some step of the sandbox answers for the entry, so the next release covers it.
bool Answered(const lifecycle::v1::Sandbox& sandbox, std::uint64_t intent) {
  if (sandbox.has_current() && sandbox.current().intent() == intent) return true;
  return std::any_of(sandbox.held().begin(), sandbox.held().end(),
                     [intent](const auto& step) { return step.intent() == intent; });
}

// Empty: no leak.
std::string Why(const lifecycle::v1::LedgerEntry& entry, const lifecycle::v1::Sandbox* sandbox) {
  if (sandbox == nullptr) return "no such sandbox is in the journal";
  if (!sandbox->quarantine().empty()) return "the sandbox's records cannot be read";
  if (Is(*sandbox, model::State::kStuck)) return "the sandbox is Stuck and needs an operator";
  if (Is(*sandbox, model::State::kDeleted)) return "the sandbox is Deleted";
  const bool answered = Answered(*sandbox, entry.intent());
  if (Is(*sandbox, model::State::kFailed) && !sandbox->has_operation()) {
    return answered ? "the sandbox is Failed; it is released only when it is deleted"
                    : "the sandbox is Failed and none of its steps answers for it";
  }
  if (!answered && !sandbox->has_operation()) {
    return "none of the sandbox's steps answers for it";
  }
  return {};
}

}  // namespace

std::vector<Leak> FindLeaks(const std::vector<lifecycle::v1::LedgerEntry>& entries,
                            const std::map<std::string, lifecycle::v1::Sandbox>& sandboxes) {
  std::vector<Leak> leaks;
  for (const auto& entry : entries) {
    const auto found = sandboxes.find(entry.sandbox_id());
    std::string why = Why(entry, found == sandboxes.end() ? nullptr : &found->second);
    if (!why.empty()) leaks.push_back({entry, std::move(why)});
  }
  return leaks;
}

}  // namespace holdfast::journal_cli
