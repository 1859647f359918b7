// SPDX-License-Identifier: Apache-2.0
#include "extensions/answer.h"

#include <fmt/format.h>

#include <utility>

#include "extensions/text.h"
#include "statemachine/model/action.h"

namespace holdfast::extensions {
namespace {

using model::Outcome;
using model::Verdict;

bool IsBoundedText(std::string_view text) {
  return text.size() <= kTextBytesMax && IsCleanText(text);
}

std::string WhatIsWrongWith(const model::Resource& resource) {
  for (const std::string& text : {resource.kind, resource.name, resource.handle}) {
    if (!IsBoundedText(text)) return "a resource's text is too long or not clean UTF-8";
  }
  if (resource.kind.empty() || resource.name.empty()) return "a resource has no kind or no name";
  return "";
}

// Moves out what may be kept and returns what is wrong with the rest; empty: nothing.
std::string CleanPayload(Outcome& outcome, const AnswerRules& rules) {
  std::string wrong;
  std::vector<model::Resource> kept;
  for (model::Resource& resource : outcome.resources) {
    std::string fault = WhatIsWrongWith(resource);
    if (fault.empty() && kept.size() == kResourcesMax) {
      fault = fmt::format("it names more than {} resources", kResourcesMax);
    }
    if (fault.empty()) {
      kept.push_back(std::move(resource));
    } else if (wrong.empty()) {
      wrong = std::move(fault);
    }
  }
  outcome.resources = std::move(kept);
  if (wrong.empty() && outcome.env.size() > kEnvEntriesMax) {
    wrong = fmt::format("it sets more than {} environment variables", kEnvEntriesMax);
  }
  for (const auto& [name, value] : outcome.env) {
    if (!wrong.empty()) break;
    if (!IsEnvName(name)) {
      wrong = fmt::format("'{}' is not a name of an environment variable", CleanText(name, 80));
    } else if (!IsBoundedText(value)) {
      wrong = fmt::format("the value of {} is too long or not clean UTF-8", name);
    } else if (rules.plan != nullptr) {
      const auto at = rules.plan->env.find(name);
      if (at != rules.plan->env.end() && at->second != value) {
        wrong = fmt::format("it sets {}, which the plan has with another value", name);
      }
    }
  }
  if (wrong.empty() && outcome.state) {
    if (outcome.state->bytes.size() > kStateBytesMax) {
      wrong = fmt::format("its state has more than {} bytes", kStateBytesMax);
    } else if (outcome.state->schema_version > rules.descriptor->state_schema_version) {
      wrong = fmt::format("its state has schema version {}, its descriptor says {}",
                          outcome.state->schema_version, rules.descriptor->state_schema_version);
    }
  }
  if (!wrong.empty()) {
    outcome.env.clear();
    outcome.state.reset();
  }
  return wrong;
}

void CleanWords(Outcome& outcome, std::string_view default_reason) {
  if (!IsReason(outcome.reason)) {
    // A reason that is no word is kept where people read it.
    if (!outcome.reason.empty()) outcome.message = outcome.reason + ": " + outcome.message;
    outcome.reason = std::string(default_reason);
  }
  outcome.message = CleanText(outcome.message, kMessageBytesMax);
}

std::string MalformedMessage(const AnswerRules& rules, std::string_view wrong) {
  return fmt::format(
      "extension '{}' answered {} with something that cannot be kept: {}; this is an "
      "error of the extension",
      rules.descriptor->name, rules.hook, wrong);
}

}  // namespace

std::string WhatIsWrongWith(const std::vector<model::ResourceClaim>& claims,
                            std::string_view undo_args) {
  if (claims.size() > kResourcesMax) {
    return fmt::format("it claims more than {} resources", kResourcesMax);
  }
  for (const auto& claim : claims) {
    std::string wrong = WhatIsWrongWith(model::Resource{claim.kind, claim.name, ""});
    if (!wrong.empty()) return wrong;
  }
  if (!IsBoundedText(undo_args)) return "its undo_args are too long or not clean UTF-8";
  return "";
}

Outcome SanitizeRun(Outcome outcome, const AnswerRules& rules) {
  outcome.plan.reset();  // of the driver's plan step alone
  if (rules.hook != model::action::kBeforeLaunch) {
    outcome.env.clear();
    if (outcome.verdict == Verdict::kDone) outcome.resources.clear();
  }
  const std::string wrong = CleanPayload(outcome, rules);
  switch (outcome.verdict) {
    case Verdict::kDone:
      outcome.reason.clear();
      outcome.message.clear();
      outcome.retryable = false;
      outcome.no_effect = false;
      break;
    case Verdict::kFailed:
      CleanWords(outcome, "HookFailed");
      // It cannot have left something and nothing.
      if (!outcome.resources.empty() || !wrong.empty()) outcome.no_effect = false;
      outcome.env.clear();
      break;
    case Verdict::kUnknown:
      CleanWords(outcome, "HookUnknown");
      outcome.env.clear();
      break;
    case Verdict::kPresent:
    case Verdict::kAbsent:
    case Verdict::kCannotTell:
      return Outcome::Unknown("MalformedAnswer",
                              MalformedMessage(rules, "the answer to a probe, which it was not"));
  }
  if (wrong.empty() || outcome.verdict != Verdict::kDone) return outcome;
  Outcome failed = Outcome::Failed("MalformedAnswer", MalformedMessage(rules, wrong));
  failed.resources = std::move(outcome.resources);
  return failed;
}

Outcome SanitizeProbe(Outcome outcome, const AnswerRules& rules) {
  outcome.plan.reset();
  const std::string wrong = CleanPayload(outcome, rules);
  const bool is_probe_answer = outcome.verdict == Verdict::kPresent ||
                               outcome.verdict == Verdict::kAbsent ||
                               outcome.verdict == Verdict::kCannotTell;
  if (!is_probe_answer || !wrong.empty()) {
    Outcome cannot_tell = Outcome::Probed(Verdict::kCannotTell);
    cannot_tell.reason = "MalformedAnswer";
    cannot_tell.message = MalformedMessage(
        rules, is_probe_answer ? std::string_view(wrong) : "an answer that is none to a probe");
    return cannot_tell;
  }
  if (outcome.verdict != Verdict::kPresent) {
    outcome.resources.clear();
    outcome.env.clear();
    outcome.state.reset();
  }
  if (outcome.verdict == Verdict::kCannotTell) {
    CleanWords(outcome, "CannotTell");
  } else {
    outcome.reason.clear();
    outcome.message.clear();
  }
  outcome.retryable = false;
  outcome.no_effect = false;
  return outcome;
}

}  // namespace holdfast::extensions
