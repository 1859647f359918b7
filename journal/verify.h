// SPDX-License-Identifier: Apache-2.0
//
// The whole file, read and compared with itself: what is damaged, where, and what is lost by it.
#pragma once

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/reader.h"

namespace holdfast::journal {

// REQUIRES: a read transaction is open on `connection`; all of it sees that one snapshot. Needs
// memory for one bit per record and for one sandbox's records' positions, intents and ledger rows.
absl::StatusOr<VerifyReport> VerifyAll(ReadConnection& connection);

}  // namespace holdfast::journal
