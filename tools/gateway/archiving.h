// SPDX-License-Identifier: Apache-2.0
//
// Housekeeping of the journal: now and then, on a thread of its own, finished sandboxes go into the
// archive, and archived ones that are older than the operator keeps are thrown away.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "journal/journal.h"

namespace holdfast::gateway {

class Archiving {
 public:
  struct Ages {
    std::optional<std::chrono::milliseconds> archive_after;  // empty: never
    std::optional<std::chrono::milliseconds> keep;           // empty: for ever
  };
  // Begins. The journal outlives this. Logs each run that did something, or failed.
  Archiving(journal::Journal& journal, Ages ages);
  // Ends a run soon; the next start goes on with it.
  ~Archiving() = default;

 private:
  std::jthread thread_;
};

}  // namespace holdfast::gateway
