// SPDX-License-Identifier: Apache-2.0
//
// What time it is, for what is thrown away for ever because of its age. The wall clock alone may
// say anything: one jump of it would make all of the archive old. So it is believed no further than
// the journal and the time that has passed since can tell.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace holdfast::gateway {

class RetentionClock {
 public:
  // `newest_unix_ms` is the time of the journal's newest record when the clock is asked first, and
  // is looked at only until there is one: what is recorded later may bear the time of a jump. From
  // there on no more time passes than `steady`, which does not jump, has counted. So it never runs
  // ahead for a jump while this process runs; it is late by the time in which nothing ran, until
  // the next start. None: the journal is empty, and nothing in it can be old.
  std::optional<std::int64_t> NowUnixMillis(std::optional<std::int64_t> newest_unix_ms,
                                            std::int64_t wall_unix_ms,
                                            std::chrono::steady_clock::time_point steady) {
    if (!newest_unix_ms_) {
      if (!newest_unix_ms) return std::nullopt;
      newest_unix_ms_ = newest_unix_ms;
      since_ = steady;
    }
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(steady - since_);
    return std::min(wall_unix_ms, *newest_unix_ms_ + passed.count());
  }

 private:
  std::optional<std::int64_t> newest_unix_ms_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace holdfast::gateway
