// SPDX-License-Identifier: Apache-2.0
//
// holdfast against a gateway whose answers the test writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli_fixture.h"
#include "tests/tools/cli_gateway.h"
#include "tools/holdfast/run.h"

namespace holdfast::testing {
namespace {

using ::testing::HasSubstr;

lifecycle::v1::Sandbox InState(const std::string& state, std::uint64_t head) {
  lifecycle::v1::Sandbox sandbox;
  sandbox.set_id("demo");
  sandbox.set_state(state);
  sandbox.set_head_sequence(head);
  sandbox.mutable_operation()->set_id(1);
  sandbox.mutable_operation()->set_kind("create");
  return sandbox;
}

lifecycle::v1::Sandbox Finished(const std::string& state, std::uint64_t head,
                                const std::string& result) {
  lifecycle::v1::Sandbox sandbox = InState(state, head);
  *sandbox.add_finished() = sandbox.operation();
  sandbox.clear_operation();
  sandbox.mutable_finished(0)->set_finished(true);
  sandbox.mutable_finished(0)->set_result(result);
  return sandbox;
}

class HoldfastCli : public ::testing::Test {
 protected:
  Result Holdfast(std::vector<std::string> args) {
    args.insert(args.begin(), {"--socket", socket_, "--reconnect", "20s"});
    return RunProgram(command_line::Run, std::move(args));
  }

  // Accepts what is submitted as operation 1 and remembers it.
  void AcceptInto(ScriptedGateway& gateway) {
    gateway.submit = [this](const lifecycle::v1::SubmitRequest& request,
                            lifecycle::v1::SubmitResponse* response) {
      submitted_.push_back(request);
      response->set_operation(1);
      *response->mutable_sandbox() = InState("Requested", 3);
      return grpc::Status::OK;
    };
  }

  TempDir dir_;
  const std::string socket_ = dir_.File("s");
  std::vector<lifecycle::v1::SubmitRequest> submitted_;
};

TEST_F(HoldfastCli, WaitsAndShowsEachStateOnce) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  gateway.states = {InState("Preparing", 5), InState("Provisioning", 6), InState("Provisioning", 7),
                    Finished("Running", 9, "Succeeded")};
  const Server server(gateway, socket_);

  const Result result = Holdfast({"create", "demo", "--", "sleep", "600"});

  EXPECT_EQ(result.code, client::kExitOk);
  EXPECT_EQ(result.out, "demo: create #1 Succeeded, state Running\n");
  EXPECT_EQ(result.err, "demo: Requested\ndemo: Preparing\ndemo: Provisioning\ndemo: Running\n");
}

TEST_F(HoldfastCli, IsNotMisledByStatesOlderThanItsCommand) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  gateway.states = {Finished("Stopped", 2, "Failed"), Finished("Running", 9, "Succeeded")};
  const Server server(gateway, socket_);

  EXPECT_EQ(Holdfast({"start", "demo"}).code, client::kExitOk);
}

TEST_F(HoldfastCli, ReturnsAtOnceWithNoWait) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  const Server server(gateway, socket_);

  const Result result = Holdfast({"create", "demo", "--no-wait", "--", "sleep"});

  EXPECT_EQ(result.code, client::kExitOk);
  EXPECT_EQ(result.out, "demo: create #1 accepted, state Requested\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(HoldfastCli, SendsWhatWasWrittenAndTheWorkloadsWordsUntouched) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  const Server server(gateway, socket_);

  const Result result =
      Holdfast({"create",    "demo", "--driver", "process", "--image", "i",   "--workspace",  "w",
                "--env",     "A=1",  "--env",    "B=x=y",   "--label", "l=m", "--request-id", "r",
                "--no-wait", "--",   "sh",       "-c",      "-o json", "--",  "--help"});

  ASSERT_EQ(result.code, client::kExitOk) << result.err;
  ASSERT_EQ(submitted_.size(), 1U);
  const auto& spec = submitted_[0].create().spec();
  EXPECT_EQ(submitted_[0].sandbox_id(), "demo");
  EXPECT_EQ(submitted_[0].request_id(), "r");
  EXPECT_EQ(spec.driver(), "process");
  EXPECT_EQ(spec.image(), "i");
  EXPECT_EQ(spec.workspace(), "w");
  EXPECT_EQ(spec.environment().at("A"), "1");
  EXPECT_EQ(spec.environment().at("B"), "x=y");
  EXPECT_EQ(spec.labels().at("l"), "m");
  EXPECT_THAT(spec.command(), ::testing::ElementsAre("sh", "-c", "-o json", "--", "--help"));
}

