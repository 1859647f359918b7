// SPDX-License-Identifier: Apache-2.0
//
// Tells records: one line for people and the decoded payload as JSON. An answer's record names its
// intent by number only, so the narrator remembers the intents it has told, and asks `lookup` for
// those it has not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "journal/record.h"
#include "statemachine/model/event.h"

namespace holdfast::views {

// One line: "intended provision by process (#5), undo destroy". `intent` is the step that an
// answer, retry, skip or loss is about, if known.
std::string EventText(const model::Recorded& recorded, const model::StepIntended* intent);

// The event as JSON, one line. Opaque bytes (driver plan, extension state) are given by size only:
// an extension's state is shown to nobody else.
std::string EventJson(const model::Event& event);

// "event", "intent", "outcome".
std::string_view Name(journal::RecordKind kind);

// Not thread-safe.
class Narrator {
 public:
  // Finds the record of an intent; nullopt when it cannot be read.
  using Lookup = std::function<std::optional<journal::Record>(std::string_view sandbox_id,
                                                              std::uint64_t sequence)>;
  explicit Narrator(Lookup lookup = nullptr) : lookup_(std::move(lookup)) {}

  // Never fails: a record that does not decode says so in its text.
  lifecycle::v1::HistoryEntry Tell(const journal::Record& record);

 private:
  const model::StepIntended* FindIntent(const std::string& sandbox_id, std::uint64_t sequence);

  // Forgotten all at once when full, so that telling a journal of any length stays small.
  static constexpr std::size_t kIntentsMax = 4096;

  Lookup lookup_;
  std::map<std::pair<std::string, std::uint64_t>, model::StepIntended> intents_;
};

}  // namespace holdfast::views
