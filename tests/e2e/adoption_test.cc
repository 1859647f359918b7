// SPDX-License-Identifier: Apache-2.0
//
// Sandboxes do not depend on the gateway's life: it may end in any way, and its successor finds
// them.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

class Adoption : public InHouse {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(house_.Start());
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest("a", Forever())).ok());
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest("b", Forever())).ok());
  }

  // The workload's process is there a moment before it is named by its own directory.
  pid_t WorkloadOf(const std::string& id) {
    World world;
    EXPECT_TRUE(Eventually([&] { return (world = house_.Look()).workloads[id].size() == 1; }))
        << world.Text();
    return world.workloads[id].empty() ? 0 : world.workloads[id][0];
  }

  void ExpectAdopted(pid_t a, pid_t b) {
    EXPECT_EQ(house_.Connect().State("a"), "Running");
    EXPECT_EQ(house_.Connect().State("b"), "Running");
    EXPECT_EQ(WorkloadOf("a"), a);
    EXPECT_EQ(WorkloadOf("b"), b);
    lifecycle::StatusResponse status;
    grpc::ClientContext context;
    SetDeadline(context);
    ASSERT_TRUE(house_.Connect().holdfast().Status(&context, {}, &status).ok());
    EXPECT_EQ(status.startup().restored(), 2U) << status.startup().ShortDebugString();
    EXPECT_EQ(status.startup().total(), 2U);
    EXPECT_EQ(status.startup().orphans() + status.startup().ghosts(), 0U);
  }

  // And it is still the gateway's own: it can be stopped and started.
  void ExpectGoverned(const std::string& id) {
    const auto stopped = house_.Connect().Submit(StopRequest(id));
    EXPECT_EQ(stopped.response.sandbox().state(), "Stopped") << stopped.status.error_message();
    EXPECT_TRUE(house_.Look().workloads[id].empty());
    const auto started = house_.Connect().Submit(StartRequest(id));
    EXPECT_EQ(started.response.sandbox().state(), "Running") << started.status.error_message();
  }
};

TEST_F(Adoption, KeepsTheSameWorkloadsAcrossAKill) {
  const pid_t a = WorkloadOf("a"), b = WorkloadOf("b");

  house_.gateway().Kill();
  EXPECT_EQ(WorkloadOf("a"), a);
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  ExpectAdopted(a, b);
  ExpectGoverned("a");
}

TEST_F(Adoption, KeepsTheSameWorkloadsAcrossATermination) {
  const pid_t a = WorkloadOf("a"), b = WorkloadOf("b");

  const auto ending = house_.gateway().Terminate();
  ASSERT_TRUE(ending && ending->exit_code == 0) << house_.gateway().Log();
  EXPECT_EQ(WorkloadOf("a"), a);
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  ExpectAdopted(a, b);
  ExpectGoverned("b");
}

TEST_F(Adoption, LearnsAtTheNextStartOfAnExitThatNobodySaw) {
  ASSERT_TRUE(house_.Connect()
                  .Submit(CreateRequest(
                      "ends", {"sh", "-c", "trap 'exit 7' USR1; while :; do sleep 0.05; done"}))
                  .ok());
  World world;
  ASSERT_TRUE(Eventually([&] { return !(world = house_.Look()).workloads["ends"].empty(); }));

  house_.gateway().Kill();
  // The shell's children share its directory: the oldest is the shell, and only it has the trap.
  pid_t shell = world.workloads["ends"][0];
  for (const pid_t pid : world.workloads["ends"]) shell = std::min(shell, pid);
  ASSERT_EQ(kill(shell, SIGUSR1), 0);
  ASSERT_TRUE(Eventually([&] { return !house_.Look().workloads.contains("ends"); }));
  ASSERT_TRUE(Eventually([&] { return !house_.Look().supervisors.contains("ends"); }));
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  EXPECT_TRUE(Eventually([&] { return house_.Connect().State("ends") == "Stopped"; }));
  const auto ends = house_.Connect().Get("ends").response;
  EXPECT_EQ(ends.exit_code(), 7) << ends.ShortDebugString();
  EXPECT_EQ(house_.Connect().State("a"), "Running");
}

}  // namespace
}  // namespace holdfast::e2e
