// SPDX-License-Identifier: Apache-2.0
//
// The part of a deep verify that the journal cannot do itself, because it interprets no event:
// whether the records of every live sandbox fold, and whether its snapshot says what they say.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "journal/journal.h"

namespace holdfast::views {

// Folds every live sandbox from its first record and appends what is found to `damages`, each in
// its kind: "snapshot" for one that cannot be read or differs from its records, "fold" for records
// that cannot follow each other. A snapshot of another version is no damage: nobody uses it. What
// the journal's own verify names (a record that cannot be read) is not named again. Thread-safe,
// also on a live journal; holds no read transaction for longer than one sandbox takes. Errors: only
// when the journal cannot be read at all.
absl::Status CheckSnapshots(journal::Reader& reader, std::vector<journal::Damage>& damages);

}  // namespace holdfast::views
