// SPDX-License-Identifier: Apache-2.0
//
// The table as a picture, in the three languages that people paste into their tools. Knows nothing
// but Rows(), so that no picture can differ from the law.
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "statemachine/lifecycle/lifecycle.h"

namespace holdfast::lifecycle {
namespace {

constexpr auto kDuties =
    std::to_array<std::string_view>({"none", "validate", "plan", "prepare", "provision", "start",
                                     "settle", "stop", "unwind", "release"});

std::string Label(const Row& row) {
  if (row.guard.empty()) return std::string(model::Name(row.trigger));
  return fmt::format("{} [{}]", model::Name(row.trigger), row.guard);
}

std::string Mermaid() {
  std::string out = "stateDiagram-v2\n    [*] --> Requested\n";
  for (const Row& row : Rows()) {
    out +=
        fmt::format("    {} --> {} : {}\n", model::Name(row.from), model::Name(row.to), Label(row));
  }
  return out;
}

std::string Dot() {
  std::string out = "digraph lifecycle {\n  node [shape=box, style=rounded];\n";
  for (const Row& row : Rows()) {
    out += fmt::format("  {} -> {} [label=\"{}\"];\n", model::Name(row.from), model::Name(row.to),
                       Label(row));
  }
  return out + "}\n";
}

std::string PlantUml() {
  std::string out = "@startuml\n[*] --> Requested\n";
  for (const Row& row : Rows()) {
    out += fmt::format("{} --> {} : {}\n", model::Name(row.from), model::Name(row.to), Label(row));
  }
  return out + "@enduml\n";
}

}  // namespace

std::string_view Name(Duty duty) { return kDuties.at(static_cast<std::size_t>(duty)); }

std::string RenderDiagram(std::string_view format) {
  if (format == "mermaid") return Mermaid();
  if (format == "dot") return Dot();
  if (format == "puml") return PlantUml();
  return {};
}

}  // namespace holdfast::lifecycle
