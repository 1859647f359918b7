// SPDX-License-Identifier: Apache-2.0
//
// Things in the world, and how to be rid of them.
#pragma once

#include <compare>
#include <string>
#include <vector>

namespace holdfast::model {

// What a participant says, before a step, that the step will make. The name is deterministic: it
// follows from the step's idempotency key, so that a second attempt, or a probe after a crash,
// finds what the first attempt made.
struct ResourceClaim {
  std::string kind;  // the resource family: "process", "lease", "container", "volume", …
  std::string name;  // unique within its kind and participant
  friend auto operator<=>(const ResourceClaim&, const ResourceClaim&) = default;
};

// What a step really made. The handle is the participant's own proof of which thing it is (a pid
// with its start time and boot id, a container id, an address); opaque to everybody else,
// printable, no secrets.
struct Resource {
  std::string kind;
  std::string name;
  std::string handle;
  friend auto operator<=>(const Resource&, const Resource&) = default;
};

// How a step is undone, as data: journaled with the intent, before the step runs, and enough to
// undo it in another process, after a crash, with another configuration.
struct Undo {
  std::string participant;
  std::string action;      // see action.h
  std::string args;        // the participant's own text (JSON by custom), printable, no secrets
  bool idempotent = true;  // may be run when it is not known whether the step took effect
  friend auto operator<=>(const Undo&, const Undo&) = default;
};

}  // namespace holdfast::model
