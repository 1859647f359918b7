// SPDX-License-Identifier: Apache-2.0
#include "statemachine/planning/explain_evidence.h"

#include <fmt/format.h>

#include <utility>

#include "statemachine/planning/explain_words.h"

namespace holdfast::planning {
namespace {

using model::Sandbox;
using model::Step;
using model::StepPhase;

std::string StepLine(const Sandbox& s, const Step& step) {
  std::string line =
      fmt::format("#{} {} by {}: {}, attempt {}, intended {}", step.intent.value, step.what.name,
                  Who(s, step.what.participant), Name(step.phase), step.attempt, Utc(step.since));
  const bool waiting =
      step.phase == StepPhase::kWaitingRetry || step.phase == StepPhase::kWaitingProbe;
  if (waiting) line += fmt::format(", due {}", Utc(step.due));
  if (step.what.undoes) line += fmt::format(", undoes #{}", step.what.undoes.value);
  if (!step.reason.empty() || !step.message.empty()) {
    line += fmt::format("; last answer{}", Because(step.reason, step.message));
  }
  return line;
}

std::string HeldLine(const Sandbox& s, const Step& step) {
  std::string line = fmt::format("#{} {} by {}: {}", step.intent.value, step.what.name,
                                 Who(s, step.what.participant),
                                 step.certain ? "in the world" : "perhaps in the world");
  for (const model::Resource& resource : step.resources) {
    line += fmt::format(", {} {}", resource.kind, resource.name);
    if (!resource.handle.empty()) line += fmt::format(" ({})", resource.handle);
  }
  return line + fmt::format(", since {}", Utc(step.since));
}

}  // namespace

std::vector<std::string> EvidenceOf(const Sandbox& s) {
  std::vector<std::string> lines;
  std::string state = fmt::format("state {} since {}", Name(s.state), Utc(s.state_since));
  if (s.parked_in) state += fmt::format(", parked in {}", Name(*s.parked_in));
  lines.push_back(std::move(state));
  if (s.operation) {
    std::string line = fmt::format("operation {}: {} since {}", s.operation->id.value,
                                   Name(s.operation->kind), Utc(s.operation->since));
    if (s.operation->force) line += ", forced";
    if (!s.operation->request_id.empty()) {
      line += fmt::format(", request {}", s.operation->request_id);
    }
    lines.push_back(std::move(line));
  }
  if (s.current) lines.push_back(StepLine(s, *s.current));
  for (const Step* held : NewestFirst(s.held)) lines.push_back(HeldLine(s, *held));
  if (s.exit_code)
    lines.push_back(fmt::format("exit code {} of the workload's last run", *s.exit_code));
  if (s.agreement != model::Agreement::kConsistent) {
    lines.push_back(
        fmt::format("agreement {}{}", Name(s.agreement), Because("", s.agreement_message)));
  }
  for (const model::Condition* condition : NewestFirst(s.conditions)) {
    lines.push_back(fmt::format("condition {} since {}{}", condition->type, Utc(condition->since),
                                Because(condition->reason, condition->message)));
  }
  if (!s.finished.empty()) {
    const model::FinishedOperation& last = s.finished.back();
    std::string line =
        fmt::format("operation {}: {} {}", last.id.value, Name(last.kind), Name(last.result));
    line += Because(last.reason, last.message);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace holdfast::planning
