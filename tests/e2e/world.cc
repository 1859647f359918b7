// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>

namespace holdfast::e2e {
namespace {

namespace fs = std::filesystem;

std::set<std::string> Names(const fs::path& dir) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error))
    names.insert(entry.path().filename());
  return names;
}

// Of a link to something below the state directory: its sandbox, or "" when it is no sandbox's.
// Unset when it points elsewhere.
std::optional<std::string> SandboxOf(const std::string& link, const std::string& state_dir) {
  if (!link.starts_with(state_dir + "/")) return std::nullopt;
  const std::string prefix = state_dir + "/process/sandboxes/";
  if (!link.starts_with(prefix)) return "";
  return link.substr(prefix.size(), link.find('/', prefix.size()) - prefix.size());
}

// Why a process is counted: its working directory, else what it holds open.
std::optional<std::string> SandboxOfProcess(const fs::path& process, const std::string& state_dir) {
  std::error_code error;
  auto found = SandboxOf(fs::read_symlink(process / "cwd", error), state_dir);
  for (const auto& fd : fs::directory_iterator(process / "fd", error)) {
    if (found && !found->empty()) break;
    const auto held = SandboxOf(fs::read_symlink(fd.path(), error), state_dir);
    if (held) found = held;
  }
  return found;
}

}  // namespace

World Look(const std::string& state_dir, pid_t gateway) {
  World world;
  world.directories = Names(state_dir + "/process/sandboxes");
  for (const char* unfinished : {"staging", "tombstones"}) {
    for (const std::string& name : Names(state_dir + "/process/" + unfinished)) {
      world.directories.insert(std::string(unfinished) + "/" + name);
    }
  }
  for (const std::string& pool : Names(state_dir + "/ipam")) {
    for (const std::string& name : Names(state_dir + "/ipam/" + pool)) {
      if (!name.starts_with(".lock-")) world.leases.insert(pool + "/" + name);
    }
  }
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    const std::string name = process.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    if (pid == gateway || pid == getpid()) continue;
    const auto sandbox = SandboxOfProcess(process.path(), state_dir);
    if (!sandbox) continue;
    const std::string exe = fs::read_symlink(process.path() / "exe", error);
    if (sandbox->empty()) {
      world.others.push_back(fmt::format("{} {}", pid, exe));
    } else if (exe == HOLDFAST_SUPERVISOR) {
      world.supervisors[*sandbox].push_back(pid);
    } else {
      world.workloads[*sandbox].push_back(pid);
    }
  }
  return world;
}

std::string World::Text() const {
  return fmt::format("directories {}\nleases {}\nsupervisors {}\nworkloads {}\nothers {}\n",
                     directories, leases, supervisors, workloads, others);
}

}  // namespace holdfast::e2e
