// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM: the gateway ends in order and at once, whatever is under way; what is under way is
// durable, and the next start goes on with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/e2e/held_pool.h"
#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class Shutdown : public InHouse {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(house_.Start()); }

  // Ends it; how long that took. Generous bounds below: the machine may be busy.
  std::chrono::milliseconds ExpectCleanEnd() {
    const auto begin = std::chrono::steady_clock::now();
    const auto ending = house_.gateway().Terminate();
    EXPECT_TRUE(ending.has_value() && ending->exit_code == 0) << house_.gateway().Log();
    EXPECT_THAT(house_.gateway().Log(), HasSubstr("stopped"));
    EXPECT_FALSE(std::filesystem::exists(house_.socket()));
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begin);
  }
};

TEST_F(Shutdown, IsFastWithIdleSandboxes) {
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest(id, Forever())).ok());
  }

  EXPECT_LT(ExpectCleanEnd(), seconds(3));
}

TEST_F(Shutdown, IsFastWithAConnectionOnWhichNothingGoesOn) {
  Api idle = house_.Connect();
  ASSERT_TRUE(idle.List(false).ok());

  EXPECT_LT(ExpectCleanEnd(), seconds(3));
}

TEST_F(Shutdown, IsFastWithAWatcherThatNeverGoesAway) {
  Api api = house_.Connect();
  grpc::ClientContext context;
  const auto stream = api.holdfast().Watch(&context, lifecycle::WatchRequest());
  lifecycle::WatchResponse change;
  ASSERT_TRUE(stream->Read(&change));
  ASSERT_TRUE(change.synced());

  EXPECT_LT(ExpectCleanEnd(), seconds(4));

  EXPECT_FALSE(stream->Read(&change));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(Shutdown, LeavesACreateThatIsInAHookToTheNextStart) {
  HeldPool pool(house_.state());
  lifecycle::SubmitRequest request = CreateRequest("a", Forever());
  request.set_wait(false);
  ASSERT_TRUE(house_.Connect().Submit(request).ok());
  ASSERT_TRUE(Eventually([&] { return house_.Connect().State("a") == "Preparing"; }));

  EXPECT_LT(ExpectCleanEnd(), seconds(10));
  pool.Release();
  EXPECT_EQ(house_.JournalCliOffline({"ls"}).code, 0);
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  EXPECT_TRUE(Eventually([&] { return house_.Connect().State("a") == "Running"; }))
      << house_.JournalCli({"show", "a"}).out;
  EXPECT_EQ(house_.Look().leases.size(), 1U);
}

TEST_F(Shutdown, AcceptedCreatesAreFinishedByTheNextStart) {
  Api api = house_.Connect();
  const std::vector<std::string> ids = {"a", "b", "c", "d", "e", "f"};
  for (const std::string& id : ids) {
    lifecycle::SubmitRequest request = CreateRequest(id, Forever());
    request.set_wait(false);
    ASSERT_TRUE(api.Submit(request).ok());
  }

  ExpectCleanEnd();
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  for (const std::string& id : ids) {
    EXPECT_TRUE(Eventually([&] { return house_.Connect().State(id) == "Running"; }))
        << house_.JournalCli({"show", id}).out;
  }
  World world;
  EXPECT_TRUE(Eventually([&] { return (world = house_.Look()).workloads.size() == ids.size(); }));
  for (const std::string& id : ids) EXPECT_EQ(world.supervisors[id].size(), 1U) << world.Text();
  EXPECT_EQ(world.leases.size(), ids.size());
}

TEST_F(Shutdown, LeavesADeleteInItsGraceToTheNextStart) {
  const std::vector<std::string> deaf = {"sh", "-c",
                                         "trap '' TERM; echo deaf; while :; do sleep 0.1; done"};
  ASSERT_TRUE(house_.Connect().Submit(CreateRequest("a", deaf)).ok());
  ASSERT_TRUE(Eventually(
      [&] { return ReadFile(house_.state() + "/process/sandboxes/a/output.log") == "deaf\n"; }));
  lifecycle::SubmitRequest request = DeleteRequest("a");
  request.set_wait(false);
  request.mutable_delete_()->set_grace_ms(3'000);
  ASSERT_TRUE(house_.Connect().Submit(request).ok());
  ASSERT_EQ(house_.Connect().State("a"), "Deleting");

  ExpectCleanEnd();
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  EXPECT_TRUE(Eventually([&] { return house_.Connect().State("a") == "Deleted"; }))
      << house_.JournalCli({"show", "a"}).out;
}

}  // namespace
}  // namespace holdfast::e2e
