// SPDX-License-Identifier: Apache-2.0
#include "statemachine/planning/explain_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>

namespace holdfast::planning {
namespace {

std::string Count(std::int64_t count, std::string_view unit) {
  return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
}

}  // namespace

std::string SpanOf(std::int64_t milliseconds) {
  const std::int64_t seconds = milliseconds / 1'000;
  if (seconds < 1) return "less than a second";
  if (seconds < 60) return Count(seconds, "second");
  const std::int64_t minutes = seconds / 60;
  if (minutes < 60) return Count(minutes, "minute");
  const std::int64_t hours = minutes / 60;
  if (hours < 48) return Count(hours, "hour");
  return Count(hours / 24, "day");
}

std::string Span(model::UnixMillis from, model::UnixMillis to) {
  return from < to ? SpanOf(to.value - from.value) : SpanOf(0);
}

std::string Utc(model::UnixMillis time) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds seconds(
      chrono::floor<chrono::seconds>(chrono::milliseconds(time.value)));
  const auto day = chrono::floor<chrono::days>(seconds);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string Who(const model::Sandbox& sandbox, std::string_view participant) {
  return fmt::format("{} '{}'", participant == sandbox.spec.driver ? "driver" : "extension",
                     participant);
}

std::string StepOf(const model::Sandbox& sandbox, const model::Step& step) {
  return fmt::format("step {} (#{}) of {}", step.what.name, step.intent.value,
                     Who(sandbox, step.what.participant));
}

std::string MadeBy(const model::Sandbox& sandbox, const model::Step& step) {
  std::set<std::string> things;
  for (const model::Resource& resource : step.resources) {
    things.insert(fmt::format("{} {}", resource.kind, resource.name));
  }
  if (things.empty()) {
    for (const model::ResourceClaim& claim : step.what.claims) {
      things.insert(fmt::format("{} {}", claim.kind, claim.name));
    }
  }
  std::string list;
  for (const std::string& thing : things) {
    if (!list.empty()) list += " and ";
    list += thing;
  }
  if (list.empty()) list = fmt::format("what step {} did", step.what.name);
  return fmt::format("{}{} of {} (#{})", step.certain ? "" : "perhaps ", list,
                     Who(sandbox, step.what.participant), step.intent.value);
}

std::string Because(std::string_view reason, std::string_view message) {
  while (message.ends_with('.')) message.remove_suffix(1);
  if (message.empty() && reason.empty()) return "";
  if (message.empty()) return fmt::format(": {}", reason);
  if (reason.empty()) return fmt::format(": {}", message);
  return fmt::format(": {} ({})", message, reason);
}

std::vector<std::string> StillToRelease(const model::Sandbox& s) {
  const model::IntentId being_undone = s.current && s.current->what.kind == model::StepKind::kUndo
                                           ? s.current->what.undoes
                                           : model::IntentId{};
  std::vector<const model::Step*> order;
  const auto add = [&](const model::Step* held) {
    if (held->intent != being_undone &&
        std::find(order.begin(), order.end(), held) == order.end()) {
      order.push_back(held);
    }
  };
  if (s.state == model::State::kDeleting) {
    // The driver's first, then extension by extension against the chain's order, then whatever.
    for (const model::Step* held : NewestFirst(s.held)) {
      if (held->what.participant == s.spec.driver) add(held);
    }
    for (const model::ChainEntry* entry : NewestFirst(s.chain)) {
      for (const model::Step* held : NewestFirst(s.held)) {
        if (held->what.participant == entry->name) add(held);
      }
    }
  }
  const bool only_own = s.state == model::State::kRollingBack && s.operation &&
                        s.operation->kind != model::OperationKind::kCreate;
  for (const model::Step* held : NewestFirst(s.held)) {
    if (!only_own || held->what.operation == s.operation->id) add(held);
  }
  std::vector<std::string> words;
  for (const model::Step* held : order) words.push_back(MadeBy(s, *held));
  return words;
}

std::vector<std::string> StillHeld(const model::Sandbox& s) {
  std::vector<std::string> words;
  for (const model::Step* held : NewestFirst(s.held)) words.push_back(MadeBy(s, *held));
  const bool making = s.current && s.current->what.kind == model::StepKind::kForward &&
                      s.current->effect_possible && s.current->what.undo;
  if (making) words.insert(words.begin(), MadeBy(s, *s.current));
  return words;
}

}  // namespace holdfast::planning
