// SPDX-License-Identifier: Apache-2.0
//
// One function a situation. Every sentence is read off the sandbox; what is not journaled is not
// said.
#include "statemachine/planning/explain.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "statemachine/planning/explain_evidence.h"
#include "statemachine/planning/explain_words.h"

namespace holdfast::planning {
namespace {

using model::Sandbox;
using model::State;
using model::Step;
using model::StepKind;
using model::StepPhase;
using model::UnixMillis;

// The reasons that participants give when they are not there to do what is owed.
constexpr std::string_view kUndoBlocked = "UndoBlocked";
constexpr std::string_view kExtensionMissing = "ExtensionMissing";
constexpr std::string_view kDriverMissing = "DriverMissing";
constexpr std::string_view kCannotTell = "CannotTell";

std::string Capitalized(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += "; ";
    out += part;
  }
  return out;
}

// "Sandbox 'sb-1' has been Running for 3 minutes", without the full stop.
std::string Opening(const Sandbox& s, UnixMillis now) {
  return fmt::format("Sandbox '{}' has been {} for {}", s.id.value, Name(s.state),
                     Span(s.state_since, now));
}

std::string In(UnixMillis due, UnixMillis now) {
  return now < due ? fmt::format("in {}", Span(now, due)) : "now";
}

// The step being worked at, who has to answer, and what happens then.
std::string WaitsFor(const Sandbox& s, const Step& step, UnixMillis now) {
  const std::string who = Who(s, step.what.participant);
  const std::string because = Because(step.reason, step.message);
  const bool answered = !step.reason.empty() || !step.message.empty();
  switch (step.phase) {
    case StepPhase::kInFlight: {
      std::string text =
          fmt::format(" It waits for {} to answer step {} (#{}), attempt {}, begun {} ago", who,
                      step.what.name, step.intent.value, step.attempt, Span(step.since, now));
      if (step.what.deadline_ms > 0) {
        text += fmt::format("; an attempt may take {}", SpanOf(step.what.deadline_ms));
      }
      text += ".";
      if (answered) text += fmt::format(" The last answer{}.", because);
      return text;
    }
    case StepPhase::kWaitingRetry:
      return fmt::format(" {} did not succeed{}. Attempt {} is made {}.",
                         Capitalized(StepOf(s, step)), because, step.attempt, In(step.due, now));
    case StepPhase::kProbing:
      return fmt::format(" Nobody knows whether {} took effect{}. The {} is being asked.",
                         StepOf(s, step), because, who);
    case StepPhase::kWaitingProbe:
      return fmt::format(
          " Nobody knows whether {} took effect{}. The {} could not tell when asked ({} so far) "
          "and is asked again {}.",
          StepOf(s, step), because, who,
          step.probes == 1 ? "once" : fmt::format("{} times", step.probes), In(step.due, now));
    case StepPhase::kParked:
    case StepPhase::kHeld:
      return "";
  }
  return "";
}

// A delete came while a step was under way: the step's own operation is over.
std::string OvertakenNote(const Sandbox& s) {
  const bool overtaken = s.current && s.operation && s.current->what.kind == StepKind::kForward &&
                         s.current->what.operation != s.operation->id;
  if (!overtaken) return "";
  return fmt::format(
      " That step belongs to operation {}, which the delete overtook: its answer is waited for, "
      "and "
      "what it did is released with the rest.",
      s.current->what.operation.value);
}

std::string Under(const model::Operation& operation, UnixMillis now) {
  return fmt::format("{} (operation {}), accepted {} ago", Name(operation.kind), operation.id.value,
                     Span(operation.since, now));
}

// A step is being worked at, or the operation is between two steps.
void UnderWay(const Sandbox& s, UnixMillis now, Explanation& e) {
  e.summary = Opening(s, now);
  if (s.operation) {
    e.summary += fmt::format(": {}, is under way.", Under(*s.operation, now));
  } else {
    e.summary += fmt::format(": {}.", Describe(s.state));
  }
  if (s.current) e.summary += WaitsFor(s, *s.current, now);
  e.summary += OvertakenNote(s);
  e.commands.push_back(fmt::format("holdfast delete {}", s.id.value));
}

void AddRemaining(const Sandbox& s, std::string_view nothing_left, Explanation& e) {
  const std::vector<std::string> remaining = StillToRelease(s);
  if (remaining.empty()) {
    e.summary += fmt::format(" {}", nothing_left);
  } else {
    e.summary += fmt::format(" Then follow, in this order: {}.", Joined(remaining));
  }
}

void RollingBack(const Sandbox& s, UnixMillis now, Explanation& e) {
  e.summary = Opening(s, now);
  if (s.operation) {
    e.summary +=
        fmt::format(": {} (operation {}) failed{}", Name(s.operation->kind), s.operation->id.value,
                    Because(s.operation->failure_reason, s.operation->failure_message));
  }
  e.summary += ". What it did is being undone, newest first.";
  if (s.current) e.summary += WaitsFor(s, *s.current, now);
  AddRemaining(s, "Nothing else is left to undo.", e);
  e.commands.push_back(fmt::format("holdfast delete {}", s.id.value));
}

void Deleting(const Sandbox& s, UnixMillis now, Explanation& e) {
  e.summary = Opening(s, now);
  if (s.operation) {
    e.summary += fmt::format(": {}, releases everything that it holds", Under(*s.operation, now));
  }
  e.summary += ".";
  if (s.current) e.summary += WaitsFor(s, *s.current, now);
  e.summary += OvertakenNote(s);
  AddRemaining(s, "Nothing else is left to release.", e);
}

void LastOperationFailed(const Sandbox& s, Explanation& e) {
  if (s.finished.empty()) return;
  const model::FinishedOperation& last = s.finished.back();
  if (last.result != model::OperationResult::kFailed) return;
  e.summary += fmt::format(" Its last operation, {} (operation {}), failed{}.", Name(last.kind),
                           last.id.value, Because(last.reason, last.message));
}

void Running(const Sandbox& s, UnixMillis now, Explanation& e) {
  e.summary = Opening(s, now) + ".";
  if (s.agreement == model::Agreement::kConsistent) {
    e.summary += " Nothing holds it: no operation is active, and every step is done.";
  } else {
    e.summary += " No operation is active.";
  }
  LastOperationFailed(s, e);
  e.commands.push_back(fmt::format("holdfast stop {}", s.id.value));
  e.commands.push_back(fmt::format("holdfast delete {}", s.id.value));
}

std::string WhyStopped(const Sandbox& s) {
  if (!s.finished.empty()) {
    const model::FinishedOperation& last = s.finished.back();
    if (last.kind == model::OperationKind::kStop) {
      return fmt::format("It was stopped (operation {}).", last.id.value);
    }
    const bool fell_back = last.kind == model::OperationKind::kStart &&
                           last.result == model::OperationResult::kFailed &&
                           last.reason == s.reason;
    if (fell_back) return "It was stopped before, and could not be started again.";
  }
  if (s.exit_code) {
    return fmt::format("Its workload ended by itself with exit code {}{}.", *s.exit_code,
                       Because(s.reason, s.message));
  }
  return fmt::format("Its workload is gone, and nobody stopped it{}.",
                     Because(s.reason, s.message));
}

void Stopped(const Sandbox& s, UnixMillis now, Explanation& e) {
  e.summary = fmt::format("{}. {}", Opening(s, now), WhyStopped(s));
  LastOperationFailed(s, e);
  const std::vector<std::string> held = StillHeld(s);
  if (!held.empty()) e.summary += fmt::format(" It keeps: {}.", Joined(held));
  e.summary += " Nothing holds it: start it, or delete it.";
  e.commands.push_back(fmt::format("holdfast start {}", s.id.value));
  e.commands.push_back(fmt::format("holdfast delete {}", s.id.value));
}

void Failed(const Sandbox& s, UnixMillis now, Explanation& e) {
  e.summary =
      fmt::format("{}: it could not be created{}.", Opening(s, now), Because(s.reason, s.message));
  const std::vector<std::string> held = StillHeld(s);
  if (held.empty()) {
    e.summary += " What had been done for it is undone, and nothing of it is left.";
  } else {
    e.summary += fmt::format(" It still holds: {}.", Joined(held));
  }
  e.summary += " Delete it, which frees its id, or create another one.";
  e.commands.push_back(fmt::format("holdfast delete {}", s.id.value));
}

// What an operator can do about the parked step, in words.
std::string Advice(const Sandbox& s, bool can_delete) {
  const Step& step = *s.current;
  const std::string who = Who(s, step.what.participant);
  const std::string or_delete =
      can_delete ? " Deleting the sandbox releases everything that it holds." : "";
  if (step.reason == kUndoBlocked || s.reason == kUndoBlocked) {
    return fmt::format(
        " Only {} can release this: put it back into the gateway's configuration, restart the "
        "gateway and retry. If it cannot come back, make sure by hand that nothing of it is left, "
        "and attest that.",
        who);
  }
  if (step.reason == kExtensionMissing || step.reason == kDriverMissing) {
    return fmt::format(
        " Put {} back into the gateway's configuration, restart the gateway and "
        "retry.{}",
        who, or_delete);
  }
  if (s.reason == kCannotTell) {
    return fmt::format(
        " Once {} can be asked again, retry. If nothing of it is in the world, attest that.{}", who,
        or_delete);
  }
  return fmt::format(
      " Remove the cause and retry; or make sure by hand that nothing of it is left, and attest "
      "that.{}",
      or_delete);
}

void Stuck(const Sandbox& s, UnixMillis now, Explanation& e) {
  e.needs_operator = true;
  e.summary = fmt::format("{}: nothing happens until an operator acts.", Opening(s, now));
  const std::string during =
      s.parked_in ? fmt::format("It was {} when ", Name(*s.parked_in)) : std::string();
  if (s.current) {
    e.summary +=
        fmt::format(" {}{} was parked{}.", during,
                    during.empty() ? Capitalized(StepOf(s, *s.current)) : StepOf(s, *s.current),
                    Because(s.reason, s.message));
  } else {
    e.summary +=
        fmt::format(" {}{}.", during.empty() ? "Its work was parked" : during + "it was parked",
                    Because(s.reason, s.message));
  }
  const std::vector<std::string> held = StillHeld(s);
  if (!held.empty()) e.summary += fmt::format(" It still holds: {}.", Joined(held));
  const bool blocked = s.reason == kUndoBlocked || (s.current && s.current->reason == kUndoBlocked);
  const bool can_delete = s.parked_in != State::kDeleting && !blocked;
  if (s.current) {
    e.summary += Advice(s, can_delete);
    e.commands.push_back(fmt::format("holdfast repair {} --retry", s.id.value));
    e.commands.push_back(
        fmt::format("holdfast repair {} --mark-released --note \"who looked, and what was found\"",
                    s.id.value));
  }
  if (can_delete) e.commands.push_back(fmt::format("holdfast delete {}", s.id.value));
}

// What is true in any state: disagreement with the world, and conditions.
void AddSideNotes(const Sandbox& s, Explanation& e) {
  if (s.agreement == model::Agreement::kReconciling) {
    e.summary += " It is being compared with the world.";
  }
  if (s.agreement == model::Agreement::kDrifted) {
    e.summary += fmt::format(" It differs from the world{}.", Because("", s.agreement_message));
    if (!s.operation) e.needs_operator = true;
  }
  if (s.conditions.empty()) return;
  const model::Condition& newest = s.conditions.back();
  const std::string text =
      fmt::format("{}{}.", newest.type, Because(newest.reason, newest.message));
  if (s.conditions.size() == 1) {
    e.summary += fmt::format(" One condition stops nothing but should be known: {}", text);
  } else {
    e.summary += fmt::format(" {} conditions stop nothing but should be known; the newest: {}",
                             s.conditions.size(), text);
  }
}

void Situation(const Sandbox& s, UnixMillis now, Explanation& e) {
  switch (s.state) {
    case State::kStuck:
      return Stuck(s, now, e);
    case State::kRollingBack:
      return RollingBack(s, now, e);
    case State::kDeleting:
      return Deleting(s, now, e);
    case State::kFailed:
      return Failed(s, now, e);
    case State::kDeleted:
      e.summary = fmt::format(
          "Sandbox '{}' was deleted {} ago. Nothing of it is left, and its id may be used again.",
          s.id.value, Span(s.state_since, now));
      return;
    case State::kRunning:
      if (!s.operation && !s.current) return Running(s, now, e);
      return UnderWay(s, now, e);
    case State::kStopped:
      if (!s.operation && !s.current) return Stopped(s, now, e);
      return UnderWay(s, now, e);
    default:
      return UnderWay(s, now, e);
  }
}

}  // namespace

Explanation Explain(const Sandbox& sandbox, UnixMillis now) {
  Explanation explanation;
  if (!sandbox.exists()) {
    explanation.summary = fmt::format("The journal has no sandbox '{}'.", sandbox.id.value);
    return explanation;
  }
  Situation(sandbox, now, explanation);
  AddSideNotes(sandbox, explanation);
  explanation.evidence = EvidenceOf(sandbox);
  explanation.commands.push_back(fmt::format("journal-cli show {}", sandbox.id.value));
  return explanation;
}

}  // namespace holdfast::planning
