// SPDX-License-Identifier: Apache-2.0
//
// The whole file, read and compared with itself: what is damaged, where, and what is lost by it.
#pragma once

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/view.h"

namespace holdfast::journal {

// REQUIRES: `view` stands in a transaction; all of it sees that one moment, and blocks no
// writer. Deep needs memory for two bits per record and for one sandbox's positions, intents and
// ledger rows; quick for nothing that grows.
absl::StatusOr<VerifyReport> Verify(JournalView& view, VerifyMode mode);

}  // namespace holdfast::journal
