// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints: one line that an auditor keeps outside, and that proves later that no record up to a
// position was changed, removed or put in, also by somebody who knows how to rewrite a chain to its
// end (docs/journal-format.md, "Checkpoints"). Reader::MakeCheckpoint makes one.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "journal/journal.h"

namespace holdfast::journal {

// What a checkpoint's line begins with, and what its digest is taken over first.
inline constexpr std::string_view kCheckpointMark = "holdfast-checkpoint-1";

// "holdfast-checkpoint-1 <journal id> <position> <sandboxes> <digest>", without a newline.
std::string FormatCheckpoint(const Checkpoint& checkpoint);
// InvalidArgument: not such a line.
absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view line);

struct CheckpointProof {
  bool holds = false;
  std::string message;  // one sentence: what is proved, or what is known of why not
  VerifyReport verified;
};

// Verifies all records and compares the journal with the checkpoint. Both are needed: the
// checkpoint vouches for the last hash of each sandbox, and the chains tie every record before it
// to that. Errors only when it cannot be run at all.
absl::StatusOr<CheckpointProof> Prove(Reader& reader, const Checkpoint& checkpoint);

}  // namespace holdfast::journal
