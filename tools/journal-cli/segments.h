// SPDX-License-Identifier: Apache-2.0
//
// Archive segments, as the verbs see them: a list that leaves out what is in a segment that cannot
// be read must say so.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "journal/record.h"
#include "tools/journal-cli/command.h"

namespace holdfast::journal_cli {

// Of the file that the answers come from.
absl::StatusOr<std::vector<journal::Segment>> ListSegments(const Context& context);

// One sentence on stderr for each segment that cannot be read. Returns kExitIntegrity when there is
// one, else kExitOk; also when the journal's file itself is out of our reach, and a gateway
// answers.
int TellUnreadable(const std::vector<journal::Segment>& segments, const Context& context);
int TellUnreadable(const Context& context);

}  // namespace holdfast::journal_cli
