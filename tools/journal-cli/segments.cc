// SPDX-License-Identifier: Apache-2.0
#include "tools/journal-cli/segments.h"

#include <string>

#include "fmt/format.h"
#include "journal/journal.h"
#include "support/status_macros.h"

namespace holdfast::journal_cli {

absl::StatusOr<std::vector<journal::Segment>> ListSegments(const Context& context) {
  HF_ASSIGN_OR_RETURN(const std::string path, context.source.JournalPath());
  HF_ASSIGN_OR_RETURN(const auto reader, journal::Reader::Open(path));
  return reader->ListSegments();
}

int TellUnreadable(const std::vector<journal::Segment>& segments, const Context& context) {
  int code = client::kExitOk;
  for (const journal::Segment& segment : segments) {
    if (segment.damage.empty()) continue;
    context.surroundings.err << fmt::format(
        "{}: not listed: the {} sandboxes in archive segment {}, which cannot be read: {}\n",
        kProgram, segment.sandboxes, segment.file, segment.damage);
    code = client::kExitIntegrity;
  }
  return code;
}

int TellUnreadable(const Context& context) {
  const auto segments = ListSegments(context);
  return segments.ok() ? TellUnreadable(*segments, context) : client::kExitOk;
}

}  // namespace holdfast::journal_cli
