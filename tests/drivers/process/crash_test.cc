// SPDX-License-Identifier: Apache-2.0
//
// Method. The promise: whichever process is killed, nothing is lost, doubled or left. A victim
// process works on one sandbox and is killed with SIGKILL, at its end or at one failpoint of the
// driver (all of them are swept); then a new driver on the same world must find, adopt and finish.
// SIGKILL models the death of a process, not of the host. One case again:
// holdfast_driver_process_test
// --gtest_filter=ProcessCrash.*
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "tests/conformance/driver_caller.h"
#include "tests/drivers/process/process_world.h"
#include "tests/support/require.h"

namespace holdfast::conformance {
namespace {

using drivers::process::Isolation;
using model::Verdict;

constexpr char kLong[] = "exec sleep 1000";

// Runs the victim until its death. Whether it died of SIGKILL.
bool RunVictim(const ProcessWorld& world, const std::string& isolation, const std::string& script,
               const std::vector<std::string>& actions, const std::string& failpoint = "") {
  std::vector<std::string> words = {HOLDFAST_PROCESS_VICTIM, world.state_dir(), isolation, script};
  words.insert(words.end(), actions.begin(), actions.end());
  std::vector<char*> argv, env;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string armed = "HOLDFAST_FAILPOINT_KILL_ON=" + failpoint + ":1";
  if (!failpoint.empty()) env.push_back(armed.data());
  env.push_back(nullptr);
  pid_t pid = 0;
  EXPECT_EQ(posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), env.data()), 0);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

Subject VictimSubject(ProcessWorld& world, drivers::Driver& driver) {
  return MakeSubject(driver, "victim", world.Shell(kLong));
}

pid_t WorkloadPid(const ProcessWorld& world) {
  std::ifstream file(world.File("victim", "supervisor.json"));
  return nlohmann::json::parse(file).at("workload_pid").get<pid_t>();
}

TEST(ProcessCrash, WorkloadOfAKilledGatewayIsAdopted) {
  ProcessWorld world;
  ASSERT_TRUE(RunVictim(world, "none", kLong, {"provision", "start"}));
  const auto supervisors = world.Supervisors();

  const auto driver = world.MakeDriver();
  const Subject subject = VictimSubject(world, *driver);

  EXPECT_EQ(supervisors.size(), 1u);
  EXPECT_EQ(Name(Probe(*driver, subject, "start").verdict), "Present");
  EXPECT_EQ(Name(Perform(*driver, subject, "start").verdict), "Done");
  EXPECT_EQ(world.Supervisors(), supervisors);
  EXPECT_EQ(Name(Perform(*driver, subject, "stop").verdict), "Done");
  EXPECT_TRUE(world.Supervisors().empty());
}

TEST(ProcessCrash, EveryFailpointLeavesAWorldThatFinishes) {
  // The step in which it dies comes last.
  const std::vector<std::pair<std::string, std::vector<std::string>>> deaths = {
      {"kProcessBeforeProvision", {"provision"}},
      {"kProcessAfterProvision", {"provision"}},
      {"kProcessBeforeSpawn", {"provision", "start"}},
      {"kProcessAfterSpawn", {"provision", "start"}},
      {"kProcessBeforeStop", {"provision", "start", "stop"}},
      {"kProcessAfterStop", {"provision", "start", "stop"}},
      {"kProcessBeforeDestroy", {"provision", "start", "destroy"}},
      {"kProcessAfterDestroy", {"provision", "start", "destroy"}}};
  for (const auto& [failpoint, actions] : deaths) {
    SCOPED_TRACE(failpoint);
    ProcessWorld world;
    ASSERT_TRUE(RunVictim(world, "none", kLong, actions, failpoint));
    const auto driver = world.MakeDriver();
    const Subject subject = VictimSubject(world, *driver);
    const bool forward = actions.back() == "provision" || actions.back() == "start";
    if (!forward) {
      EXPECT_EQ(Name(Perform(*driver, subject, actions.back()).verdict), "Done");
      EXPECT_EQ(world.CountRunning(), 0u);
      continue;
    }
    EXPECT_EQ(Name(Perform(*driver, subject, "provision").verdict), "Done");
    EXPECT_EQ(Name(Perform(*driver, subject, "start").verdict), "Done");
    EXPECT_EQ(world.CountRunning(), 1u);
    EXPECT_EQ(world.CountSandboxes(), 1u);
  }
}

TEST(ProcessCrash, ProbeRightAfterTheSpawnNeverSaysAbsent) {
  ProcessWorld world;
  ASSERT_TRUE(RunVictim(world, "none", kLong, {"provision", "start"}, "kProcessAfterSpawn"));

  const auto driver = world.MakeDriver();

  EXPECT_EQ(Name(Probe(*driver, VictimSubject(world, *driver), "start").verdict), "Present");
}

TEST(ProcessCrash, KilledSupervisorTakesTheWorkloadAlong) {
  ProcessWorld world;
  Exits exits;
  const auto driver = world.MakeDriver();
  driver->Watch(exits.Observer());
  const Subject subject = MakeSubject(*driver, "victim", world.RunsLong());
  Perform(*driver, subject, "provision");
  Perform(*driver, subject, "start");
  ASSERT_EQ(world.Supervisors().size(), 1u);

  kill(world.Supervisors()[0], SIGKILL);

  const auto exit = exits.WaitFor(subject.owner);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->reason, "Lost");
  EXPECT_FALSE(exit->exit_code.has_value());
  EXPECT_TRUE(ProcessWorld::Eventually([&] { return world.Marked().empty(); }));
}

