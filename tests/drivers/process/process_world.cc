// SPDX-License-Identifier: Apache-2.0
#include "tests/drivers/process/process_world.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "fmt/format.h"
#include "tests/conformance/driver_caller.h"

namespace holdfast::conformance {
namespace {

namespace fs = std::filesystem;

std::vector<pid_t> AllPids() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && pid != getpid()) pids.push_back(pid);
  }
  return pids;
}

std::size_t CountEntries(const std::string& path) {
  std::error_code error;
  const fs::directory_iterator entries(path, error);
  if (error) return 0;
  return static_cast<std::size_t>(std::distance(fs::begin(entries), fs::end(entries)));
}

}  // namespace

ProcessWorld::ProcessWorld(drivers::process::Isolation isolation) : isolation_(isolation) {}

ProcessWorld::~ProcessWorld() {
  Repair();
  {
    const auto driver = MakeDriver();
    const auto owned = ListOwned(*driver);
    EXPECT_TRUE(owned.ok()) << owned.status();
    if (owned.ok()) {
      for (const auto& one : *owned) {
        Subject subject;
        subject.owner = one.owner;
        subject.epoch = {1'000'000};
        EXPECT_EQ(Name(Perform(*driver, subject, "destroy").verdict), "Done");
      }
    }
  }
  EXPECT_TRUE(Eventually([this] { return Supervisors().empty() && Marked().empty(); }))
      << "processes are left behind";
  for (const pid_t pid : Supervisors()) kill(pid, SIGKILL);
  for (const pid_t pid : Marked()) kill(pid, SIGKILL);
}

std::string ProcessWorld::state_dir() const { return directory_.File("state"); }

std::string ProcessWorld::File(const std::string& sandbox, const std::string& name) const {
  return fmt::format("{}/sandboxes/{}/{}", state_dir(), sandbox, name);
}

std::unique_ptr<drivers::Driver> ProcessWorld::MakeDriver() {
  auto driver = drivers::process::MakeProcessDriver(
      {.state_dir = state_dir(), .supervisor = "", .isolation = isolation_, .journal_id = "test"});
  if (!driver.ok()) {
    std::fprintf(stderr, "no driver: %s\n", driver.status().ToString().c_str());
    std::abort();  // no test can say anything without it
  }
  return *std::move(driver);
}

model::SandboxSpec ProcessWorld::Shell(const std::string& script) {
  model::SandboxSpec spec;
  spec.name = "test";
  spec.driver = "process";
  spec.command = {"/bin/sh", "-c", script};
  return spec;
}

model::SandboxSpec ProcessWorld::RunsLong() { return Shell("exec sleep 1000"); }
model::SandboxSpec ProcessWorld::ExitsWith(int code) { return Shell(fmt::format("exit {}", code)); }

std::size_t ProcessWorld::CountSandboxes() {
  std::size_t count = 0;
  for (const char* kind : {"sandboxes", "staging", "tombstones"}) {
    count += CountEntries(fmt::format("{}/{}", state_dir(), kind));
  }
  return count;
}

std::size_t ProcessWorld::CountRunning() { return Supervisors().size(); }

std::vector<pid_t> ProcessWorld::Supervisors() const {
  std::vector<pid_t> found;
  for (const pid_t pid : AllPids()) {
    std::error_code error;
    const fs::path program = fs::read_symlink(fmt::format("/proc/{}/exe", pid), error);
    if (error || program.filename() != "holdfast-process-supervisor") continue;
    const fs::path open = fs::read_symlink(fmt::format("/proc/{}/fd/6", pid), error);
    if (!error && open.native().starts_with(state_dir())) found.push_back(pid);
  }
  // A supervisor's child looks like it until it has become the workload.
  std::erase_if(found, [all = found](pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string one, name, state;
    pid_t parent = 0;
    file >> one >> name >> state >> parent;
    return std::find(all.begin(), all.end(), parent) != all.end();
  });
  return found;
}

std::vector<pid_t> ProcessWorld::Marked() const {
  std::vector<pid_t> found;
  for (const pid_t pid : AllPids()) {
    std::ifstream file(fmt::format("/proc/{}/environ", pid));
    const std::string environment((std::istreambuf_iterator<char>(file)),
                                  std::istreambuf_iterator<char>());
    if (environment.find(fmt::format("HOLDFAST_SANDBOX_OWNER=test@{}@", state_dir())) !=
        std::string::npos) {
      found.push_back(pid);
    }
  }
  return found;
}

// Also as root, whom permissions do not stop.
bool ProcessWorld::Break() {
  return std::rename((state_dir() + "/sandboxes").c_str(), (state_dir() + "/aside").c_str()) == 0;
}

void ProcessWorld::Repair() {
  const std::string aside = state_dir() + "/aside";
  if (access(aside.c_str(), F_OK) != 0) return;
  EXPECT_EQ(std::rename(aside.c_str(), (state_dir() + "/sandboxes").c_str()), 0);
}

bool ProcessWorld::Eventually(const std::function<bool()>& claim) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!claim()) {
    if (std::chrono::steady_clock::now() > until) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

bool BubblewrapWorks() {
  const holdfast::testing::TempDir directory;
  const auto driver =
      drivers::process::MakeProcessDriver({.state_dir = directory.File("state"),
                                           .supervisor = "",
                                           .isolation = drivers::process::Isolation::kBubblewrap,
                                           .journal_id = "test"});
  if (!driver.ok()) {
    std::fprintf(stderr, "SKIPPED, LOUDLY: nothing of bubblewrap is tested on this host: %s\n",
                 driver.status().ToString().c_str());
  }
  return driver.ok();
}

}  // namespace holdfast::conformance