TEST_F(HoldfastCli, SendsGraceAndForce) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  const Server server(gateway, socket_);

  EXPECT_EQ(Holdfast({"stop", "demo", "--grace", "5s", "--no-wait"}).code, client::kExitOk);
  EXPECT_EQ(Holdfast({"delete", "demo", "--force", "--no-wait"}).code, client::kExitOk);

  ASSERT_EQ(submitted_.size(), 2U);
  EXPECT_EQ(submitted_[0].stop().grace_ms(), 5000);
  EXPECT_TRUE(submitted_[1].delete_().force());
  EXPECT_FALSE(submitted_[1].delete_().has_grace_ms());
}

TEST_F(HoldfastCli, ExitsWithThreeWhenTheOperationFailed) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  gateway.states = {Finished("Failed", 9, "Failed")};
  gateway.states[0].mutable_finished(0)->set_reason("DiskFull");
  const Server server(gateway, socket_);

  const Result result = Holdfast({"create", "demo", "--", "sleep"});

  EXPECT_EQ(result.code, client::kExitFailed);
  EXPECT_THAT(result.err, HasSubstr("create #1 of demo failed: DiskFull"));
}

TEST_F(HoldfastCli, DoesNotWaitForAnOperatorWhenStuck) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  gateway.states = {InState("Stuck", 9)};
  const Server server(gateway, socket_);

  const Result result = Holdfast({"create", "demo", "--", "sleep"});

  EXPECT_EQ(result.code, client::kExitFailed);
  EXPECT_THAT(result.err, HasSubstr("is stuck and needs an operator"));
  EXPECT_THAT(result.err, HasSubstr("journal-cli why demo"));
}

TEST_F(HoldfastCli, MapsRefusalsToTheirExitCodes) {
  const std::vector<std::pair<grpc::StatusCode, int>> cases = {
      {grpc::StatusCode::NOT_FOUND, client::kExitNotFound},
      {grpc::StatusCode::FAILED_PRECONDITION, client::kExitRefused},
      {grpc::StatusCode::ABORTED, client::kExitRefused},
      {grpc::StatusCode::ALREADY_EXISTS, client::kExitRefused},
      {grpc::StatusCode::INVALID_ARGUMENT, client::kExitRefused},
      {grpc::StatusCode::PERMISSION_DENIED, client::kExitRefused}};
  ScriptedGateway gateway;
  grpc::StatusCode code = grpc::StatusCode::OK;
  gateway.submit = [&code](const auto&, auto*) { return grpc::Status(code, "because"); };
  const Server server(gateway, socket_);

  for (const auto& [refusal, expected] : cases) {
    code = refusal;
    const Result result = Holdfast({"start", "demo"});
    EXPECT_EQ(result.code, expected);
    EXPECT_EQ(result.err, "holdfast: because\n");
  }
}

TEST_F(HoldfastCli, SaysHowToStartAGatewayWhenThereIsNone) {
  const Result result = Holdfast({"ls"});

  EXPECT_EQ(result.code, client::kExitRefused);
  EXPECT_THAT(result.err, HasSubstr("start one with: holdfast-gateway"));
}

TEST_F(HoldfastCli, SendsAnUnansweredCommandAgainUnderTheSameRequestId) {
  ScriptedGateway gateway;
  std::vector<std::string> ids;
  gateway.submit = [&ids](const lifecycle::v1::SubmitRequest& request,
                          lifecycle::v1::SubmitResponse* response) {
    ids.push_back(request.request_id());
    if (ids.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "recovering");
    response->set_operation(1);
    *response->mutable_sandbox() = InState("Requested", 3);
    return grpc::Status::OK;
  };
  const Server server(gateway, socket_);

  const Result result = Holdfast({"create", "demo", "--no-wait", "--", "sleep"});

  EXPECT_EQ(result.code, client::kExitOk) << result.err;
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_NE(ids[0], "");
  EXPECT_EQ(ids[0], ids[1]);
}

TEST_F(HoldfastCli, GoesOnWaitingWhenTheGatewayIsReplaced) {
  ScriptedGateway first;
  AcceptInto(first);
  first.states = {InState("Provisioning", 5)};
  ScriptedGateway second;
  second.states = {Finished("Running", 9, "Succeeded")};
  auto server = std::make_unique<Server>(first, socket_);
  Result result;

  std::thread waiting([&] { result = Holdfast({"create", "demo", "--", "sleep"}); });
  // Else the second one may answer what it asks, and it never learns that the first one went.
  first.WaitWatchedAndAsked();
  first.End();
  server.reset();
  server = std::make_unique<Server>(second, socket_);
  waiting.join();

  EXPECT_EQ(result.code, client::kExitOk) << result.err;
  EXPECT_EQ(result.out, "demo: create #1 Succeeded, state Running\n");
  EXPECT_THAT(result.err, HasSubstr("the gateway went away"));
  EXPECT_EQ(submitted_.size(), 1U);
}

