// SPDX-License-Identifier: Apache-2.0
//
// What a checkpoint's digest is taken over: the last record at or before a position, of every
// sandbox that had one. The layout is part of the format (docs/journal-format.md, "Checkpoints").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/canonical.h"
#include "journal/journal.h"
#include "journal/view.h"

namespace holdfast::journal {

// Of one sandbox, at some position of the journal.
struct HeadAt {
  std::uint64_t key = 0;
  std::string id;
  std::uint64_t sequence = 0;
  Hash hash{};
};

// Appends the heads at `position` of all sandboxes, archived ones included. Reads one record
// of each, and those after `position` of those that went on.
// REQUIRES: a read transaction is open. Errors: DataLoss  a head cannot be found or believed
absl::Status CollectHeads(JournalView& connection, std::uint64_t position,
                          std::vector<HeadAt>& heads);

// `heads` in any order, each sandbox once.
absl::StatusOr<Checkpoint> DigestHeads(std::string journal_id, std::uint64_t position,
                                       std::vector<HeadAt> heads);

}  // namespace holdfast::journal
