// SPDX-License-Identifier: Apache-2.0
#include "tools/client/render.h"

#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "support/times.h"
#include "tools/client/command_line.h"
#include "tools/client/table.h"

namespace holdfast::client {
namespace {

using support::FormatTime;

std::string Numbered(std::uint64_t id, const std::string& kind) {
  return fmt::format("{} #{}", kind, id);
}

std::string StepText(const lifecycle::v1::StepStatus& step) {
  std::string out = fmt::format("#{} {} by {}, {}, attempt {}", step.intent(), step.name(),
                                step.participant(), step.phase(), step.attempt());
  if (step.due_unix_ms() != 0) out += ", due " + FormatTime(step.due_unix_ms());
  const std::string note = Note(step.reason(), step.message());
  return note.empty() ? out : fmt::format("{}: {}", out, note);
}

// "name        value" lines, aligned; empty values are left out.
class Card {
 public:
  void Add(std::string_view name, const std::string& value) {
    if (!value.empty()) out_ += fmt::format("{:<13}{}\n", name, OneLine(value));
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace

std::string Note(const std::string& reason, const std::string& message) {
  if (reason.empty() || message.empty()) return reason + message;
  return fmt::format("{}: {}", reason, message);
}

int ExitCodeOf(const lifecycle::v1::Sandbox& sandbox) {
  if (!sandbox.quarantine().empty()) return kExitIntegrity;
  return sandbox.state() == "Stuck" ? kExitFailed : kExitOk;
}

std::string RenderList(const std::vector<lifecycle::v1::Sandbox>& sandboxes) {
  if (sandboxes.empty()) return "no sandboxes\n";
  Table table({"SANDBOX", "STATE", "SINCE", "AGREEMENT", "OPERATION", "STEP", "NOTE"});
  for (const auto& sandbox : sandboxes) {
    const bool readable = sandbox.quarantine().empty();
    table.Add({sandbox.id(), readable ? sandbox.state() : "(unreadable)",
               FormatTime(sandbox.state_since_unix_ms()), readable ? sandbox.agreement() : "",
               sandbox.has_operation()
                   ? Numbered(sandbox.operation().id(), sandbox.operation().kind())
                   : "",
               sandbox.has_current()
                   ? fmt::format("{} {}", sandbox.current().name(), sandbox.current().phase())
                   : "",
               readable ? Note(sandbox.reason(), sandbox.message()) : sandbox.quarantine()});
  }
  return table.Render();
}

std::string RenderSandbox(const lifecycle::v1::Sandbox& sandbox) {
  Card card;
  card.Add("sandbox", sandbox.id());
  card.Add("unreadable", sandbox.quarantine());
  if (!sandbox.quarantine().empty()) {
    card.Add("last state", sandbox.state());
    card.Add("records", fmt::format("{}", sandbox.head_sequence()));
    return card.Take();
  }
  card.Add("state",
           fmt::format("{} since {}", sandbox.state(), FormatTime(sandbox.state_since_unix_ms())));
  card.Add("reason", Note(sandbox.reason(), sandbox.message()));
  card.Add("agreement", sandbox.agreement_message().empty()
                            ? sandbox.agreement()
                            : Note(sandbox.agreement(), sandbox.agreement_message()));
  card.Add("created", FormatTime(sandbox.created_unix_ms()));
  card.Add("changed", FormatTime(sandbox.changed_unix_ms()));
  card.Add("records", fmt::format("{}", sandbox.head_sequence()));
  card.Add("generation", fmt::format("{}", sandbox.generation()));
  card.Add("driver", sandbox.spec().driver());
  card.Add("backend", sandbox.plan().backend());
  card.Add("image", sandbox.spec().image());
  card.Add("workspace", sandbox.spec().workspace());
  std::string command;
  for (const std::string& word : sandbox.spec().command()) {
    command += fmt::format("{}{}", command.empty() ? "" : " ", word);
  }
  card.Add("command", command);
  for (const auto& entry : sandbox.chain()) {
    card.Add("extension",
             fmt::format("{} {} ({})", entry.name(), entry.version(), entry.activation()));
  }
  if (sandbox.has_exit_code()) card.Add("exit code", fmt::format("{}", sandbox.exit_code()));
  if (sandbox.has_operation()) {
    const auto& operation = sandbox.operation();
    std::string text = fmt::format("{} since {}", Numbered(operation.id(), operation.kind()),
                                   FormatTime(operation.since_unix_ms()));
    const std::string note = Note(operation.reason(), operation.message());
    card.Add("operation", note.empty() ? text : fmt::format("{}, being undone: {}", text, note));
  }
  if (sandbox.has_current()) card.Add("step", StepText(sandbox.current()));
  for (const auto& step : sandbox.held()) {
    card.Add("holds", fmt::format("#{} {} by {}{}", step.intent(), step.name(), step.participant(),
                                  step.certain() ? "" : " (maybe)"));
  }
  for (const auto& operation : sandbox.finished()) {
    const std::string note = Note(operation.reason(), operation.message());
    card.Add("finished", fmt::format("{} {}{}{}", Numbered(operation.id(), operation.kind()),
                                     operation.result(), note.empty() ? "" : ": ", note));
  }
  for (const auto& condition : sandbox.conditions()) {
    card.Add("condition", fmt::format("{}: {} (since {})", condition.type(),
                                      Note(condition.reason(), condition.message()),
                                      FormatTime(condition.since_unix_ms())));
  }
  return card.Take();
}

std::string RenderStatus(const StatusReport& report,
                         const std::map<std::string, std::uint64_t>& counts) {
  const auto& status = report.status;
  Card card;
  card.Add("journal", fmt::format("{} ({})", status.journal_path(), status.journal_id()));
  card.Add("epoch", fmt::format("{}", status.epoch()));
  if (status.restored_unix_ms() != 0) {
    card.Add("restored",
             fmt::format("{} from a backup that ends at position {}",
                         FormatTime(status.restored_unix_ms()), status.restored_position()));
  }
  card.Add(report.held ? "held by" : "last held by",
           fmt::format("pid {} since {}", status.pid(), FormatTime(status.since_unix_ms())));
  if (report.online) {
    card.Add("version", status.version());
    card.Add("recovering", status.recovering() ? "yes" : "no");
    card.Add("sound", status.journal_sound() ? "yes" : "no; no command is taken until it is");
    const auto& startup = status.startup();
    card.Add("last start",
             fmt::format("{} sandboxes in {} ms: {} restored, {} resumed, {} undone, {} parked",
                         startup.total(), startup.took_ms(), startup.restored(), startup.resumed(),
                         startup.undone(), startup.parked()));
    if (startup.host_rebooted()) card.Add("host", "rebooted since the journal was last held");
    card.Add("orphans", fmt::format("{}", startup.orphans()));
    card.Add("ghosts", fmt::format("{}", startup.ghosts()));
    for (const std::string& finding : startup.findings()) card.Add("finding", finding);
    for (const auto& driver : status.drivers()) {
      card.Add("driver", fmt::format("{} {}", driver.name(), driver.version()));
    }
    for (const auto& extension : status.extensions()) {
      card.Add("extension", fmt::format("{} {}", extension.name(), extension.version()));
    }
  }
  std::string text;
  for (const auto& [state, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  }
  card.Add("sandboxes", text.empty() ? "none" : text);
  return card.Take();
}

}  // namespace holdfast::client
