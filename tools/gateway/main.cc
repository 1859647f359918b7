// SPDX-License-Identifier: Apache-2.0
//
// holdfast-gateway: the daemon. Reads its configuration, opens its socket, takes the journal,
// starts the engine, serves until it is told to stop, and drains.
//
//   exit 0  told to stop, and everything is committed
//   exit 1  could not start or go on: the journal is held or damaged, the socket is taken, …
//   exit 2  the configuration or the command line is wrong; nothing was touched
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "extensions/chain.h"
#include "journal/journal.h"
#include "journal/seal.h"
#include "statemachine/engine/engine.h"
#include "support/status_macros.h"
#include "tools/gateway/archiving.h"
#include "tools/gateway/config.h"
#include "tools/gateway/resealing.h"
#include "tools/gateway/server.h"
#include "tools/gateway/signals.h"

namespace holdfast::gateway {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// How long the line that says "ready" waits for recovery, so as to have its counts: not long, since
// a stuck participant must not hold it up. The gateway serves meanwhile.
constexpr std::chrono::milliseconds kRecoveryReportWait{1'000};

model::UnixMillis Now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::string ReadBootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

void SetUpLog(const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("gateway",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

absl::Status MakeStateDir(const std::string& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("cannot make the state directory {}: {}", path, error.message()));
  }
  if (made) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
    if (error) return absl::UnavailableError(fmt::format("cannot make {} private", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<extensions::ExtensionChain>> MakeChain(
    const Config& config, const ParticipantContext& participant) {
  std::vector<extensions::ChainItem> items;
  for (const ConfiguredExtension& configured : config.extensions) {
    HF_ASSIGN_OR_RETURN(auto extension, configured.make(participant));
    items.push_back({.extension = std::move(extension),
                     .config_digest = configured.config_digest,
                     .global = configured.global,
                     .activation_key = configured.activation_key,
                     .allowed_workspaces = configured.workspaces,
                     .on_failure = configured.on_failure,
                     .deadline = configured.deadline});
  }
  HF_ASSIGN_OR_RETURN(auto chain, extensions::ExtensionChain::Make(std::move(items), config.plan));
  std::vector<std::string_view> order;
  for (const extensions::Descriptor* descriptor : chain->descriptors()) {
    order.push_back(descriptor->name);
  }
  spdlog::info("chain extensions=[{}]", fmt::join(order, ","));
  return chain;
}

absl::StatusOr<std::vector<std::unique_ptr<drivers::Driver>>> MakeDrivers(
    const Config& config, const ParticipantContext& participant) {
  std::vector<std::unique_ptr<drivers::Driver>> made;
  for (const ConfiguredDriver& configured : config.drivers) {
    HF_ASSIGN_OR_RETURN(auto driver, configured.make(participant));
    const drivers::Capabilities& capabilities = driver->capabilities();
    spdlog::info("driver name={} version={} features=[{}]", capabilities.name, capabilities.version,
                 fmt::join(capabilities.features, ","));
    made.push_back(std::move(driver));
  }
  return made;
}

void LogStartup(const engine::Engine& engine) {
  const engine::StartupReport report = engine.startup_report();
  spdlog::info(
      "recovery complete={} total={} restored={} resumed={} undone={} parked={} orphans={} "
      "ghosts={} "
      "host_rebooted={} took_ms={}",
      !engine.recovering(), report.total, report.restored, report.resumed, report.undone,
      report.parked, report.orphans, report.ghosts, report.host_rebooted, report.took.count());
  for (const std::string& finding : report.findings) spdlog::warn("finding text=\"{}\"", finding);
}

absl::Status Serve(const Config& config) {
  HF_RETURN_IF_ERROR(MakeStateDir(config.state_dir));
  const std::string boot_id = ReadBootId();
  std::unique_ptr<journal::Sealer> sealer;
  if (!config.key_file.empty()) {
    HF_ASSIGN_OR_RETURN(sealer, journal::Sealer::FromKeyFile(config.key_file));
  }
  // The journal before the socket: of two gateways, the one that does not get it leaves the other's
  // socket alone.
  HF_ASSIGN_OR_RETURN(auto journal, journal::Journal::Open({.path = config.journal_path,
                                                            .owner = "holdfast-gateway",
                                                            .boot_id = boot_id,
                                                            .limits = {}}));
  HF_ASSIGN_OR_RETURN(auto listener, Listener::Open(config.socket_path));

  std::unique_ptr<extensions::ExtensionChain> chain;
  std::unique_ptr<engine::Engine> engine;
  ServiceContext context;
  context.facts = {.version = HOLDFAST_VERSION,
                   .journal_path = config.journal_path,
                   .default_driver = config.default_driver,
                   .drivers = {},
                   .since_unix_ms = Now().value};
  for (const ConfiguredDriver& driver : config.drivers) {
    context.facts.drivers.push_back(driver.name);
  }
  // Open before the journal is read, so that a caller that waits for the socket finds it.
  HF_ASSIGN_OR_RETURN(auto server, Server::Start(std::move(listener), context));

  const ParticipantContext participant{.state_dir = config.state_dir,
                                       .journal_id = journal->reader().journal_id(),
                                       .boot_id = boot_id,
                                       .socket_path = config.socket_path};
  HF_ASSIGN_OR_RETURN(chain, MakeChain(config, participant));
  HF_ASSIGN_OR_RETURN(auto drivers, MakeDrivers(config, participant));
  HF_ASSIGN_OR_RETURN(engine, engine::Engine::Start(*journal, *chain, std::move(drivers),
                                                    {.policy = config.policy,
                                                     .threads = config.threads,
                                                     .inputs_max = config.commands_max,
                                                     .boot_id = boot_id,
                                                     .sealer = sealer.get(),
                                                     .now = Now}));
  context.engine.store(engine.get(), std::memory_order_release);
  server->SetServing(true);
  static_cast<void>(engine->WaitRecovered(kRecoveryReportWait));
  spdlog::info("ready socket={} journal={} epoch={} restored={} pid={} version={}",
               config.socket_path, config.journal_path, journal->epoch(),
               engine->startup_report().restored, getpid(), HOLDFAST_VERSION);
  LogStartup(*engine);
  std::optional<Resealing> resealing;
  if (sealer != nullptr) resealing.emplace(*journal, *sealer);
  std::optional<Archiving> archiving;
  archiving.emplace(*journal, Archiving::Ages{config.archive_after, config.archive_keep});

  const int signal = WaitForSignal();
  spdlog::info("draining signal={}", signal);
  server->SetServing(false);
  server->StopAccepting();
  resealing.reset();
  archiving.reset();
  engine->Drain();
  server->Shutdown();
  context.engine.store(nullptr, std::memory_order_release);
  server = nullptr;
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app("The Holdfast gateway: keeps agent sandboxes' lifecycles, durably.");
  Overrides overrides;
  bool check_config = false;
  app.add_option("--config", overrides.config_path,
                 "configuration file (TOML); all of it is optional");
  app.add_option("--state-dir", overrides.state_dir, "where journal and drivers keep things");
  app.add_option("--socket", overrides.socket_path, "Unix socket to serve on");
  app.add_flag("--check-config", check_config,
               "read the configuration, say what is wrong, and end");
  app.set_version_flag("--version", std::string("holdfast-gateway " HOLDFAST_VERSION));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }

  absl::StatusOr<Config> config = LoadConfig(overrides, support::ProcessEnvironment());
  if (!config.ok()) {
    fmt::print(stderr, "{}\n", std::string(config.status().message()));
    return kExitUsage;
  }
  if (check_config) {
    std::vector<std::string_view> order;
    for (const ConfiguredExtension& extension : config->extensions) order.push_back(extension.name);
    fmt::print("ok socket={} journal={} default_driver={} extensions=[{}]\n", config->socket_path,
               config->journal_path, config->default_driver, fmt::join(order, ","));
    return 0;
  }
  SetUpLog(config->log_level);
  InstallSignalHandlers();
  if (absl::Status status = Serve(*config); !status.ok()) {
    spdlog::error("failed reason=\"{}\"", std::string(status.message()));
    return kExitFailed;
  }
  spdlog::info("stopped");
  return 0;
}

}  // namespace
}  // namespace holdfast::gateway

int main(int argc, char** argv) { return holdfast::gateway::Main(argc, argv); }
