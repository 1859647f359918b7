// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/archiving.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>

namespace holdfast::gateway {
namespace {

using std::chrono::milliseconds;

// A run looks at the row of every finished sandbox that is not archived yet, so not all the time;
// but where things are to go within minutes, more often than that.
constexpr milliseconds kIntervalMin{1'000};
constexpr milliseconds kIntervalMax = std::chrono::minutes{10};

std::int64_t Before(milliseconds age) {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch() - age)
      .count();
}

void Archive(const std::stop_token& stop, journal::Journal& journal, milliseconds after) {
  journal::ArchiveOptions options;
  options.finished_before_unix_ms = Before(after);
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

void Expire(journal::Journal& journal, milliseconds keep) {
  const auto report = journal.ExpireArchives(Before(keep));
  if (!report.ok()) {
    spdlog::warn("removing old archives failed reason=\"{}\"",
                 std::string(report.status().message()));
    return;
  }
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
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (ages.archive_after) Archive(stop, journal, *ages.archive_after);
    if (ages.keep && !stop.stop_requested()) Expire(journal, *ages.keep);
    wake.wait_for(lock, stop, interval, [] { return false; });
  }
}

}  // namespace

Archiving::Archiving(journal::Journal& journal, Ages ages)
    : thread_([&journal, ages](const std::stop_token& stop) {
        if (ages.archive_after || ages.keep) Run(stop, journal, ages);
      }) {}

}  // namespace holdfast::gateway
