// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/gateway_process.h"

#include <signal.h>

#include "tests/e2e/eventually.h"

namespace holdfast::e2e {
namespace {

std::vector<std::string> CommandLine(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {HOLDFAST_GATEWAY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace

GatewayProcess::GatewayProcess(const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment,
                               const std::string& log_path)
    : child_(CommandLine(arguments), environment, log_path + ".out", log_path) {}

bool GatewayProcess::WaitReady() {
  bool ready = false;
  Eventually([&] {
    // In this order: what it wrote before it ended is seen.
    const bool running = Running();
    ready = Log().find(" ready ") != std::string::npos;
    return ready || !running;
  });
  return ready;
}

void GatewayProcess::Kill() {
  child_.Signal(SIGKILL);
  static_cast<void>(Wait());
}

std::optional<Ending> GatewayProcess::Terminate() {
  child_.Signal(SIGTERM);
  return Wait();
}

}  // namespace holdfast::e2e
