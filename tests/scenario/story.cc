// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/story.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "journal/journal.h"
#include "statemachine/codec/codec.h"
#include "support/check.h"
#include "tests/simulation/sim_driver.h"
#include "tests/simulation/sim_house.h"

namespace holdfast::scenario {
namespace {

using std::chrono::milliseconds;

simulation::Fault ParseFault(const std::string& word) {
  using enum simulation::Fault;
  static const std::map<std::string, simulation::Fault> kWords = {
      {"ok", kNone},
      {"fail", kFail},
      {"fail-dirty", kFailDirty},
      {"fail-retryable", kFailRetryable},
      {"unknown-before", kUnknownBefore},
      {"unknown-after", kUnknownAfter},
      {"hang-before", kHangBefore},
      {"hang-after", kHangAfter},
      {"cannot-tell", kCannotTell}};
  return kWords.at(word);
}

// One record as a line. No times, no numbers that a run could change.
std::string Line(const model::Recorded& r) {
  const auto body = std::visit(
      [](const auto& e) -> std::string {
        using T = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<T, model::SandboxRequested>) {
          return fmt::format("SandboxRequested generation {}", e.generation.value);
        } else if constexpr (std::is_same_v<T, model::OperationAccepted>) {
          return fmt::format("operation {}: {}{}", e.operation.value, Name(e.kind),
                             e.force ? " force" : "");
        } else if constexpr (std::is_same_v<T, model::OperationFinished>) {
          return fmt::format("operation {} {}{}{}", e.operation.value, Name(e.result),
                             e.reason.empty() ? "" : ": ", e.reason);
        } else if constexpr (std::is_same_v<T, model::Transitioned>) {
          return fmt::format("{} => {}{}", Name(e.trigger), Name(e.to),
                             e.reason.empty() ? "" : " (" + e.reason + ")");
        } else if constexpr (std::is_same_v<T, model::StepIntended>) {
          return fmt::format("intent {} by {}{}{}", e.name, e.participant,
                             e.kind == model::StepKind::kUndo
                                 ? fmt::format(", action {}, undoes #{}", e.action, e.undoes.value)
                                 : "",
                             e.undo ? ", undo " + e.undo->action : "");
        } else if constexpr (std::is_same_v<T, model::StepAnswered>) {
          return fmt::format("  #{} attempt {} -> {}{}{}", e.intent.value, e.attempt,
                             Name(e.outcome.verdict),
                             e.outcome.reason.empty() ? "" : " " + e.outcome.reason,
                             e.closes ? "" : ", still owed");
        } else if constexpr (std::is_same_v<T, model::StepRetryScheduled>) {
          return fmt::format("  #{} {} {} later", e.intent.value, e.probe ? "probe" : "attempt",
                             e.attempt);
        } else if constexpr (std::is_same_v<T, model::StepRetried>) {
          return fmt::format("  #{} {} {}{}", e.intent.value, e.probe ? "probe" : "attempt",
                             e.attempt, e.fresh ? " afresh" : "");
        } else if constexpr (std::is_same_v<T, model::StepSkipped>) {
          return fmt::format("  #{} skipped: {}{}", e.intent.value, e.reason,
                             e.by_operator ? " by operator" : "");
        } else if constexpr (std::is_same_v<T, model::EffectVanished>) {
          return fmt::format("  #{} vanished: {}", e.intent.value, e.reason);
        } else {
          return fmt::format("{}: {}", Name(e.agreement), e.message);
        }
      },
      r.event);
  return fmt::format("{:>3} {}", r.sequence.value, body);
}

class Stage {
 public:
  Stage() { house_.Open(); }

  // Runs one line; returns what it has to say at once (a refusal).
  std::string Do(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string id;
    words >> verb;
    if (verb == "restart") {
      std::string without;
      words >> without;
      house_.with_net = without.empty();
      house_.Restart();
      return Report();
    }
    if (verb == "policy") return Policy(words);
    if (verb == "blunt") {
      house_.sim.steps_idempotent = house_.sim.undo_idempotent = false;
      house_.Restart();
      return "";
    }
    words >> id;
    if (verb == "fault" || verb == "net") {
      std::string action;
      words >> action;
      std::vector<simulation::Fault> faults;
      for (std::string word; words >> word;) faults.push_back(ParseFault(word));
      if (verb == "net") {
        house_.net().Plan(id, "net." + action, faults);
      } else {
        house_.world().Plan(id, action, faults);
      }
      return "";
    }
    if (verb == "await") {
      std::string action;
      words >> action;
      house_.Await(id, action);
      return "";
    }
    if (verb == "idle") {
      house_.Settle();
      return "";
    }
    if (verb == "exit") {
      int code = 0;
      words >> code;
      house_.world().Exit(id, code);
      return "";
    }
    if (verb == "vanish") {
      std::string kind;
      words >> kind;
      (kind == "net" ? house_.net() : house_.world()).Remove(kind, id);
      return "";
    }
    seen_.insert({id, 0});
    return Submit(verb, id, words);
  }

