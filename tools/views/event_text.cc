// SPDX-License-Identifier: Apache-2.0
//
// An event as one line for people.
#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "support/times.h"
#include "tools/views/narrator.h"

namespace holdfast::views {
namespace {

// ": Reason: message", or as much of it as there is.
std::string Because(std::string_view reason, std::string_view message) {
  std::string out;
  if (!reason.empty()) out += fmt::format(": {}", reason);
  if (!message.empty()) out += fmt::format(": {}", message);
  return out;
}

std::string List(const std::vector<model::Resource>& resources) {
  std::string out;
  for (const model::Resource& resource : resources) {
    out += fmt::format("{} {} {}", out.empty() ? ":" : ",", resource.kind, resource.name);
  }
  return out;
}

// "provision (#5)", or "#5" when its intent is not known.
std::string Step(model::IntentId id, const model::StepIntended* intent) {
  if (intent == nullptr) return fmt::format("#{}", id.value);
  return fmt::format("{} (#{})", intent->name, id.value);
}

std::string Participant(const model::StepIntended* intent) {
  return intent == nullptr ? "the participant" : intent->participant;
}

std::string Text(const model::SandboxRequested& e) {
  std::string out =
      fmt::format("requested: driver {}, generation {}", e.spec.driver, e.generation.value);
  for (const model::ChainEntry& entry : e.chain) {
    out += fmt::format("{}{}", &entry == &e.chain.front() ? ", chain " : " > ", entry.name);
  }
  return out;
}

std::string Text(const model::OperationAccepted& e) {
  return fmt::format("accepted {} as operation {}{}", model::Name(e.kind), e.operation.value,
                     e.force ? ", forced" : "");
}

std::string Text(const model::OperationFinished& e) {
  return fmt::format("operation {} {}{}", e.operation.value, model::Name(e.result),
                     Because(e.reason, e.message));
}

std::string Text(const model::Transitioned& e) {
  return fmt::format("state {}{}", model::Name(e.to), Because(e.reason, e.message));
}

std::string Text(const model::StepIntended& e, model::Sequence sequence) {
  std::string out = fmt::format("intended {} by {} (#{})", e.name, e.participant, sequence.value);
  if (e.kind == model::StepKind::kUndo) return out + fmt::format(", undoes #{}", e.undoes.value);
  return out + (e.undo ? fmt::format(", undo {}", e.undo->action) : ", nothing to undo");
}

std::string Text(const model::StepAnswered& e, const model::StepIntended* intent) {
  const model::Outcome& outcome = e.outcome;
  const std::string tail = List(outcome.resources) + Because(outcome.reason, outcome.message);
  switch (outcome.verdict) {
    case model::Verdict::kPresent:
    case model::Verdict::kAbsent:
    case model::Verdict::kCannotTell:
      return fmt::format("asked {} whether {} took effect: {}{}", Participant(intent),
                         Step(e.intent, intent), model::Name(outcome.verdict), tail);
    case model::Verdict::kDone:
    case model::Verdict::kFailed:
    case model::Verdict::kUnknown:
      break;
  }
  return fmt::format("{} answered {} to {}{}{}", Participant(intent), model::Name(outcome.verdict),
                     Step(e.intent, intent),
                     e.attempt > 1 ? fmt::format(", attempt {}", e.attempt) : "", tail);
}

std::string Text(const model::StepRetryScheduled& e, const model::StepIntended* intent) {
  if (e.probe) {
    return fmt::format("will ask {} about {} again, not before {}", Participant(intent),
                       Step(e.intent, intent), support::FormatTime(e.due.value));
  }
  return fmt::format("will try {} again, attempt {}, not before {}", Step(e.intent, intent),
                     e.attempt, support::FormatTime(e.due.value));
}

std::string Text(const model::StepRetried& e, const model::StepIntended* intent) {
  if (e.probe) {
    return fmt::format("asks {} whether {} took effect", Participant(intent),
                       Step(e.intent, intent));
  }
  return fmt::format("tries {} again, attempt {}{}", Step(e.intent, intent), e.attempt,
                     e.fresh ? ", counted anew" : "");
}

std::string Text(const model::StepSkipped& e, const model::StepIntended* intent) {
  if (e.by_operator) {
    return fmt::format("operator attested that nothing of {} is left{}", Step(e.intent, intent),
                       Because(e.reason, e.message));
  }
  return fmt::format("gave up {}{}", Step(e.intent, intent), Because(e.reason, e.message));
}

std::string Text(const model::EffectVanished& e, const model::StepIntended* intent) {
  return fmt::format("what {} made is gone{}{}", Step(e.intent, intent),
                     e.exit_code ? fmt::format(", exit code {}", *e.exit_code) : "",
                     Because(e.reason, e.message));
}

std::string Text(const model::AgreementChanged& e) {
  return fmt::format("agreement {}{}", model::Name(e.agreement), Because({}, e.message));
}

}  // namespace

std::string EventText(const model::Recorded& recorded, const model::StepIntended* intent) {
  std::string text = std::visit(
      [&](const auto& e) -> std::string {
        using T = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<T, model::StepIntended>) {
          return Text(e, recorded.sequence);
        } else if constexpr (requires { Text(e, intent); }) {
          return Text(e, intent);
        } else {
          return Text(e);
        }
      },
      recorded.event);
  // A participant's message may have line breaks; a line may not.
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return text;
}

}  // namespace holdfast::views
