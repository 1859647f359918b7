// SPDX-License-Identifier: Apache-2.0
//
// Method: clients create and delete sandboxes, over gRPC and with the command line, each command
// under a request id that they repeat until it is answered. Meanwhile the gateway is killed with
// SIGKILL at random moments and started again. Promises: what was acknowledged is there; nothing
// happened twice; every journal on the way is in order; and when all is deleted, nothing is left.
// What SIGKILL models: the death of the process. Not that of the machine.
// HOLDFAST_E2E_SEED=N plays one run's random choices again (not its threads' timing).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using std::chrono::milliseconds;
using ::testing::AnyOf;
using ::testing::ContainerEq;

constexpr int kKills = 14;
constexpr int kClients = 3;
constexpr milliseconds kAnswerMost = std::chrono::seconds(60);

std::uint32_t Seed() {
  const char* given = std::getenv("HOLDFAST_E2E_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10))
                          : std::random_device()();
}

// What the clients were told.
struct Told {
  std::mutex mu;
  std::set<std::string> created;             // and not asked to be deleted; guarded by mu
  std::set<std::string> deleted;             // guarded by mu
  std::vector<std::string> disappointments;  // answers that no client should get; guarded by mu
  void Add(std::set<std::string>& set, const std::string& id) {
    const std::lock_guard lock(mu);
    set.insert(id);
  }
  void Complain(std::string what) {
    const std::lock_guard lock(mu);
    disappointments.push_back(std::move(what));
  }
};

class KillStorm : public InHouse {
 protected:
  // One line for each time that the workload was started.
  std::string StartsOf(const std::string& id) { return ReadFile(house_.File("starts-" + id)); }
  std::vector<std::string> Workload(const std::string& id) {
    return {"sh", "-c",
            fmt::format("echo started >> {}; exec sleep 100000", house_.File("starts-" + id))};
  }

  bool CreateByCall(const std::string& id, Told& told) {
    const grpc::Status status =
        SubmitUntilAnswered(house_.socket(), CreateRequest(id, Workload(id)), kAnswerMost);
    if (!status.ok()) told.Complain(fmt::format("create {}: {}", id, status.error_message()));
    return status.ok();
  }
  bool DeleteByCall(const std::string& id, Told& told) {
    const grpc::Status status =
        SubmitUntilAnswered(house_.socket(), DeleteRequest(id), kAnswerMost);
    if (!status.ok()) told.Complain(fmt::format("delete {}: {}", id, status.error_message()));
    return status.ok();
  }
  // The command line bears a gateway's death once it has met one; before, it says so and is asked
  // again, as a script would.
  bool ByCommandLine(std::vector<std::string> words, Told& told) {
    const auto until = std::chrono::steady_clock::now() + kAnswerMost;
    Ran ran;
    do {
      ran = house_.Holdfast(words);
      if (ran.code == 0) return true;
    } while (ran.code == 5 && std::chrono::steady_clock::now() < until);
    told.Complain(fmt::format("{} {}: exit {}: {}", words[0], words[1], ran.code, ran.err));
    return false;
  }
  bool Create(bool by_call, const std::string& id, Told& told) {
    if (by_call) return CreateByCall(id, told);
    std::vector<std::string> words = {"create", id, "--request-id", "create-" + id, "--"};
    for (const std::string& word : Workload(id)) words.push_back(word);
    return ByCommandLine(words, told);
  }
  bool Delete(bool by_call, const std::string& id, Told& told) {
    if (by_call) return DeleteByCall(id, told);
    return ByCommandLine({"delete", id, "--request-id", "delete-" + id, "--grace", "300ms"}, told);
  }

  // Two creates, then a delete of the first, again and again.
  void BeClient(int number, const std::atomic<bool>& enough, Told& told) {
    const bool by_call = number != 0;
    for (int round = 0; !enough; ++round) {
      const std::string first = fmt::format("c{}-r{}-a", number, round);
      const std::string second = fmt::format("c{}-r{}-b", number, round);
      if (Create(by_call, first, told)) told.Add(told.created, first);
      if (Create(by_call, second, told)) told.Add(told.created, second);
      {
        const std::lock_guard lock(told.mu);
        told.created.erase(first);
      }
      if (Delete(by_call, first, told)) told.Add(told.deleted, first);
    }
  }

  void ExpectSound(const char* when) {
    const Ran verify = house_.JournalCliOffline({"verify"});
    EXPECT_EQ(verify.code, 0) << when << ": " << verify.out << verify.err;
  }
};

TEST_F(KillStorm, LosesLeaksAndDoublesNothing) {
  const std::uint32_t seed = Seed();
  SCOPED_TRACE(fmt::format("rerun with HOLDFAST_E2E_SEED={}", seed));
  fmt::print("HOLDFAST_E2E_SEED={}\n", seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> life_ms(15, 350);
  Told told;
  std::atomic<bool> enough{false};
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  std::vector<std::thread> clients;
  for (int number = 0; number < kClients; ++number) {
    clients.emplace_back([&, number] { BeClient(number, enough, told); });
  }
  for (int i = 0; i < kKills && !HasFatalFailure(); ++i) {
    std::this_thread::sleep_for(milliseconds(life_ms(random)));
    house_.gateway().Kill();
    ExpectSound("after a kill");
    house_.Start();
  }
  enough = true;
  for (std::thread& client : clients) client.join();

  EXPECT_THAT(told.disappointments, ::testing::IsEmpty());
  EXPECT_FALSE(told.created.empty());
  EXPECT_FALSE(told.deleted.empty());
  fmt::print("{} created, {} deleted, {} kills\n", told.created.size(), told.deleted.size(),
             kKills);
  Api api = house_.Connect();
  const auto live = api.List(false);
  ASSERT_TRUE(live.ok()) << live.status.error_message();
  std::set<std::string> running;
  for (const lifecycle::Sandbox& sandbox : live.response) {
    EXPECT_EQ(sandbox.state(), "Running") << sandbox.ShortDebugString();
    running.insert(sandbox.id());
  }
  EXPECT_THAT(running, ContainerEq(told.created));
  const World world = house_.Look();
  EXPECT_THAT(world.directories, ContainerEq(told.created));
  EXPECT_EQ(world.leases.size(), told.created.size()) << world.Text();
  EXPECT_TRUE(world.others.empty()) << world.Text();
  for (const std::string& id : told.created) {
    EXPECT_TRUE(Eventually([&] { return StartsOf(id) == "started\n"; })) << id << StartsOf(id);
    EXPECT_EQ(world.supervisors.contains(id) ? world.supervisors.at(id).size() : 0, 1U) << id;
  }
  for (const std::string& id : told.deleted) {
    EXPECT_THAT(StartsOf(id), AnyOf("", "started\n")) << id;
    EXPECT_EQ(api.State(id), "Deleted") << id;
  }
}

}  // namespace
}  // namespace holdfast::e2e