  // What the journal kept since the last time, and how things stand.
  std::string Trace() {
    house_.Settle();
    std::string out;
    for (auto& seen : seen_) {
      const std::string& id = seen.first;
      std::uint64_t& from = seen.second;
      std::string lines;
      HF_CHECK(house_.reader()
                   .ReadSandbox(id, from + 1,
                                [&](const journal::Record& record) {
                                  lines += Line(*codec::Decode(record)) + "\n";
                                  from = record.sequence;
                                  return journal::Visit::kContinue;
                                })
                   .ok() ||
               lines.empty());
      if (lines.empty()) continue;
      out += lines + State(id);
    }
    out += fmt::format("world: {}\n", World());
    return out;
  }

 private:
  std::string Policy(std::istringstream& words) {
    std::string name;
    unsigned value = 0;
    words >> name >> value;
    if (name == "forward-attempts") house_.policy.forward_attempts_max = value;
    if (name == "undo-attempts") house_.policy.undo_attempts_max = value;
    if (name == "probes") house_.policy.probes_max = value;
    if (name == "step-deadline") house_.policy.driver_step_deadline = milliseconds(value);
    if (name == "hook-deadline") house_.policy.hook_deadline_max = milliseconds(value);
    house_.Restart();
    return "";
  }

  std::string Submit(const std::string& verb, const std::string& id, std::istringstream& words) {
    model::Command command;
    command.sandbox = model::SandboxId{id};
    std::string option;
    words >> option;
    const bool force = option == "force";
    if (verb == "create") {
      model::CreateSandbox create;
      create.spec.command = {"true"};
      if (option == "refused") create.spec.image = "refused";
      command.wish = create;
    } else if (verb == "start") {
      command.wish = model::StartSandbox{};
    } else if (verb == "stop") {
      command.wish = model::StopSandbox{force, 10};
    } else if (verb == "delete") {
      command.wish = model::DeleteSandbox{force, 10};
    } else if (verb == "repair") {
      model::Repair repair;
      if (option == "released") {
        repair.kind = model::Repair::Kind::kMarkReleased;
        std::getline(words >> std::ws, repair.note);
      }
      command.wish = repair;
    } else {
      return fmt::format("no such verb: {}\n", verb);
    }
    auto submitted = house_.engine().SubmitAndWait(std::move(command), /*wait=*/false);
    if (submitted.ok()) return "";
    return fmt::format("refused: {} {}\n", absl::StatusCodeToString(submitted.status().code()),
                       std::string(submitted.status().message()));
  }

  std::string State(const std::string& id) {
    auto update = house_.engine().Get(model::SandboxId{id});
    if (!update.ok()) return fmt::format("{}: {}\n", id, std::string(update.status().message()));
    const model::Sandbox& s = update->sandbox;
    std::vector<std::string> held;
    for (const model::Step& step : s.held) {
      held.push_back(step.what.name + (step.certain ? "" : "?"));
    }
    std::vector<std::string> ledger;
    auto rows = house_.reader().ReadLedger(id, false);
    for (const journal::LedgerRow& row : *rows) {
      ledger.push_back(row.kind + (row.status == journal::LedgerStatus::kMaybe ? "?" : ""));
    }
    std::string out = fmt::format("{}: {}, holds [{}], ledger [{}]", id, Name(s.state),
                                  fmt::join(held, " "), fmt::join(ledger, " "));
    if (s.agreement != model::Agreement::kConsistent) {
      out += fmt::format(", {}: {}", Name(s.agreement), s.agreement_message);
    }
    for (const model::Condition& condition : s.conditions) {
      out += fmt::format(", {} {}", condition.type, condition.reason);
    }
    return out + "\n";
  }

  std::string World() {
    std::vector<std::string> things;
    for (const std::string& thing : house_.world().Things()) things.push_back(thing);
    for (const std::string& thing : house_.net().Things()) things.push_back(thing);
    if (house_.world().doubled() + house_.net().doubled() != 0) things.emplace_back("DOUBLED");
    return things.empty() ? "empty" : fmt::format("{}", fmt::join(things, ", "));
  }

  std::string Report() {
    const engine::StartupReport report = house_.engine().startup_report();
    return fmt::format(
        "start-up: {} = {} restored + {} resumed + {} undone + {} parked; {} orphans, "
        "{} ghosts\n",
        report.total, report.restored, report.resumed, report.undone, report.parked, report.orphans,
        report.ghosts);
  }

  simulation::SimHouse house_;
  std::map<std::string, std::uint64_t> seen_;  // sandbox and how far its records were shown
};

}  // namespace

std::string Tell(const std::string& script) {
  Stage stage;
  std::string out;
  std::string said;
  bool in_trace = false;
  bool in_block = false;
  const auto close_block = [&] {
    if (!in_block) return;
    out += "----\n" + said + stage.Trace();
    said.clear();
    in_block = false;
  };
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line);) {
    if (line == "----") {
      close_block();
      in_trace = true;
      continue;
    }
    if (line.empty()) {
      close_block();
      in_trace = false;
      out += "\n";
      continue;
    }
    if (in_trace) continue;  // the expected trace; made anew
    out += line + "\n";
    if (line[0] == '#') continue;
    in_block = true;
    said += stage.Do(line);
  }
  close_block();
  return out;
}

}  // namespace holdfast::scenario
