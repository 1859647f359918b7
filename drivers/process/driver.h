// SPDX-License-Identifier: Apache-2.0
//
// The driver `process`: sandboxes as supervised local process trees, without a container engine.
// The embedded default. Where truth lives: in the state directory (owner.json proves whose a
// directory is) and in the kernel (a lock that a supervisor holds while it lives; pid, start time
// and boot id say which process it is). See README.md for the object model and the limits.
//
//   provision  makes the sandbox's directory under staging/ and renames it into place: naturally
//              idempotent, the rename happens once
//   start      spawns a detached supervisor that inherits a locked descriptor: a second attempt
//   finds
//              the lock taken and adopts
//   stop       looks until supervisor and tree are gone
//   destroy    stops, renames to a tombstone, removes; a second attempt goes on where the first
//   died
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "drivers/driver.h"

namespace holdfast::drivers::process {

enum class Isolation : std::uint8_t {
  kAuto,        // bubblewrap if it really works here, else a process group
  kBubblewrap,  // required; the driver is not made without it
  kNone,        // a process group only
};

struct ProcessOptions {
  std::string name = "process";
  std::string state_dir;  // absolute; 0700, made if absent
  // Empty: holdfast-process-supervisor beside the running program, or in ../libexec/holdfast.
  std::string supervisor;
  Isolation isolation = Isolation::kAuto;
  // Whose sandboxes these are, when several journals share a state directory. Printable ASCII, at
  // most 128 characters, without '@'; constant over restarts.
  std::string journal_id;
  // Directories that no workload in bubblewrap may look into: where the gateway keeps its journal
  // and its socket, which serves whoever has the gateway's uid. Absolute, and there. "/" is passed
  // over.
  std::vector<std::string> hide = {};
};

// Errors: InvalidArgument     an option is wrong
//         FailedPrecondition  no supervisor, the state directory is not ours, or bubblewrap is
//                             required and does not work; the message says why
//         Unavailable         the state directory cannot be made or read
absl::StatusOr<std::unique_ptr<Driver>> MakeProcessDriver(ProcessOptions options);

}  // namespace holdfast::drivers::process
