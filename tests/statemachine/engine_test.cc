// SPDX-License-Identifier: Apache-2.0
//
// What the engine promises to its callers, over simulated platforms.
#include "statemachine/engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/simulation/sim_house.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using model::State;
using simulation::Fault;
using simulation::SimHouse;
using std::chrono::milliseconds;
using testing::IsOk;
using testing::StatusIs;

TEST(Engine, TakesTheSameRequestIdAsTheSameCommand) {
  SimHouse house;
  house.Open();
  auto first = house.Create("s", "request-1");
  auto second = house.Create("s", "request-1");

  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->operation, second->operation);
  EXPECT_EQ(house.world().calls("s", "provision"), 1u);
}

TEST(Engine, KnowsARepeatedRequestAfterARestart) {
  SimHouse house;
  house.Open();
  auto first = house.Create("s", "request-1");
  house.Restart();

  auto second = house.Create("s", "request-1");

  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->operation, second->operation);
}

TEST(Engine, RefusesACreateThatTheDriverCannotCarryAndJournalsNothing) {
  SimHouse house;
  house.Open();
  model::Command command = SimHouse::CreateCommand("s");
  std::get<model::CreateSandbox>(command.wish).spec.image = "refused";

  auto refused = house.engine().SubmitAndWait(command, true);

  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(*house.reader().LastPosition(), 0u);
  EXPECT_THAT(house.engine().Get({"s"}), StatusIs(absl::StatusCode::kNotFound));
}

TEST(Engine, RefusesAnUnknownDriverAndNamesTheConfiguredOnes) {
  SimHouse house;
  house.Open();
  model::Command command = SimHouse::CreateCommand("s");
  std::get<model::CreateSandbox>(command.wish).spec.driver = "nope";

  auto refused = house.engine().SubmitAndWait(command, true);

  ASSERT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_NE(std::string(refused.status().message()).find("sim"), std::string::npos);
}

TEST(Engine, RefusesAnIdThatIsNotOne) {
  SimHouse house;
  house.Open();
  for (const std::string& id : {std::string(), std::string("a/b"), std::string(".."),
                                std::string(129, 'x'), std::string("a\0b", 3)}) {
    EXPECT_THAT(house.Create(id), StatusIs(absl::StatusCode::kInvalidArgument)) << id;
  }
  EXPECT_EQ(*house.reader().LastPosition(), 0u);
}

TEST(Engine, LetsOneOfManySimultaneousCreatesOfOneIdWin) {
  SimHouse house;
  house.Open();
  std::atomic<int> won{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      auto created = house.Create("s");
      if (created.ok()) ++won;
      if (absl::IsAlreadyExists(created.status())) ++refused;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(won, 1);
  EXPECT_EQ(refused, 15);
  EXPECT_EQ(house.world().calls("s", "provision"), 1u);
}

TEST(Engine, TellsAWaiterWhenItsOperationIsParked) {
  SimHouse house;
  house.policy.undo_attempts_max = 1;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  house.world().Plan("s", "destroy", {Fault::kFail});

  auto deleted = house.Delete("s");

  ASSERT_THAT(deleted, IsOk());
  EXPECT_FALSE(deleted->result.has_value());
  EXPECT_EQ(deleted->sandbox.state, State::kStuck);
}

TEST(Engine, RefusesARepairThatMeansAnotherStepThanTheOneThatIsParked) {
  SimHouse house;
  house.policy.undo_attempts_max = 1;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  house.world().Plan("s", "destroy", {Fault::kFail});
  auto deleted = house.Delete("s");
  ASSERT_THAT(deleted, IsOk());
  const model::IntentId parked = deleted->sandbox.current->intent;
  const auto before = house.reader().LastPosition();

  model::Repair repair;
  repair.intent = model::IntentId{parked.value - 1};
  auto refused = house.engine().SubmitAndWait({{"s"}, "", repair}, true);
  repair.intent = parked;

  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(*house.reader().LastPosition(), *before);
  EXPECT_THAT(house.engine().SubmitAndWait({{"s"}, "", repair}, true), IsOk());
  EXPECT_EQ(house.StateOf("s"), State::kDeleted);
}

TEST(Engine, TellsTheWaiterOfAnOvertakenCreateThatItWasInterrupted) {
  SimHouse house;
  house.policy.driver_step_deadline = milliseconds(20);
  house.world().Plan("s", "provision", {Fault::kHangBefore});
  house.Open();
  absl::StatusOr<engine::Submitted> created;
  std::thread creator([&] { created = house.Create("s"); });
  house.Await("s", "provision");

  auto deleted = house.Delete("s");
  creator.join();

  ASSERT_THAT(deleted, IsOk());
  ASSERT_THAT(created, IsOk());
  ASSERT_TRUE(created->result.has_value());
  EXPECT_EQ(created->result->result, model::OperationResult::kInterrupted);
}

TEST(Engine, ShowsAnObserverThePresentSetAndThenEveryChangeInOrder) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("there"), IsOk());
  std::mutex mu;
  std::map<std::string, std::vector<std::uint64_t>> seen;
  const std::uint64_t number = house.engine().Observe([&](const engine::Update& update) {
    std::lock_guard lock(mu);
    seen[update.sandbox.id.value].push_back(update.sandbox.head.value);
  });

  ASSERT_THAT(house.Create("new"), IsOk());
  ASSERT_THAT(house.Delete("there"), IsOk());
  house.Settle();
  house.engine().Unobserve(number);

  std::lock_guard lock(mu);
  ASSERT_TRUE(seen.contains("there"));
  ASSERT_TRUE(seen.contains("new"));
  for (const auto& [id, heads] : seen) {
    EXPECT_TRUE(std::is_sorted(heads.begin(), heads.end())) << id;
  }
}

