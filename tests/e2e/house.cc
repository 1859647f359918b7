// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/house.h"

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <utility>

namespace holdfast::e2e {
namespace {

// Names the output files; of the whole process, since tests ask from several threads.
std::string Numbered(const std::string& name) {
  static std::atomic<int> last{0};
  return fmt::format("{}-{}", name, ++last);
}

void KillAll(const World& world) {
  for (const auto& processes : {world.supervisors, world.workloads}) {
    for (const auto& [sandbox, pids] : processes) {
      for (const pid_t pid : pids) kill(pid, SIGKILL);
    }
  }
}

}  // namespace

std::vector<std::string> Forever() { return {"sleep", "100000"}; }

std::string UsualConfig() {
  return R"(extensions = ["env", "ipam"]

[policy]
backoff_initial_ms = 20

[drivers.process]
isolation = "none"

[extension.env.config.env]
SITE = "test"

[extension.ipam.config]
pool = "pool"
range = "10.70.0.0/24"
)";
}

House::House()
    : state_(dir_.File("state")),
      socket_(dir_.File("gateway.sock")),
      journal_(state_ + "/journal.db") {
  std::filesystem::create_directory(File("log"));
  Configure(UsualConfig());
}

House::~House() {
  gateway_ = nullptr;
  // A test that passed left none; of one that failed, nothing may stay on the machine.
  for (World world = Look(); !world.supervisors.empty() || !world.workloads.empty();
       world = Look()) {
    KillAll(world);
  }
}

std::unique_ptr<GatewayProcess> House::Launch(
    const std::string& socket, const std::map<std::string, std::string>& environment) {
  const std::vector<std::string> arguments = {"--config", File("gateway.toml"), "--state-dir",
                                              state_,     "--socket",           socket};
  return std::make_unique<GatewayProcess>(arguments, environment, File(Numbered("log/gateway")));
}

void House::Start(const std::map<std::string, std::string>& environment) {
  gateway_ = nullptr;
  gateway_ = Launch(socket_, environment);
  ASSERT_TRUE(gateway_->WaitReady()) << gateway_->Log();
}

std::unique_ptr<Child> House::RunLater(std::vector<std::string> words) {
  const std::string files = File(Numbered("log/cli"));
  return std::make_unique<Child>(
      words, std::map<std::string, std::string>{{"HOLDFAST_SOCKET", socket_}, {"HOME", File("")}},
      files + ".out", files + ".err");
}

Ran House::Run(std::vector<std::string> words) {
  const std::unique_ptr<Child> child = RunLater(std::move(words));
  const auto ending = child->Wait(std::chrono::seconds(90));
  return {ending ? ending->exit_code : -1, child->Out(), child->Err()};
}

std::unique_ptr<Child> House::HoldfastLater(const std::vector<std::string>& words) {
  std::vector<std::string> line = {HOLDFAST_CLI};
  line.insert(line.end(), words.begin(), words.end());
  return RunLater(std::move(line));
}

Ran House::Holdfast(const std::vector<std::string>& words) {
  std::vector<std::string> line = {HOLDFAST_CLI};
  line.insert(line.end(), words.begin(), words.end());
  return Run(std::move(line));
}

Ran House::JournalCli(const std::vector<std::string>& words) {
  std::vector<std::string> line = {HOLDFAST_JOURNAL_CLI, "--socket", socket_};
  line.insert(line.end(), words.begin(), words.end());
  return Run(std::move(line));
}

Ran House::JournalCliOffline(const std::vector<std::string>& words) {
  std::vector<std::string> line = {HOLDFAST_JOURNAL_CLI, "--journal", journal_};
  line.insert(line.end(), words.begin(), words.end());
  return Run(std::move(line));
}

Ran House::JournalCliAlone(const std::vector<std::string>& words) {
  std::vector<std::string> line = {HOLDFAST_JOURNAL_CLI};
  line.insert(line.end(), words.begin(), words.end());
  return Run(std::move(line));
}

void House::LeaveNothing() {
  if (gateway_ == nullptr) {
    const World world = Look();
    EXPECT_TRUE(world.empty()) << world.Text();
    return;
  }
  if (!HasGateway()) Start();
  if (!HasGateway()) return;  // Start has said why
  Api api = Connect();
  const auto live = api.List(/*include_deleted=*/false);
  EXPECT_TRUE(live.ok()) << live.status.error_message();
  for (const lifecycle::Sandbox& sandbox : live.response) {
    lifecycle::SubmitRequest request = DeleteRequest(sandbox.id());
    request.clear_request_id();  // an earlier incarnation's delete may have had it
    const auto deleted = api.Submit(request);
    EXPECT_EQ(deleted.response.result().result(), "Succeeded")
        << sandbox.id() << ": " << deleted.status.error_message()
        << deleted.response.ShortDebugString();
  }
  const Ran leaks = JournalCli({"leaks"});
  EXPECT_EQ(leaks.code, 0) << leaks.out << leaks.err;
  const auto ending = gateway_->Terminate();
  EXPECT_TRUE(ending && ending->exit_code == 0) << gateway_->Log();
  EXPECT_FALSE(std::filesystem::exists(socket_));
  const Ran verify = JournalCliOffline({"verify"});
  EXPECT_EQ(verify.code, 0) << verify.out << verify.err;
  // What ended a moment ago may still be on its way out of /proc.
  World world;
  EXPECT_TRUE(Eventually([&] { return (world = Look()).empty(); }, std::chrono::seconds(5)))
      << world.Text();
}

}  // namespace holdfast::e2e
