// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/builtins.h"

#include <array>
#include <filesystem>
#include <map>
#include <utility>

#include "drivers/process/driver.h"
#include "extensions/env/env.h"
#include "extensions/ipam/address_range.h"
#include "extensions/ipam/ipam.h"

namespace holdfast::gateway {
namespace {

DriverMaker ConfigureProcess(TableReader& table) {
  using drivers::process::Isolation;
  constexpr auto kIsolations = std::to_array<std::string_view>({"auto", "bubblewrap", "none"});
  drivers::process::ProcessOptions options;
  std::string isolation = "auto";
  table.ReadChoice("isolation", kIsolations, isolation);
  if (isolation == "bubblewrap") options.isolation = Isolation::kBubblewrap;
  if (isolation == "none") options.isolation = Isolation::kNone;
  table.ReadAbsolutePath("state_dir", options.state_dir);
  table.ReadAbsolutePath("supervisor", options.supervisor);
  return [options](const ParticipantContext& context) mutable {
    if (options.state_dir.empty()) options.state_dir = context.state_dir + "/process";
    options.journal_id = context.journal_id;
    options.hide = {context.state_dir};
    if (!context.socket_path.empty()) {
      options.hide.push_back(std::filesystem::path(context.socket_path).parent_path().string());
    }
    return drivers::process::MakeProcessDriver(options);
  };
}

ExtensionMaker ConfigureEnv(TableReader& table) {
  extensions::EnvConfig config;
  table.ReadStringMap("env", config.env);
  table.ReadStringMap("labels", config.labels);
  // Making it has no side effects, so that what it would refuse is found here.
  if (absl::Status status = extensions::MakeEnvExtension(config).status(); !status.ok()) {
    table.Mistake("", std::string(status.message()));
  }
  return [config](const ParticipantContext&) { return extensions::MakeEnvExtension(config); };
}

ExtensionMaker ConfigureIpam(TableReader& table) {
  extensions::IpamConfig config;
  config.pool = "default";
  table.Read("pool", config.pool);
  table.Read("range", config.range);
  table.ReadAbsolutePath("state_dir", config.state_dir);
  if (config.range.empty()) {
    table.Mistake("range", "must be set, like \"10.70.0.0/24\" or \"10.70.0.10-10.70.0.20\"");
  } else if (const auto range = extensions::ipam::ParseAddressRange(config.range); !range.ok()) {
    table.Mistake("range", std::string(range.status().message()));
  }
  return [config](const ParticipantContext& context) mutable {
    if (config.state_dir.empty()) config.state_dir = context.state_dir + "/ipam";
    return extensions::MakeIpamExtension(config);
  };
}

constexpr auto kDrivers = std::to_array<DriverBuiltin>({
    {"process", ConfigureProcess},
});

constexpr auto kExtensions = std::to_array<ExtensionBuiltin>({
    {"env", ConfigureEnv},
    {"ipam", ConfigureIpam},
});

template <typename Builtins>
auto Find(const Builtins& builtins, std::string_view name) -> decltype(&builtins[0]) {
  for (const auto& builtin : builtins) {
    if (builtin.name == name) return &builtin;
  }
  return nullptr;
}

template <typename Builtins>
std::vector<std::string> Names(const Builtins& builtins) {
  std::vector<std::string> names;
  for (const auto& builtin : builtins) names.emplace_back(builtin.name);
  return names;
}

}  // namespace

const DriverBuiltin* FindDriver(std::string_view name) { return Find(kDrivers, name); }
const ExtensionBuiltin* FindExtension(std::string_view name) { return Find(kExtensions, name); }
std::vector<std::string> DriverNames() { return Names(kDrivers); }
std::vector<std::string> ExtensionNames() { return Names(kExtensions); }

}  // namespace holdfast::gateway
