// SPDX-License-Identifier: Apache-2.0
//
// The file: its tables, its marks (application id, format version), how it is made and how a file
// is looked at before anything in it is believed. docs/journal-format.md describes every column.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

inline constexpr std::uint32_t kApplicationId = 0x48464A4C;  // "HFJL", in the SQLite header
inline constexpr std::uint32_t kPageBytes = 4096;

// Looks at the file's header without changing anything in it or beside it, and without taking a
// lock. Errors: NotFound            no such file
//         FailedPrecondition  not a regular file, not SQLite, not ours, or of a newer version
//         DataLoss            ours, and shorter than its header says
//         Unavailable         cannot be read
absl::Status InspectFile(const std::string& path);

// Makes a new journal at `path` as a whole: it is built under another name, synced and renamed, so
// that no crash leaves half of one. REQUIRES: the journal's lock is held and nothing is at `path`.
// Errors: FailedPrecondition  the WAL of a journal that is not there any more is beside it, or
//                             segments of its archive are
//         ResourceExhausted / Unavailable   disk full / I/O error
absl::Status CreateFile(const std::string& path);

// Whoever opens a connection calls exactly one of these first.
// Errors: FailedPrecondition  of a newer version; nothing was changed
absl::Status ConfigureWriter(Database& database);
absl::Status ConfigureReader(Database& database);

// Brings an older file to the present version, durably; nothing when it has it already.
// REQUIRES: the journal's lock is held; ConfigureWriter was called.
absl::Status MigrateFile(Database& database);

}  // namespace holdfast::journal
