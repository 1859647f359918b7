// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/identity.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "tests/conformance/driver_caller.h"
#include "tests/drivers/process/process_world.h"
#include "tests/support/status_matchers.h"

namespace holdfast::drivers::process {
namespace {

using conformance::Exits;
using conformance::MakeSubject;
using conformance::Perform;
using conformance::Probe;
using conformance::ProcessWorld;
using conformance::Subject;

// A living process that has nothing to do with any sandbox.
class Stranger {
 public:
  Stranger() : pid_(fork()) {
    if (pid_ == 0) {
      pause();
      _exit(0);
    }
  }
  ~Stranger() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  bool lives() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  const pid_t pid_;
};

// A sandbox whose supervisor.json is left from a supervisor that is gone.
Subject WithStaleRecord(ProcessWorld& world, Driver& driver, const ProcessIdentity& identity) {
  const Subject subject = MakeSubject(driver, "stale", world.RunsLong());
  Perform(driver, subject, "provision");
  std::ofstream(world.File("stale", "supervisor.json"))
      << nlohmann::json{{"sandbox", "stale"},
                        {"generation", 1},
                        {"key", conformance::RequestOf(subject, "start").key},
                        {"pid", identity.pid},
                        {"start_time", identity.start_time},
                        {"boot_id", identity.boot_id}};
  return subject;
}

TEST(ProcessIdentity, OpensTheVeryProcess) {
  const Stranger stranger;
  HF_ASSERT_OK_AND_ASSIGN(const std::string boot, ReadBootId());
  HF_ASSERT_OK_AND_ASSIGN(const auto start_time, ReadStartTime(stranger.pid()));
  ASSERT_TRUE(start_time.has_value());

  HF_ASSERT_OK_AND_ASSIGN(const auto same, OpenProcess({stranger.pid(), *start_time, boot}, boot));
  HF_ASSERT_OK_AND_ASSIGN(const auto other_time,
                          OpenProcess({stranger.pid(), *start_time + 1, boot}, boot));
  HF_ASSERT_OK_AND_ASSIGN(const auto other_boot,
                          OpenProcess({stranger.pid(), *start_time, "another"}, boot));

  EXPECT_TRUE(same.has_value());
  EXPECT_FALSE(other_time.has_value());
  EXPECT_FALSE(other_boot.has_value());
}

TEST(Trap09PidReuse, StopNeverSignalsAStranger) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Stranger stranger;
  HF_ASSERT_OK_AND_ASSIGN(const std::string boot, ReadBootId());
  HF_ASSERT_OK_AND_ASSIGN(const auto start_time, ReadStartTime(stranger.pid()));
  // Even with the right start time: nobody holds the supervisor's lock, so it is not one.
  const Subject subject = WithStaleRecord(world, *driver, {stranger.pid(), *start_time, boot});

  const model::Outcome stopped = Perform(*driver, subject, "stop");

  EXPECT_EQ(Name(stopped.verdict), "Done");
  EXPECT_TRUE(stranger.lives());
}

TEST(Trap09PidReuse, ANewStartDoesNotAdoptAStranger) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Stranger stranger;
  HF_ASSERT_OK_AND_ASSIGN(const std::string boot, ReadBootId());
  Subject subject = WithStaleRecord(world, *driver, {stranger.pid(), 1, boot});
  subject.run = "2";

  const model::Outcome started = Perform(*driver, subject, "start");

  EXPECT_EQ(Name(started.verdict), "Done");
  EXPECT_EQ(world.CountRunning(), 1u);
  EXPECT_TRUE(stranger.lives());
}

TEST(Trap09PidReuse, AnotherBootIsKnownToBeGone) {
  ProcessWorld world;
  Exits exits;
  const auto driver = world.MakeDriver();
  const Stranger stranger;
  HF_ASSERT_OK_AND_ASSIGN(const auto start_time, ReadStartTime(stranger.pid()));
  const Subject subject =
      WithStaleRecord(world, *driver, {stranger.pid(), *start_time, "an-earlier-boot"});

  driver->Watch(exits.Observer());

  const auto exit = exits.WaitFor(subject.owner);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->reason, "HostRebooted");
  EXPECT_EQ(Name(Perform(*driver, subject, "stop").verdict), "Done");
  EXPECT_TRUE(stranger.lives());
}

}  // namespace
}  // namespace holdfast::drivers::process
