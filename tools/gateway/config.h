// SPDX-License-Identifier: Apache-2.0
//
// The gateway's configuration: one TOML file, all of it optional, read strictly. Three name spaces
// that are never merged: the gateway's own tables, [drivers.NAME] (the driver's own keys) and
// [extension.NAME] (when it is active, and under `config` the extension's own keys). Reading has no
// side effects; making what was configured is a separate step (the makers). docs/configuration.md
// has each key.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "extensions/chain.h"
#include "statemachine/planning/decide.h"
#include "support/paths.h"
#include "tools/gateway/builtins.h"

namespace holdfast::gateway {

struct ConfiguredDriver {
  std::string name;
  DriverMaker make;
};

struct ConfiguredExtension {
  std::string name;
  ExtensionMaker make;
  std::string config_digest;  // SHA-256 of its own `config` table, and of nothing else
  bool global = true;
  std::string activation_key;
  std::set<std::string> workspaces;
  model::FailurePolicy on_failure = model::FailurePolicy::kKeep;
  std::chrono::milliseconds deadline{30'000};
};

struct Config {
  std::string state_dir;
  std::string socket_path;
  std::string journal_path;
  std::string key_file;  // empty: secrets are not kept beyond the process
  // Finished sandboxes are archived when their last record is older; empty: never.
  std::optional<std::chrono::milliseconds> archive_after = std::chrono::hours{720};
  // Archived ones are thrown away when older; empty: never.
  std::optional<std::chrono::milliseconds> archive_keep;
  std::string log_level = "info";
  std::size_t threads = 2;
  std::size_t commands_max = 10'000;
  std::string default_driver;
  planning::Policy policy;
  extensions::PlanLimits plan;
  std::vector<ConfiguredDriver> drivers;        // at least one; in order of name
  std::vector<ConfiguredExtension> extensions;  // in the operator's order
};

// From the command line; empty is not given. They win over the file.
struct Overrides {
  std::string config_path;
  std::string state_dir;
  std::string socket_path;
};

// Errors: InvalidArgument  a mistake in the file, one a line: "FILE:LINE: KEY: what would be right"
//         NotFound         there is no such file
absl::StatusOr<Config> LoadConfig(const Overrides& overrides,
                                  const support::Environment& environment);

// Every key that LoadConfig understands, drivers' and extensions' own included, in order; for the
// test that holds docs/configuration.md to it.
std::vector<std::string> KnownKeys();

}  // namespace holdfast::gateway
