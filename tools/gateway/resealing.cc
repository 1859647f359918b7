// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/resealing.h"

#include <spdlog/spdlog.h>

#include <string>

#include "journal/rotation.h"

namespace holdfast::gateway {
namespace {

void Run(const std::stop_token& stop, journal::Journal& journal, const journal::Sealer& sealer) {
  const absl::StatusOr<journal::Resealed> report =
      journal::ResealBoxes(journal, sealer, [&stop] { return !stop.stop_requested(); });
  if (!report.ok()) {
    spdlog::warn("resealing ended early; the next start goes on with it reason=\"{}\"",
                 std::string(report.status().message()));
    return;
  }
  if (report->boxes == 0) return;
  spdlog::info("resealed boxes={} resealed={} failed={} key={}", report->boxes, report->resealed,
               report->failures, sealer.current_key_id());
  for (const std::string& failed : report->failed) spdlog::warn("sealed text=\"{}\"", failed);
}

}  // namespace

Resealing::Resealing(journal::Journal& journal, const journal::Sealer& sealer)
    : thread_([&journal, &sealer](const std::stop_token& stop) { Run(stop, journal, sealer); }) {}

}  // namespace holdfast::gateway
