// SPDX-License-Identifier: Apache-2.0
//
// Who holds the journal, as rows of `meta`: for the next owner's start report, for a refused second
// writer's message, and for the fence that a writer checks at every commit.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

// held_now is left false: the lock knows, not the file.
absl::StatusOr<Ownership> ReadOwnership(Database& database);
absl::Status WriteOwnership(Database& database, const Ownership& ownership);

// "gateway, pid 4711, since 2026-01-02T03:04:05Z, epoch 7"
std::string Describe(const Ownership& ownership);

}  // namespace holdfast::journal