TEST(ProcessCrash, StopSweepsWhatAKilledSupervisorLeft) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  // The grandchild leaves session and parent; only its environment says whose it is.
  const Subject subject =
      MakeSubject(*driver, "victim", world.Shell("setsid sleep 1000 & exec sleep 1000"));
  Perform(*driver, subject, "provision");
  Perform(*driver, subject, "start");
  ASSERT_TRUE(ProcessWorld::Eventually([&] { return world.Marked().size() == 2; }));
  ASSERT_EQ(world.Supervisors().size(), 1u);
  kill(world.Supervisors()[0], SIGKILL);
  ASSERT_TRUE(ProcessWorld::Eventually([&] { return world.Marked().size() == 1; }));
  const auto owned = ListOwned(*driver);
  ASSERT_TRUE(owned.ok());
  EXPECT_EQ(owned->size(), 2u) << "the directory and the process that was left";

  EXPECT_EQ(Name(Perform(*driver, subject, "stop").verdict), "Done");

  EXPECT_TRUE(world.Marked().empty());
}

TEST(ProcessCrash, KilledWorkloadIsReported) {
  ProcessWorld world;
  ASSERT_TRUE(RunVictim(world, "none", kLong, {"provision", "start"}));
  Exits exits;
  const auto driver = world.MakeDriver();
  driver->Watch(exits.Observer());

  kill(WorkloadPid(world), SIGKILL);

  const auto exit = exits.WaitFor(VictimSubject(world, *driver).owner);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->reason, "Killed");
  EXPECT_EQ(exit->exit_code, 128 + SIGKILL);
}

TEST(ProcessCrash, BubblewrapDiesWithItsSupervisor) {
  HF_NEEDS("bubblewrap", BubblewrapWorks(), "it does not work on this host");
  ProcessWorld world(Isolation::kBubblewrap);
  ASSERT_TRUE(RunVictim(world, "bubblewrap", "setsid sleep 1000 & echo ready; exec sleep 1000",
                        {"provision", "start"}));
  ASSERT_EQ(world.Supervisors().size(), 1u);
  ASSERT_TRUE(ProcessWorld::Eventually([&] {
    std::ifstream log(world.File("victim", "output.log"));
    std::string word;
    return static_cast<bool>(log >> word);
  }));

  kill(world.Supervisors()[0], SIGKILL);

  EXPECT_TRUE(ProcessWorld::Eventually([&] { return world.Marked().empty(); }));
}

}  // namespace
}  // namespace holdfast::conformance
