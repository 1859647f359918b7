// SPDX-License-Identifier: Apache-2.0
#include "support/paths.h"

#include <cstdlib>
#include <string>

namespace holdfast::support {
namespace {

// Empty counts as unset, as the XDG base directory specification says.
std::string Get(const Environment& environment, const char* name) {
  const char* value = environment(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const char* name) -> const char* { return std::getenv(name); };
}

std::string DefaultStateDir(const Environment& environment) {
  if (std::string state = Get(environment, "XDG_STATE_HOME"); !state.empty()) {
    return state + "/holdfast";
  }
  std::string home = Get(environment, "HOME");
  return (home.empty() ? std::string("/root") : home) + "/.local/state/holdfast";
}

std::string DefaultJournalPath(const Environment& environment) {
  return DefaultStateDir(environment) + "/journal.db";
}

std::string DefaultSocketPath(const Environment& environment) {
  if (std::string socket = Get(environment, "HOLDFAST_SOCKET"); !socket.empty()) return socket;
  if (std::string runtime = Get(environment, "XDG_RUNTIME_DIR"); !runtime.empty()) {
    return runtime + "/holdfast/gateway.sock";
  }
  return DefaultStateDir(environment) + "/run/gateway.sock";
}

}  // namespace holdfast::support
