// SPDX-License-Identifier: Apache-2.0
//
// Files in the archive's directory that the journal does not name. Most are what a run left that
// was cut short, and go. But a journal that was lost and made anew, one that a copy was put in the
// place of, or one with a damaged row names too little, and then such a file is the only copy of
// what it holds: only what is proved to be superfluous is removed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/segment.h"
#include "journal/view.h"

namespace holdfast::journal {

// Removes drafts; the files of segments that expired; and a segment without a row when it is sound,
// of this journal, and each of its records is still in the journal, whole and the same. `kept` is
// told of each segment without a row that is left, in one sentence. `view` stands in a transaction,
// and a commit has succeeded since the last one that failed: what it says is so. Errors:
// Cancelled, Unavailable
absl::Status RemoveStrays(JournalView& view, const StopFunction& stop,
                          std::vector<std::string>& kept);

// One that no segment has or had, with a row or without.
absl::StatusOr<std::uint64_t> NextSegmentNumber(JournalView& view);

}  // namespace holdfast::journal
