// SPDX-License-Identifier: Apache-2.0
//
// What a sync that failed leaves behind for the next process.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace holdfast::journal {

// Writes the WAL of the journal at `path` over itself, byte for byte, and syncs it.
//
// After a sync that failed the kernel may hold pages that it will never write: they read as if all
// was well, and the next sync succeeds. A process that wrote them knows that its commit failed and
// writes them anew; one that starts later finds a commit that looks whole, appends behind it, and
// loses everything from there on at the next power cut. What is written again is synced for sure.
// REQUIRES: the journal's lock is held and the file is not open for writing.
// Errors: ResourceExhausted, Unavailable  the disk
absl::Status RewriteLog(const std::string& path);

}  // namespace holdfast::journal