TEST_F(HoldfastCli, FindsTheEndOfADeleteThatNoWatchTellsAnyMore) {
  // Deleted sandboxes are not in the present set; this gateway has nothing to tell but when asked.
  class Forgetful final : public lifecycle::v1::Lifecycle::Service {
   public:
    grpc::Status Submit(grpc::ServerContext*, const lifecycle::v1::SubmitRequest*,
                        lifecycle::v1::SubmitResponse* response) override {
      response->set_operation(1);
      *response->mutable_sandbox() = InState("Deleting", 3);
      return grpc::Status::OK;
    }
    grpc::Status Get(grpc::ServerContext*, const lifecycle::v1::GetRequest*,
                     lifecycle::v1::GetResponse* response) override {
      *response->mutable_sandbox() = Finished("Deleted", 9, "Succeeded");
      return grpc::Status::OK;
    }
    grpc::Status Watch(grpc::ServerContext*, const lifecycle::v1::WatchRequest*,
                       grpc::ServerWriter<lifecycle::v1::WatchResponse>* writer) override {
      lifecycle::v1::WatchResponse synced;
      synced.set_synced(true);
      writer->Write(synced);
      return grpc::Status::OK;
    }
  };
  Forgetful gateway;
  const Server server(gateway, socket_);

  const Result result = Holdfast({"delete", "demo"});

  EXPECT_EQ(result.code, client::kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("state Deleted"));
}

TEST_F(HoldfastCli, GivesUpAfterTheReconnectTime) {
  ScriptedGateway gateway;
  AcceptInto(gateway);
  gateway.states = {InState("Provisioning", 5)};
  auto server = std::make_unique<Server>(gateway, socket_);
  Result result;

  std::thread waiting([&] {
    result = RunProgram(command_line::Run, {"--socket", socket_, "--reconnect", "100ms", "create",
                                            "demo", "--", "sleep"});
  });
  gateway.WaitWatched();
  gateway.End();
  server.reset();
  waiting.join();

  EXPECT_EQ(result.code, client::kExitRefused);
  EXPECT_THAT(result.err, HasSubstr("did not come back within 100 ms"));
}

TEST_F(HoldfastCli, RepairsOnlyWithADecisionAndAttestsOnlyWithANote) {
  EXPECT_EQ(Holdfast({"repair", "demo"}).code, client::kExitUsage);
  EXPECT_EQ(Holdfast({"repair", "demo", "--mark-released"}).code, client::kExitUsage);
  EXPECT_EQ(Holdfast({"repair", "demo", "--retry", "--mark-released", "--note", "x"}).code,
            client::kExitUsage);
}

TEST_F(HoldfastCli, SendsARepairWithItsNote) {
  ScriptedGateway gateway;
  lifecycle::v1::RepairRequest seen;
  gateway.repair = [&seen](const lifecycle::v1::RepairRequest& request,
                           lifecycle::v1::SubmitResponse* response) {
    seen = request;
    response->set_operation(1);
    *response->mutable_sandbox() = InState("Deleting", 3);
    return grpc::Status::OK;
  };
  const Server server(gateway, socket_);

  const Result result =
      Holdfast({"repair", "demo", "--mark-released", "--note", "looked, it is gone", "--no-wait"});

  EXPECT_EQ(result.code, client::kExitOk) << result.err;
  EXPECT_EQ(seen.kind(), lifecycle::v1::RepairRequest::MARK_RELEASED);
  EXPECT_EQ(seen.note(), "looked, it is gone");
}

TEST_F(HoldfastCli, RefusesWordsAfterTheMarkerForOtherVerbs) {
  EXPECT_EQ(Holdfast({"start", "demo", "--", "sleep"}).code, client::kExitUsage);
}

TEST_F(HoldfastCli, PrintsOneSandboxAsJson) {
  ScriptedGateway gateway;
  gateway.states = {Finished("Running", 9, "Succeeded")};
  const Server server(gateway, socket_);

  const Result result = Holdfast({"-o", "json", "get", "demo"});

  EXPECT_EQ(result.code, client::kExitOk);
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["id"], "demo");
  EXPECT_EQ(document["head_sequence"], 9) << "64-bit numbers are numbers";
  EXPECT_FALSE(document.contains("operation")) << "what is not set is left out";
}

}  // namespace
}  // namespace holdfast::testing
