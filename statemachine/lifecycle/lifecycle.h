// SPDX-License-Identifier: Apache-2.0
//
// The lifecycle's one law: from this state, on this trigger, to which state, and what is due then.
// The table itself is in lifecycle_table.cc, the only file that includes Boost.MSM; everything that
// shows or checks it (docs/lifecycle.md, `journal-cli graph`, the transition matrix test) asks
// here. Pure: no I/O, clock, thread, log or randomness.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "statemachine/model/state.h"

namespace holdfast::lifecycle {

// What has to be done on arrival; planning turns it into steps.
enum class Duty : std::uint8_t {
  kNone,       // nothing to do: wait for a command or for the world
  kValidate,   // ask driver and extensions (done before the first commit, see planning/decide.h)
  kPlan,       // make the plan
  kPrepare,    // run before_launch, in order
  kProvision,  // driver provisions
  kStart,      // before_start hooks when it is a restart, then driver starts
  kSettle,     // after_launch_succeeded or after_start hooks, then the operation is complete
  kStop,       // before_stop hooks, driver stops, after_stop hooks
  kUnwind,     // undo what the operation did, newest first
  kRelease,    // before_delete hooks, then undo everything that is held, newest first
};

// What a guard may know of the sandbox.
struct Facts {
  // The active operation is a create: it has nothing to fall back to but Failed.
  bool creating = false;
  // Where the work that is parked in Stuck was parked; needed by RepairRequested only.
  std::optional<model::State> parked_in;
};

struct Move {
  model::State to;
  Duty duty;
  friend bool operator==(const Move&, const Move&) = default;
};

// The move, or nullopt where the table has no row (or its guard says no). For a command that is a
// refusal; for a replayed event it means that the journal and this program disagree.
// Thread-safe. Never throws.
std::optional<Move> Next(model::State from, model::Trigger trigger, const Facts& facts);

// One row of the table, for pictures and for tests that walk it. In the table's order.
struct Row {
  model::State from;
  model::Trigger trigger;
  model::State to;
  Duty duty;
  std::string_view guard;  // empty when unguarded
};
const std::vector<Row>& Rows();

std::string_view Name(Duty duty);

// The table as a diagram: "mermaid", "dot" or "puml". Empty for another word.
std::string RenderDiagram(std::string_view format);

}  // namespace holdfast::lifecycle
