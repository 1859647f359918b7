// SPDX-License-Identifier: Apache-2.0
#include "journal/record.h"

#include <utility>

#include "holdfast/journal/v1/journal.pb.h"

namespace holdfast::journal {

Draft Draft::Event(std::string type, std::string payload, std::int64_t time_unix_ms) {
  return Draft{.kind = RecordKind::kEvent,
               .type = std::move(type),
               .payload = std::move(payload),
               .time_unix_ms = time_unix_ms};
}

Draft Draft::Intent(const v1::Intent& intent, std::int64_t time_unix_ms) {
  return Draft{.kind = RecordKind::kIntent,
               .type = "StepIntended",
               .payload = intent.SerializeAsString(),
               .time_unix_ms = time_unix_ms};
}

Draft Draft::Outcome(const v1::Outcome& outcome, std::int64_t time_unix_ms) {
  return Draft{.kind = RecordKind::kOutcome,
               .type = "StepAnswered",
               .payload = outcome.SerializeAsString(),
               .time_unix_ms = time_unix_ms};
}

}  // namespace holdfast::journal
