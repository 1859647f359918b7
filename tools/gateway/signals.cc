// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "support/check.h"

namespace holdfast::gateway {
namespace {

int wake_pipe[2] = {-1, -1};
std::atomic<int> signals_seen{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

// As a shell reports a process that a signal ended.
constexpr int kExitBySignalBase = 128;

// Only async-signal-safe calls.
void OnSignal(int number) {
  if (signals_seen.fetch_add(1) > 0) _exit(kExitBySignalBase + number);
  const int saved = errno;
  const auto byte = static_cast<std::uint8_t>(number);
  static_cast<void>(!write(wake_pipe[1], &byte, 1));  // the pipe is empty: it has room
  errno = saved;
}

}  // namespace

void InstallSignalHandlers() {
  HF_CHECK(pipe2(wake_pipe, O_CLOEXEC) == 0);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  HF_CHECK(sigaction(SIGTERM, &action, nullptr) == 0);
  HF_CHECK(sigaction(SIGINT, &action, nullptr) == 0);
  action.sa_handler = SIG_IGN;
  HF_CHECK(sigaction(SIGPIPE, &action, nullptr) == 0);
}

int WaitForSignal() {
  std::uint8_t number = 0;
  while (read(wake_pipe[0], &number, 1) != 1) HF_CHECK(errno == EINTR);
  return number;
}

}  // namespace holdfast::gateway
