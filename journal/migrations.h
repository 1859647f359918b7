// SPDX-License-Identifier: Apache-2.0
//
// The tables, as the versions of the format made them one after the other. A new journal takes all
// the steps; an older one those that it lacks. A step never touches what a record's hash covers.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

inline constexpr std::uint32_t kFormatVersion = 2;  // user_version, in the SQLite header

// As the database has it now, its WAL included.
// Errors: FailedPrecondition  newer than this program
absl::StatusOr<std::uint32_t> ReadFormatVersion(Database& database);

// Takes the steps from `version` (0: an empty database) to the present one. REQUIRES: a transaction
// is open; nothing has happened unless it is committed.
absl::Status Migrate(Database& database, std::uint32_t version);

// For a reader of a file that nobody migrates: gives the connection empty temporary tables in the
// place of those that came after `version`, so that one set of queries reads every version.
absl::Status StandIn(Database& database, std::uint32_t version);

}  // namespace holdfast::journal
