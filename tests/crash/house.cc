// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/house.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "drivers/process/driver.h"
#include "extensions/env/env.h"
#include "extensions/ipam/ipam.h"
#include "support/status_macros.h"

namespace holdfast::crash {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

extensions::ChainItem Item(std::unique_ptr<extensions::Extension> extension) {
  extensions::ChainItem item;
  item.extension = std::move(extension);
  return item;
}

std::set<std::string> Names(const fs::path& dir) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error))
    names.insert(entry.path().filename());
  return names;
}

// "<dir>/process/sandboxes/<id>" of a link that points there or below; "?" when below `dir`
// otherwise.
std::string SandboxOf(const std::string& link, const std::string& dir) {
  if (!link.starts_with(dir + "/process")) return "";
  const std::string prefix = dir + "/process/sandboxes/";
  if (!link.starts_with(prefix)) return "?";
  return link.substr(prefix.size(), link.find('/', prefix.size()) - prefix.size());
}

}  // namespace

absl::StatusOr<std::unique_ptr<House>> House::Open(const std::string& dir) {
  auto house = std::make_unique<House>();
  journal::Options journal_options;
  journal_options.path = dir + "/journal.db";
  HF_ASSIGN_OR_RETURN(house->journal, journal::Journal::Open(std::move(journal_options)));

  std::vector<extensions::ChainItem> items;
  extensions::EnvConfig env;
  env.env["SITE"] = "test";
  HF_ASSIGN_OR_RETURN(auto env_extension, extensions::MakeEnvExtension(std::move(env)));
  items.push_back(Item(std::move(env_extension)));
  extensions::IpamConfig ipam;
  ipam.pool = "pool";
  ipam.range = "10.70.0.0/24";
  ipam.state_dir = dir + "/ipam";
  HF_ASSIGN_OR_RETURN(auto ipam_extension, extensions::MakeIpamExtension(std::move(ipam)));
  items.push_back(Item(std::move(ipam_extension)));
  HF_ASSIGN_OR_RETURN(house->chain, extensions::ExtensionChain::Make(std::move(items)));

  drivers::process::ProcessOptions process;
  process.state_dir = dir + "/process";
  process.supervisor = HOLDFAST_SUPERVISOR;
  // One kind everywhere, so that the sweep walks the same road on every machine.
  process.isolation = drivers::process::Isolation::kNone;
  HF_ASSIGN_OR_RETURN(auto driver, drivers::process::MakeProcessDriver(std::move(process)));
  std::vector<std::unique_ptr<drivers::Driver>> drivers;
  drivers.push_back(std::move(driver));

  engine::Options options;
  options.policy.backoff_initial = milliseconds(10);
  options.boot_id = "this-boot";
  HF_ASSIGN_OR_RETURN(house->engine, engine::Engine::Start(*house->journal, *house->chain,
                                                           std::move(drivers), options));
  return house;
}

House::~House() {
  engine.reset();
  chain.reset();
  if (journal) journal->Close().IgnoreError();  // a test that cares closes it itself
}

model::Command Create(const std::string& id) {
  model::CreateSandbox create;
  create.spec.command = {"sleep", "100000"};
  return {model::SandboxId{id}, "create-" + id, create};
}
model::Command Stop(const std::string& id) {
  return {model::SandboxId{id}, "", model::StopSandbox{false, 5'000}};
}
model::Command Start(const std::string& id) {
  return {model::SandboxId{id}, "", model::StartSandbox{}};
}
model::Command Delete(const std::string& id) {
  return {model::SandboxId{id}, "", model::DeleteSandbox{false, 5'000}};
}

World Look(const std::string& dir) {
  World world;
  world.directories = Names(dir + "/process/sandboxes");
  for (const char* unfinished : {"staging", "tombstones"}) {
    for (const std::string& name : Names(dir + "/process/" + unfinished)) {
      world.directories.insert(std::string(unfinished) + "/" + name);
    }
  }
  world.leases = Names(dir + "/ipam/pool");
  std::erase_if(world.leases, [](const std::string& name) { return name.starts_with(".lock-"); });
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    const std::string name = process.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string exe = fs::read_symlink(process.path() / "exe", error);
    const bool supervisor = exe == HOLDFAST_SUPERVISOR;
    std::string sandbox = SandboxOf(fs::read_symlink(process.path() / "cwd", error), dir);
    if (supervisor) {
      for (const auto& fd : fs::directory_iterator(process.path() / "fd", error)) {
        if (!sandbox.empty()) break;
        sandbox = SandboxOf(fs::read_symlink(fd.path(), error), dir);
      }
      if (!sandbox.empty()) world.supervisors.insert(sandbox);
    } else if (!sandbox.empty()) {
      world.workloads.insert(sandbox);
    }
  }
  return world;
}

}  // namespace holdfast::crash
