// SPDX-License-Identifier: Apache-2.0
//
// Method. The promise: whatever was acknowledged is not lost, nothing exists twice, and nothing is
// left over, wherever the process is killed. A child works through a fixed programme
// (crash_child.cc: four sandboxes, up to three at once, creates, stops, starts and deletes in
// flight together) with real processes, leases and a real journal. It is killed with SIGKILL at the
// n-th failpoint it comes to, for n = 1, 2, 3 …, until it ends by itself. After each death, here:
// the journal is verified, the house opened again, recovery waited for, and both sides compared
// (journal and world); then all is deleted, and nothing may be left.
//
// SIGKILL models the death of a process, not a power cut: what the kernel took stays. Which thread
// comes to a failpoint first differs from run to run; so every n is a fresh interleaving.
// One case by hand: HOLDFAST_FAILPOINT_KILL_AT=n holdfast_crash_child DIR
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/failpoint.h"
#include "tests/crash/house.h"
#include "tests/support/temp_dir.h"

namespace holdfast::crash {
namespace {

using std::chrono::milliseconds;

struct ChildRun {
  int status = 0;
  std::set<std::string> said;
  bool Said(const std::string& line) const { return said.contains(line); }
};

ChildRun RunChild(const std::string& dir, std::optional<int> kill_at, const std::string& trace) {
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin"};
  if (kill_at) environment.push_back("HOLDFAST_FAILPOINT_KILL_AT=" + std::to_string(*kill_at));
  if (!trace.empty()) environment.push_back("HOLDFAST_FAILPOINT_TRACE=" + trace);
  std::vector<char*> envp;
  for (std::string& entry : environment) envp.push_back(entry.data());
  envp.push_back(nullptr);
  std::string program = HOLDFAST_CRASH_CHILD;
  std::string argument = dir;
  char* argv[] = {program.data(), argument.data(), nullptr};

  int out[2];
  EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  pid_t pid = 0;
  EXPECT_EQ(posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, envp.data()), 0);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(out[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  close(out[0]);
  ChildRun run;
  waitpid(pid, &run.status, 0);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) run.said.insert(line);
  return run;
}

// What the ledger says is held, as what the world should show.
World Expected(journal::Reader& reader) {
  World expected;
  auto rows = reader.ReadLedger("", /*all=*/false);
  EXPECT_TRUE(rows.ok());
  for (const journal::LedgerRow& row : *rows) {
    EXPECT_EQ(row.status, journal::LedgerStatus::kHeld) << row.kind << " " << row.name;
    if (row.kind == "directory") expected.directories.insert(row.name);
    if (row.kind == "process") {
      expected.supervisors.insert(row.name);
      expected.workloads.insert(row.name);
    }
    if (row.kind == "lease") expected.leases.insert(row.handle);
  }
  return expected;
}

model::State StateOf(engine::Engine& engine, const std::string& id) {
  auto update = engine.Get(model::SandboxId{id});
  return update.ok() ? update->sandbox.state : model::State::kRequested;
}

// What was acknowledged is there, whatever happened to the process.
void ExpectNothingAcknowledgedIsLost(engine::Engine& engine, const ChildRun& run) {
  for (const std::string id : {"a", "b", "c", "d"}) {
    if (!run.Said("accepted create " + id)) continue;
    ASSERT_TRUE(engine.Get(model::SandboxId{id}).ok()) << "lost the acknowledged create of " << id;
    const model::State state = StateOf(engine, id);
    if (run.Said("accepted delete " + id)) {
      EXPECT_EQ(state, model::State::kDeleted) << id;
      continue;
    }
    const bool may_be_deleted =
        id == "a" || id == "c";  // the delete may be durable and not yet told
    const bool may_be_stopped = id == "b" || id == "d";
    if (run.Said("accepted start " + id) ||
        (run.Said("accepted create " + id) && !may_be_deleted && !may_be_stopped)) {
      EXPECT_EQ(state, model::State::kRunning) << id << Name(state);
    } else if (run.Said("accepted stop " + id)) {
      EXPECT_TRUE(state == model::State::kStopped || state == model::State::kRunning)
          << id << Name(state);
    } else {
      EXPECT_TRUE(state == model::State::kRunning ||
                  (may_be_deleted && state == model::State::kDeleted) ||
                  (may_be_stopped && state == model::State::kStopped))
          << id << " is " << Name(state);
    }
  }
}

void ExpectWorldAgrees(House& house, const std::string& dir) {
  const World expected = Expected(house.journal->reader());
  World world = Look(dir);
  // A workload that a probe found is, until its exec, still a copy of its supervisor.
  for (int i = 0; i < 500 && world.supervisors != expected.supervisors; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
    world = Look(dir);
  }
  EXPECT_EQ(world.directories, expected.directories);
  EXPECT_EQ(world.leases, expected.leases);
  EXPECT_EQ(world.supervisors, expected.supervisors) << "a workload is missing, or exists twice";
  EXPECT_EQ(world.workloads, expected.workloads);
}

// After the death: verify, recover, compare, delete all, and look once more.
void RecoverAndCheck(const std::string& dir, const ChildRun& run) {
  auto opened = House::Open(dir);
  ASSERT_TRUE(opened.ok()) << opened.status();
  House& house = **opened;
  auto before = house.journal->reader().Verify();
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_TRUE(before->ok()) << before->damages.front().message;
  ASSERT_TRUE(house.engine->WaitIdleForTest(milliseconds(30'000)))
      << "recovery does not come to rest";

  const engine::StartupReport report = house.engine->startup_report();
  EXPECT_EQ(report.total, report.restored + report.resumed + report.undone + report.parked);
  EXPECT_EQ(report.parked, 0u);
  EXPECT_EQ(report.orphans, 0u) << (report.findings.empty() ? "" : report.findings.front());
  EXPECT_EQ(report.ghosts, 0u) << (report.findings.empty() ? "" : report.findings.front());
  ExpectNothingAcknowledgedIsLost(*house.engine, run);
  ExpectWorldAgrees(house, dir);

  auto live = house.engine->ListLive();
  ASSERT_TRUE(live.ok());
  for (const engine::Update& update : *live) {
    auto deleted = house.engine->SubmitAndWait(Delete(update.sandbox.id.value), /*wait=*/true);
    ASSERT_TRUE(deleted.ok()) << deleted.status();
    EXPECT_EQ(deleted->sandbox.state, model::State::kDeleted);
  }
  EXPECT_TRUE(Look(dir).empty()) << "something is left over";
  auto after = house.journal->reader().Verify();
  ASSERT_TRUE(after.ok());
  EXPECT_TRUE(after->ok()) << after->damages.front().message;
}

// The sweep is cut into parts so that they can run side by side: part k takes n = k, k + parts, …
class Sweep : public ::testing::TestWithParam<int> {};
constexpr int kParts = 4;

TEST_P(Sweep, NothingIsLostDoubledOrLeftOverWhereverItIsKilled) {
  int deaths = 0;
  for (int n = GetParam();; n += kParts) {
    SCOPED_TRACE("killed at failpoint hit " + std::to_string(n));
    testing::TempDir dir;
    const ChildRun run = RunChild(dir.path(), n, "");
    const bool killed = WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGKILL;
    ASSERT_TRUE(killed || (WIFEXITED(run.status) && WEXITSTATUS(run.status) == 0))
        << "the child failed by itself, status " << run.status;
    RecoverAndCheck(dir.path(), run);
    if (HasFailure() || !killed) break;
    ++deaths;
  }
  std::printf("%d deaths survived\n", deaths);
  EXPECT_GT(deaths, 20) << "the programme is too short to prove anything";
}

INSTANTIATE_TEST_SUITE_P(Part, Sweep, ::testing::Range(1, kParts + 1));

// A point that is never hit proves nothing about the place where it stands.
TEST(SweepCoverage, EveryFailpointIsHitByTheProgramme) {
  testing::TempDir dir;
  testing::TempDir house;
  const std::string trace = dir.File("trace");
  const ChildRun run = RunChild(house.path(), std::nullopt, trace);
  ASSERT_EQ(run.status, 0);
  std::set<std::string> hit;
  std::ifstream lines(trace);
  for (std::string line; std::getline(lines, line);) hit.insert(line);

  for (const support::Failpoint point : support::AllFailpoints()) {
    EXPECT_TRUE(hit.contains(std::string(Name(point)))) << Name(point) << " was never hit";
  }
  RecoverAndCheck(house.path(), run);
}

}  // namespace
}  // namespace holdfast::crash
