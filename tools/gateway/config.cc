// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/status_macros.h"
#include "tools/gateway/socket.h"
#include "tools/gateway/toml_reader.h"

namespace holdfast::gateway {
namespace {

constexpr auto kLogLevels =
    std::to_array<std::string_view>({"trace", "debug", "info", "warn", "error"});
constexpr auto kActivations = std::to_array<std::string_view>({"global", "on-request"});
constexpr auto kFailurePolicies = std::to_array<std::string_view>({"keep", "fail"});
constexpr std::int64_t kHourMs = 3'600'000;

std::string Sha256Hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

void ReadGateway(TableReader table, Config& config) {
  table.ReadAbsolutePath("state_dir", config.state_dir);
  table.ReadAbsolutePath("socket", config.socket_path);
  table.ReadChoice("log_level", kLogLevels, config.log_level);
  table.ReadNumber("threads", 1, 64, config.threads);
  table.ReadNumber("commands_max", 1, 1'000'000, config.commands_max);
  table.Read("default_driver", config.default_driver);
  table.Misplaced("extensions",
                  "belongs to the top of the file, before the first [table]: extensions = [\"…\"]");
  table.Done();
}

void ReadJournal(TableReader table, Config& config) {
  table.ReadAbsolutePath("path", config.journal_path);
  table.ReadAbsolutePath("key_file", config.key_file);
  table.ReadDuration("archive_after", "never", config.archive_after);
  table.ReadDuration("archive_keep", "forever", config.archive_keep);
  if (config.archive_keep && config.archive_keep < config.archive_after) {
    table.Mistake(
        "archive_keep",
        "must not be shorter than archive_after: both count from a sandbox's last record, "
        "and what is archived would be thrown away at once");
  }
  table.Done();
}

void ReadPolicy(TableReader table, planning::Policy& policy) {
  table.ReadNumber("forward_attempts_max", 1, 1000, policy.forward_attempts_max);
  table.ReadNumber("undo_attempts_max", 1, 1000, policy.undo_attempts_max);
  table.ReadNumber("probes_max", 1, 1000, policy.probes_max);
  table.ReadMillis("backoff_initial_ms", 1, kHourMs, policy.backoff_initial);
  table.ReadMillis("backoff_max_ms", 1, 24 * kHourMs, policy.backoff_max);
  table.ReadMillis("driver_step_deadline_ms", 100, 24 * kHourMs, policy.driver_step_deadline);
  table.ReadMillis("hook_deadline_max_ms", 100, 24 * kHourMs, policy.hook_deadline_max);
  if (policy.backoff_max < policy.backoff_initial) {
    table.Mistake("backoff_max_ms",
                  fmt::format("must not be less than backoff_initial_ms, which is {}",
                              policy.backoff_initial.count()));
  }
  table.Done();
}

void ReadPlan(TableReader table, extensions::PlanLimits& limits) {
  std::vector<std::string> launcher_args;
  table.ReadStrings("launcher_args", launcher_args);
  limits.launcher_args_allowed = {launcher_args.begin(), launcher_args.end()};
  table.ReadNumber("launcher_args_max", 0, 1024, limits.launcher_args_max);
  table.ReadNumber("value_bytes_max", 1, 65'536, limits.value_bytes_max);
  table.ReadNumber("entries_max", 1, 10'000, limits.entries_max);
  table.Done();
}

// The drivers that have a table; the process driver when none has.
void ReadDrivers(TableReader& root, ConfigReport& report, Config& config) {
  const std::vector<std::string> names = DriverNames();
  for (auto& [name, table] : root.Named("drivers")) {
    const DriverBuiltin* builtin = FindDriver(name);
    if (builtin == nullptr) {
      const std::string_view nearest = Nearest(name, names);
      table.Mistake("", nearest.empty()
                            ? fmt::format("no such driver; there are {}", fmt::join(names, ", "))
                            : fmt::format("no such driver; did you mean \"{}\"?", nearest));
      continue;
    }
    config.drivers.push_back({name, builtin->configure(table)});
    table.Done();
  }
  if (config.drivers.empty()) {
    TableReader absent(nullptr, fmt::format("drivers.{}", kFallbackDriver), report);
    config.drivers.push_back(
        {std::string(kFallbackDriver), FindDriver(kFallbackDriver)->configure(absent)});
  }
}

void CheckDefaultDriver(TableReader gateway, Config& config) {
  std::vector<std::string> names;
  for (const ConfiguredDriver& driver : config.drivers) names.push_back(driver.name);
  if (config.default_driver.empty()) {
    if (names.size() == 1) {
      config.default_driver = names.front();
    } else {
      gateway.Mistake("default_driver",
                      fmt::format("must be set to one of {}, since there is more than one driver",
                                  fmt::join(names, ", ")));
    }
  } else if (std::find(names.begin(), names.end(), config.default_driver) == names.end()) {
    gateway.Mistake("default_driver", fmt::format("must be one of the configured drivers ({}), "
                                                  "not \"{}\"",
                                                  fmt::join(names, ", "), config.default_driver));
  }
}

ConfiguredExtension ReadExtension(const ExtensionBuiltin& builtin, TableReader& table,
                                  const planning::Policy& policy) {
  ConfiguredExtension extension;
  extension.name = std::string(builtin.name);
  std::string activation = "global";
  table.ReadChoice("activation", kActivations, activation);
  extension.global = activation == "global";
  table.Read("key", extension.activation_key);
  std::vector<std::string> workspaces;
  table.ReadStrings("workspaces", workspaces);
  extension.workspaces = {workspaces.begin(), workspaces.end()};
  for (const char* key : {"key", "workspaces"}) {
    if (extension.global && table.Has(key)) {
      table.Mistake(key, "has a meaning only with activation = \"on-request\"");
    }
  }
  std::string on_failure = "keep";
  table.ReadChoice("on_failure", kFailurePolicies, on_failure);
  extension.on_failure =
      on_failure == "fail" ? model::FailurePolicy::kFail : model::FailurePolicy::kKeep;
  extension.deadline = std::min(extension.deadline, policy.hook_deadline_max);
  table.ReadMillis("deadline_ms", 1, policy.hook_deadline_max.count(), extension.deadline);
  TableReader own = table.Table("config");
  extension.config_digest = Sha256Hex(own.Canonical());
  extension.make = builtin.configure(own);
  own.Done();
  table.Done();
  return extension;
}

// The list alone enables, and its order is the chain's. A table without a place in the list is
// checked and otherwise left alone.
void ReadExtensions(TableReader& root, ConfigReport& report, Config& config) {
  const std::vector<std::string> names = ExtensionNames();
  const auto unknown = [&names](std::string_view name) {
    const std::string_view nearest = Nearest(name, names);
    return nearest.empty()
               ? fmt::format("no such extension \"{}\"; there are {}", name, fmt::join(names, ", "))
               : fmt::format("no such extension \"{}\"; did you mean \"{}\"?", name, nearest);
  };
  std::vector<std::string> order;
  root.ReadStrings("extensions", order);

  std::map<std::string, ConfiguredExtension> configured;
  for (auto& [name, table] : root.Named("extension")) {
    const ExtensionBuiltin* builtin = FindExtension(name);
    if (builtin == nullptr) {
      table.Mistake("", unknown(name));
      continue;
    }
    configured.emplace(name, ReadExtension(*builtin, table, config.policy));
  }
  std::set<std::string> seen;
  for (const std::string& name : order) {
    const ExtensionBuiltin* builtin = FindExtension(name);
    if (builtin == nullptr) {
      root.Mistake("extensions", unknown(name));
      continue;
    }
    if (!seen.insert(name).second) {
      root.Mistake("extensions", fmt::format("names \"{}\" twice", name));
      continue;
    }
    auto found = configured.find(name);
    if (found == configured.end()) {
      TableReader absent(nullptr, fmt::format("extension.{}", name), report);
      config.extensions.push_back(ReadExtension(*builtin, absent, config.policy));
    } else {
      config.extensions.push_back(std::move(found->second));
    }
  }
}

// Reads the whole document. The paths are still as the file has them.
Config ReadDocument(const toml::table& document, ConfigReport& report) {
  Config config;
  TableReader root(&document, "", report);
  ReadGateway(root.Table("gateway"), config);
  ReadJournal(root.Table("journal"), config);
  ReadPolicy(root.Table("policy"), config.policy);
  ReadPlan(root.Table("plan"), config.plan);
  ReadDrivers(root, report, config);
  CheckDefaultDriver(root.Table("gateway"), config);
  ReadExtensions(root, report, config);
  root.Done();
  return config;
}

absl::StatusOr<toml::table> ParseFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(fmt::format("there is no configuration file {}", path));
  }
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& mistake) {
    return absl::InvalidArgumentError(fmt::format(
        "{}:{}: not valid TOML: {}", path, mistake.source().begin.line, mistake.description()));
  }
}

absl::Status ResolvePaths(const Overrides& overrides, const support::Environment& environment,
                          Config& config) {
  const auto absolute = [](const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  };
  if (!overrides.state_dir.empty()) config.state_dir = absolute(overrides.state_dir);
  if (!overrides.socket_path.empty()) config.socket_path = absolute(overrides.socket_path);
  if (config.socket_path.empty()) {
    const auto set = [&environment](const char* name) {
      const char* value = environment(name);
      return value != nullptr && *value != '\0';
    };
    // The command lines look in the same places (support/paths.h).
    config.socket_path =
        config.state_dir.empty() || set("HOLDFAST_SOCKET") || set("XDG_RUNTIME_DIR")
            ? support::DefaultSocketPath(environment)
            : config.state_dir + "/run/gateway.sock";
  }
  config.socket_path = absolute(config.socket_path);
  if (config.state_dir.empty()) config.state_dir = support::DefaultStateDir(environment);
  if (config.journal_path.empty()) config.journal_path = config.state_dir + "/journal.db";
  return CheckSocketPath(config.socket_path);
}

}  // namespace

absl::StatusOr<Config> LoadConfig(const Overrides& overrides,
                                  const support::Environment& environment) {
  toml::table document;
  if (!overrides.config_path.empty()) {
    HF_ASSIGN_OR_RETURN(document, ParseFile(overrides.config_path));
  }
  ConfigReport report(overrides.config_path);
  Config config = ReadDocument(document, report);
  HF_RETURN_IF_ERROR(report.status());
  HF_RETURN_IF_ERROR(ResolvePaths(overrides, environment, config));
  return config;
}

std::vector<std::string> KnownKeys() {
  ConfigReport report("");
  const toml::table nothing;
  ReadDocument(nothing, report);
  // What is read only when it is there: each driver's and each extension's table.
  for (const std::string& name : DriverNames()) {
    TableReader table(nullptr, fmt::format("drivers.{}", name), report);
    FindDriver(name)->configure(table);
  }
  for (const std::string& name : ExtensionNames()) {
    TableReader table(nullptr, fmt::format("extension.{}", name), report);
    ReadExtension(*FindExtension(name), table, planning::Policy());
  }
  return {report.known().begin(), report.known().end()};
}

}  // namespace holdfast::gateway
