// SPDX-License-Identifier: Apache-2.0
#include "tools/views/narrator.h"

#include <string>
#include <utility>
#include <variant>

#include "statemachine/codec/codec.h"

namespace holdfast::views {
namespace {

// The intent that an event is about, or zero.
model::IntentId AboutIntent(const model::Event& event) {
  return std::visit(
      [](const auto& e) -> model::IntentId {
        if constexpr (requires { e.intent; }) {
          return e.intent;
        } else {
          return {};
        }
      },
      event);
}

}  // namespace

std::string_view Name(journal::RecordKind kind) {
  switch (kind) {
    case journal::RecordKind::kEvent:
      return "event";
    case journal::RecordKind::kIntent:
      return "intent";
    case journal::RecordKind::kOutcome:
      return "outcome";
  }
  return "event";
}

lifecycle::v1::HistoryEntry Narrator::Tell(const journal::Record& record) {
  lifecycle::v1::HistoryEntry entry;
  entry.set_position(record.position);
  entry.set_sandbox_id(record.sandbox_id);
  entry.set_sequence(record.sequence);
  entry.set_epoch(record.epoch);
  entry.set_time_unix_ms(record.time_unix_ms);
  entry.set_kind(std::string(Name(record.kind)));
  entry.set_type(record.type);

  const absl::StatusOr<model::Recorded> recorded = codec::Decode(record);
  if (!recorded.ok()) {
    entry.set_text("cannot be read: " + std::string(recorded.status().message()));
    return entry;
  }
  const model::StepIntended* intent = nullptr;
  if (const model::IntentId about = AboutIntent(recorded->event)) {
    intent = FindIntent(record.sandbox_id, about.value);
  }
  entry.set_text(EventText(*recorded, intent));
  entry.set_detail(EventJson(recorded->event));
  if (const auto* moved = std::get_if<model::Transitioned>(&recorded->event)) {
    entry.set_state(std::string(model::Name(moved->to)));
  }
  if (const auto* intended = std::get_if<model::StepIntended>(&recorded->event)) {
    if (intents_.size() >= kIntentsMax) intents_.clear();
    intents_[{record.sandbox_id, record.sequence}] = *intended;
  }
  return entry;
}

const model::StepIntended* Narrator::FindIntent(const std::string& sandbox_id,
                                                std::uint64_t sequence) {
  const auto found = intents_.find({sandbox_id, sequence});
  if (found != intents_.end()) return &found->second;
  if (!lookup_) return nullptr;
  const std::optional<journal::Record> record = lookup_(sandbox_id, sequence);
  if (!record) return nullptr;
  absl::StatusOr<model::Recorded> recorded = codec::Decode(*record);
  if (!recorded.ok()) return nullptr;
  auto* intended = std::get_if<model::StepIntended>(&recorded->event);
  if (intended == nullptr) return nullptr;
  if (intents_.size() >= kIntentsMax) intents_.clear();
  return &(intents_[{sandbox_id, sequence}] = std::move(*intended));
}

}  // namespace holdfast::views
