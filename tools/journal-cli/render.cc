// SPDX-License-Identifier: Apache-2.0
#include "tools/journal-cli/render.h"

#include <string>
#include <vector>

#include "fmt/format.h"
#include "support/times.h"
#include "tools/client/table.h"

namespace holdfast::journal_cli {

using client::OneLine;
using client::Table;
using support::FormatTime;

std::string RenderHistory(const std::vector<lifecycle::v1::HistoryEntry>& entries) {
  Table table({"TIME", "SEQUENCE", "EPOCH", "WHAT"});
  for (const auto& entry : entries) {
    table.Add({FormatTime(entry.time_unix_ms()), fmt::format("{}", entry.sequence()),
               fmt::format("{}", entry.epoch()), entry.text()});
  }
  return table.Render();
}

std::string RenderLedger(const std::vector<lifecycle::v1::LedgerEntry>& entries) {
  if (entries.empty()) return "nothing is held\n";
  Table table({"SANDBOX", "STATE", "STATUS", "KIND", "NAME", "BY", "INTENT", "SINCE", "HANDLE"});
  for (const auto& entry : entries) {
    table.Add({entry.sandbox_id(), entry.sandbox_state(), entry.status(), entry.kind(),
               entry.name(), entry.participant(), fmt::format("#{}", entry.intent()),
               FormatTime(entry.since_unix_ms()), entry.handle()});
  }
  return table.Render();
}

std::string RenderLeaks(const std::vector<Leak>& leaks) {
  if (leaks.empty()) return "no leaks\n";
  Table table({"SANDBOX", "STATUS", "KIND", "NAME", "BY", "INTENT", "SINCE", "WHY", "HANDLE"});
  for (const Leak& leak : leaks) {
    const auto& entry = leak.entry;
    table.Add({entry.sandbox_id(), entry.status(), entry.kind(), entry.name(), entry.participant(),
               fmt::format("#{}", entry.intent()), FormatTime(entry.since_unix_ms()), leak.why,
               entry.handle()});
  }
  return table.Render();
}

std::string RenderWhy(const lifecycle::v1::WhyResponse& why) {
  std::string out =
      fmt::format("{} is {}.{}\n\n{}\n", why.sandbox_id(), why.state(),
                  why.needs_operator() ? " It needs an operator." : "", OneLine(why.summary()));
  if (why.evidence_size() > 0) out += "\nEvidence:\n";
  for (const std::string& line : why.evidence()) out += fmt::format("  {}\n", OneLine(line));
  if (why.commands_size() > 0) out += "\nTo do:\n";
  for (const std::string& line : why.commands()) out += fmt::format("  {}\n", OneLine(line));
  return out;
}

std::string RenderVerify(const lifecycle::v1::VerifyResponse& report) {
  std::string out = fmt::format(
      "{} records of {} sandboxes read: {}\n", report.records(), report.sandboxes(),
      report.damages().empty() ? "sound" : fmt::format("{} damages", report.damages_size()));
  if (report.damages().empty()) return out;
  Table table({"SANDBOX", "SEQUENCE", "POSITION", "KIND", "WHAT"});
  for (const auto& damage : report.damages()) {
    table.Add({damage.sandbox_id(),
               damage.sequence() == 0 ? "" : fmt::format("{}", damage.sequence()),
               damage.position() == 0 ? "" : fmt::format("{}", damage.position()), damage.kind(),
               damage.message()});
  }
  return out + table.Render();
}

}  // namespace holdfast::journal_cli
