// SPDX-License-Identifier: Apache-2.0
//
// A sandbox's path on the lifecycle's diagram.
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tools/journal-cli/render.h"

namespace holdfast::journal_cli {
namespace {

std::string Joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(separator)) + word;
  return out;
}

// Inserts before the diagram's closing line.
std::string Before(std::string diagram, std::string_view closing, const std::string& lines) {
  const std::size_t at = diagram.rfind(closing);
  return diagram.insert(at == std::string::npos ? diagram.size() : at, lines);
}

}  // namespace

std::vector<std::string> PathOf(const std::vector<lifecycle::v1::HistoryEntry>& entries) {
  std::vector<std::string> path;
  for (const auto& entry : entries) {
    // A create begins in Requested without a transition of its own.
    if (path.empty() && entry.sequence() == 1) path.emplace_back("Requested");
    if (!entry.state().empty()) path.push_back(entry.state());
  }
  return path;
}

std::string MarkPath(std::string diagram, std::string_view format, std::string_view id,
                     const std::vector<std::string>& path) {
  if (path.empty()) return diagram;
  const std::string comment = fmt::format("path of {}: {}", id, Joined(path, " > "));
  const std::string& now = path.back();
  std::set<std::string> visited(path.begin(), path.end());
  visited.erase(now);
  if (format == "mermaid") {
    std::string lines = "    classDef visited fill:#dbeafe\n    classDef present fill:#86efac\n";
    for (const std::string& state : visited) lines += fmt::format("    class {} visited\n", state);
    lines += fmt::format("    class {} present\n", now);
    return fmt::format("%% {}\n{}{}", comment, diagram, lines);
  }
  std::string lines;
  if (format == "dot") {
    for (const std::string& state : visited) {
      lines += fmt::format("  {} [style=\"rounded,filled\", fillcolor=\"#dbeafe\"];\n", state);
    }
    lines += fmt::format("  {} [style=\"rounded,filled\", fillcolor=\"#86efac\"];\n", now);
    return fmt::format("// {}\n{}", comment, Before(std::move(diagram), "}", lines));
  }
  for (const std::string& state : visited) lines += fmt::format("state {} #dbeafe\n", state);
  lines += fmt::format("state {} #86efac\n", now);
  return Before(std::move(diagram), "@enduml", fmt::format("' {}\n{}", comment, lines));
}

}  // namespace holdfast::journal_cli
