// SPDX-License-Identifier: Apache-2.0
//
// The two files that show the table to people are generated from it and compared here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "statemachine/lifecycle/lifecycle.h"
#include "tests/statemachine/golden.h"

namespace holdfast::lifecycle {
namespace {

using model::State;
using model::Trigger;

#define HOLDFAST_X(name, text) State::k##name,
const std::vector<State> kStates = {HOLDFAST_STATES(HOLDFAST_X)};
#undef HOLDFAST_X
#define HOLDFAST_X(name, text) Trigger::k##name,
const std::vector<Trigger> kTriggers = {HOLDFAST_TRIGGERS(HOLDFAST_X)};
#undef HOLDFAST_X

// Where this state goes on this trigger, tried on the machine under all facts: "-" for nowhere.
std::string Destinations(State from, Trigger trigger) {
  std::vector<State> reached;
  const auto add = [&](const Facts& facts) {
    const auto move = Next(from, trigger, facts);
    if (!move) return;
    for (const State state : reached) {
      if (state == move->to) return;
    }
    reached.push_back(move->to);
  };
  for (const bool creating : {true, false}) {
    for (const State parked_in : kStates) add({.creating = creating, .parked_in = parked_in});
  }
  std::string out;
  for (const State state : reached) {
    out += fmt::format("{}{}", out.empty() ? "" : " | ", model::Name(state));
  }
  return out.empty() ? "-" : out;
}

std::string Matrix() {
  std::string out =
      "# Generated from the transition table. Every state, every trigger, where it leads.\n"
      "# Several states on one line: a guard decides, see docs/lifecycle.md.\n";
  for (const State from : kStates) {
    out += fmt::format("\n{}\n", model::Name(from));
    for (const Trigger trigger : kTriggers) {
      out += fmt::format("  {:<18} -> {}\n", model::Name(trigger), Destinations(from, trigger));
    }
  }
  return out;
}

std::string StateTable() {
  std::string out = "| state | situation |\n| --- | --- |\n";
  for (const State state : kStates) {
    out += fmt::format("| {} | {} |\n", model::Name(state), model::Describe(state));
  }
  return out;
}

std::string TriggerTable() {
  std::string out = "| trigger | what happened |\n| --- | --- |\n";
  for (const Trigger trigger : kTriggers) {
    out += fmt::format("| {} | {} |\n", model::Name(trigger), model::Describe(trigger));
  }
  return out;
}

std::string RowTable() {
  std::string out = "| from | trigger | to | duty | only when |\n| --- | --- | --- | --- | --- |\n";
  for (const Row& row : Rows()) {
    out += fmt::format("| {} | {} | {} | {} | {} |\n", model::Name(row.from),
                       model::Name(row.trigger), model::Name(row.to), Name(row.duty), row.guard);
  }
  return out;
}

// The same rows seen from both sides: what leads where, one column a destination.
std::string MatrixTable() {
  std::string out = "| from \\ to |";
  std::string rule = "| --- |";
  for (const State to : kStates) {
    out += fmt::format(" {} |", model::Name(to));
    rule += " --- |";
  }
  out += "\n" + rule + "\n";
  for (const State from : kStates) {
    out += fmt::format("| **{}** |", model::Name(from));
    for (const State to : kStates) {
      std::string cell;
      for (const Row& row : Rows()) {
        if (row.from == from && row.to == to) {
          cell += fmt::format("{}{}", cell.empty() ? "" : ", ", model::Name(row.trigger));
        }
      }
      out += fmt::format(" {} |", cell);
    }
    out += "\n";
  }
  return out;
}

std::string Document() {
  return fmt::format(
      R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Generated from statemachine/lifecycle/lifecycle_table.cc by statemachine_lifecycle_test with
     HOLDFAST_REWRITE_GOLDEN=1. Do not edit. -->

# The lifecycle

One sandbox is in exactly one of the states below. It moves only as the table says; a trigger that
has no row is refused when it comes from a command, and is a damaged history when it comes from the
journal. Whether the sandbox also agrees with the world (Consistent, Reconciling, Drifted) is a
second answer, independent of the state.

One operation at a time works on a sandbox. Before its pivot (the trigger Started, for create and
start) a failed operation is undone, newest step first; after it, it is finished forward. A delete
is accepted in every state and overtakes what runs.

## States

{}
## Triggers

{}
## Picture

```mermaid
{}```

## Transitions

The duty is what has to be done on arrival; the planner turns it into steps.

{}
## Matrix

{})",
      StateTable(), TriggerTable(), RenderDiagram("mermaid"), RowTable(), MatrixTable());
}

TEST(LifecycleGolden, TransitionMatrixIsAsCommitted) {
  tests::ExpectGolden("tests/golden/transition_matrix.txt", Matrix());
}

TEST(LifecycleGolden, DocumentIsAsCommitted) {
  tests::ExpectGolden("docs/lifecycle.md", Document());
}

}  // namespace
}  // namespace holdfast::lifecycle
