// SPDX-License-Identifier: Apache-2.0
//
// Who holds the journal, as rows of `meta`: for the next owner's start report, for a refused second
// writer's message, and for the fence that a writer checks at every commit.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

// held_now is left false: the lock knows, not the file.
absl::StatusOr<Ownership> ReadOwnership(Database& database);
absl::Status WriteOwnership(Database& database, const Ownership& ownership);
// Marks the journal as restored at that time from a backup that ended at that position, and sets
// the epoch from which the next writer goes on.
absl::Status WriteRestoration(Database& database, std::int64_t time_unix_ms, std::uint64_t position,
                              std::uint64_t epoch);

// "gateway, pid 4711, since 2026-01-02T03:04:05Z, epoch 7"
std::string Describe(const Ownership& ownership);
// The same of who holds, or last held, the journal at `path`; "another process" when that cannot be
// read.
std::string DescribeHolder(const std::string& path);

}  // namespace holdfast::journal
