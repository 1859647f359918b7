// SPDX-License-Identifier: Apache-2.0
#include "statemachine/model/state.h"

#include <array>
#include <cstddef>

namespace holdfast::model {
namespace {

struct Entry {
  std::string_view name;
  std::string_view text;
};

#define HOLDFAST_X(name, text) Entry{#name, text},
constexpr auto kStates = std::to_array<Entry>({HOLDFAST_STATES(HOLDFAST_X)});
constexpr auto kTriggers = std::to_array<Entry>({HOLDFAST_TRIGGERS(HOLDFAST_X)});
#undef HOLDFAST_X
constexpr auto kAgreements = std::to_array<Entry>(
    {{"Consistent", "as journaled"}, {"Reconciling", "being compared"}, {"Drifted", "differs"}});

template <typename Enum, std::size_t N>
std::optional<Enum> Find(const std::array<Entry, N>& entries, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (entries[i].name == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view Name(State state) { return kStates.at(static_cast<std::size_t>(state)).name; }
std::string_view Describe(State state) { return kStates.at(static_cast<std::size_t>(state)).text; }
std::optional<State> StateFromName(std::string_view name) { return Find<State>(kStates, name); }

std::string_view Name(Trigger trigger) {
  return kTriggers.at(static_cast<std::size_t>(trigger)).name;
}
std::string_view Describe(Trigger trigger) {
  return kTriggers.at(static_cast<std::size_t>(trigger)).text;
}
std::optional<Trigger> TriggerFromName(std::string_view name) {
  return Find<Trigger>(kTriggers, name);
}

std::string_view Name(Agreement agreement) {
  return kAgreements.at(static_cast<std::size_t>(agreement)).name;
}
std::optional<Agreement> AgreementFromName(std::string_view name) {
  return Find<Agreement>(kAgreements, name);
}

}  // namespace holdfast::model
