// SPDX-License-Identifier: Apache-2.0
#include "support/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>

namespace holdfast::support {
namespace {

#define HOLDFAST_X(name, text) std::string_view(#name),
constexpr auto kNames = std::to_array<std::string_view>({HOLDFAST_FAILPOINT_LIST(HOLDFAST_X)});
#undef HOLDFAST_X

// What the environment armed; read at the first hit and constant after that.
struct Armed {
  std::uint64_t kill_at = 0;
  std::string kill_on;
  std::uint64_t kill_on_hit = 0;
  int trace_fd = -1;

  Armed() {
    if (const char* at = std::getenv("HOLDFAST_FAILPOINT_KILL_AT")) {
      kill_at = std::strtoull(at, nullptr, 10);
    }
    if (const char* on = std::getenv("HOLDFAST_FAILPOINT_KILL_ON")) {
      const std::string text = on;
      const auto colon = text.rfind(':');
      kill_on = text.substr(0, colon);
      kill_on_hit =
          colon == std::string::npos ? 1 : std::strtoull(text.c_str() + colon + 1, nullptr, 10);
    }
    if (const char* trace = std::getenv("HOLDFAST_FAILPOINT_TRACE")) {
      trace_fd = open(trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
  }
};

std::atomic<std::uint64_t> all_hits{0};
std::array<std::atomic<std::uint64_t>, kNames.size()> hits{};

}  // namespace

std::string_view Name(Failpoint point) { return kNames.at(static_cast<std::size_t>(point)); }

std::vector<Failpoint> AllFailpoints() {
  std::vector<Failpoint> all;
  for (std::size_t i = 0; i < kNames.size(); ++i) all.push_back(static_cast<Failpoint>(i));
  return all;
}

void HitFailpoint(Failpoint point) {
  static const Armed armed;
  const std::uint64_t hit = hits.at(static_cast<std::size_t>(point)).fetch_add(1) + 1;
  const std::uint64_t total = all_hits.fetch_add(1) + 1;
  if (armed.trace_fd >= 0) {
    const std::string line = std::string(Name(point)) + "\n";
    // A lost trace line only makes the sweep's coverage check fail.
    [[maybe_unused]] const auto written = write(armed.trace_fd, line.data(), line.size());
  }
  if ((armed.kill_at != 0 && total == armed.kill_at) ||
      (armed.kill_on_hit != 0 && hit == armed.kill_on_hit && Name(point) == armed.kill_on)) {
    kill(getpid(), SIGKILL);
    pause();  // SIGKILL is delivered before this returns
  }
}

}  // namespace holdfast::support