TEST(Engine, WaitsOutABackoffAlsoWhenTheWallClockIsSetBack) {
  std::atomic<std::int64_t> clock{1'000'000'000};
  SimHouse house;
  house.policy.backoff_initial = house.policy.backoff_max = milliseconds(20);
  house.now = [&clock] { return model::UnixMillis{clock.fetch_sub(1'000)}; };
  house.world().Plan("s", "provision", {Fault::kFailRetryable});
  house.Open();

  auto created = house.Create("s");

  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->sandbox.state, State::kRunning);
}

TEST(Engine, RefusesAPlanThatNoRecordCanHoldAndLetsItBeDeleted) {
  SimHouse house;
  house.Open();
  model::Command command = SimHouse::CreateCommand("s");
  auto& spec = std::get<model::CreateSandbox>(command.wish).spec;
  for (int i = 0; i < 300; ++i) spec.labels[std::to_string(i)] = std::string(3'400, 'x');

  auto created = house.engine().SubmitAndWait(command, true);

  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->sandbox.state, State::kFailed);
  EXPECT_EQ(created->sandbox.reason, "PlanRefused");
  EXPECT_THAT(house.Delete("s"), IsOk());
}

TEST(Engine, FindsADeletedSandboxInTheJournal) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  ASSERT_THAT(house.Delete("s"), IsOk());

  EXPECT_EQ(house.StateOf("s"), State::kDeleted);
  auto live = house.engine().ListLive();
  ASSERT_THAT(live, IsOk());
  EXPECT_TRUE(live->empty());
}

TEST(Engine, SaysThatTheHostWasRebooted) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  house.Close();
  house.world().Remove("workload", "s");

  house.boot_id = "another boot";
  house.Open();
  house.Settle();

  EXPECT_TRUE(house.engine().startup_report().host_rebooted);
  auto update = house.engine().Get({"s"});
  ASSERT_THAT(update, IsOk());
  EXPECT_EQ(update->sandbox.state, State::kStopped);
  EXPECT_EQ(update->sandbox.reason, "HostRebooted");
}

TEST(Engine, ManyAtOnceComeToRestAndLeaveNothing) {
  SimHouse house;
  house.Open();
  constexpr int kSandboxes = 200;
  for (int i = 0; i < kSandboxes; ++i) {
    const std::string id = "s" + std::to_string(i);
    if (i % 3 == 0) house.world().Plan(id, "provision", {Fault::kUnknownAfter});
    if (i % 5 == 0) house.world().Plan(id, "start", {Fault::kFailRetryable});
    if (i % 7 == 0) house.world().Plan(id, "destroy", {Fault::kUnknownBefore});
    ASSERT_THAT(house.Accept(SimHouse::CreateCommand(id)), IsOk());
    if (i % 2 == 0) {
      ASSERT_THAT(house.Accept({{id}, "", model::DeleteSandbox{}}), IsOk());
    }
  }
  house.Settle();
  for (int i = 1; i < kSandboxes; i += 2) {
    ASSERT_THAT(house.Delete("s" + std::to_string(i)), IsOk());
  }

  EXPECT_TRUE(house.WorldIsEmpty());
  EXPECT_EQ(house.world().doubled(), 0u);
  auto ledger = house.reader().ReadLedger("", false);
  ASSERT_THAT(ledger, IsOk());
  EXPECT_TRUE(ledger->empty());
  auto verified = house.reader().Verify();
  ASSERT_THAT(verified, IsOk());
  EXPECT_TRUE(verified->ok());
}

}  // namespace
}  // namespace holdfast
