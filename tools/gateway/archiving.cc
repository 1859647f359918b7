// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/archiving.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "tools/gateway/retention_clock.h"

namespace holdfast::gateway {
namespace {

using std::chrono::milliseconds;

// A run looks at the row of every finished sandbox that is not archived yet, so not all the time;
// but where things are to go within minutes, more often than that.
constexpr milliseconds kIntervalMin{1'000};
constexpr milliseconds kIntervalMax = std::chrono::minutes{10};

std::int64_t WallUnixMillis() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Empty when there is no record, or it cannot be read.
std::optional<std::int64_t> NewestUnixMillis(journal::Reader& reader) {
  std::optional<std::int64_t> newest;
  const auto last = reader.LastPosition();
  if (!last.ok() || *last == 0) return newest;
  const absl::Status read = reader.ReadTail(*last - 1, 1, [&newest](const journal::Record& record) {
    newest = record.time_unix_ms;
    return journal::Visit::kStop;
  });
  return read.ok() ? newest : std::nullopt;
}

void Archive(const std::stop_token& stop, journal::Journal& journal, milliseconds after) {
  journal::ArchiveOptions options;
  options.finished_before_unix_ms = WallUnixMillis() - after.count();
  options.stop = [&stop] { return stop.stop_requested(); };
  const auto report = journal.Archive(options);
  if (!report.ok()) {
    spdlog::warn("archiving ended early; the next run goes on with it reason=\"{}\"",
                 std::string(report.status().message()));
    return;
  }
  for (const std::string& kept : report->kept) spdlog::warn("not archived text=\"{}\"", kept);
  if (report->segments == 0) return;
  spdlog::info("archived sandboxes={} records={} segments={}", report->sandboxes, report->records,
               report->segments);
}

void Expire(const std::stop_token& stop, journal::Journal& journal, RetentionClock& clock,
            milliseconds keep) {
  const auto now = clock.NowUnixMillis(NewestUnixMillis(journal.reader()), WallUnixMillis(),
                                       std::chrono::steady_clock::now());
  if (!now) return;
  const auto report =
      journal.ExpireArchives(*now - keep.count(), [&stop] { return stop.stop_requested(); });
  if (!report.ok()) {
    spdlog::warn("removing old archives failed reason=\"{}\"",
                 std::string(report.status().message()));
    return;
  }
  for (const std::string& kept : report->kept) spdlog::info("archive kept text=\"{}\"", kept);
  for (const journal::Segment& segment : report->segments) {
    spdlog::info("archive removed for its age file={} sandboxes={} records={}", segment.file,
                 segment.sandboxes, segment.records);
  }
}

void Run(const std::stop_token& stop, journal::Journal& journal, const Archiving::Ages& ages) {
  milliseconds interval = kIntervalMax;
  for (const auto& age : {ages.archive_after, ages.keep}) {
    if (age) interval = std::min(interval, std::max(*age, kIntervalMin));
  }
  RetentionClock clock;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (ages.archive_after) Archive(stop, journal, *ages.archive_after);
    if (ages.keep && !stop.stop_requested()) Expire(stop, journal, clock, *ages.keep);
    wake.wait_for(lock, stop, interval, [] { return false; });
  }
}

}  // namespace

Archiving::Archiving(journal::Journal& journal, Ages ages)
    : thread_([&journal, ages](const std::stop_token& stop) {
        if (ages.archive_after || ages.keep) Run(stop, journal, ages);
      }) {}

}  // namespace holdfast::gateway
