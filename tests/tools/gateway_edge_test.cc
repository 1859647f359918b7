// SPDX-License-Identifier: Apache-2.0
//
// The pure half of the gateway's edge: what OpenShell is told of a state, what a request becomes,
// what is removed from it and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "openshell/compute/v1/compute_driver.pb.h"
#include "statemachine/model/sandbox.h"
#include "tests/support/status_matchers.h"
#include "tools/gateway/compute_translate.h"
#include "tools/gateway/lifecycle_commands.h"
#include "tools/gateway/request_checks.h"
#include "tools/gateway/secrets.h"
#include "tools/gateway/status_mapping.h"
#include "tools/gateway/watch_queue.h"

namespace holdfast::gateway {
namespace {

namespace pb = openshell::compute::v1;
using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::testing::HasSubstr;

constexpr model::State kStates[] = {
#define HOLDFAST_X(name, text) model::State::k##name,
    HOLDFAST_STATES(HOLDFAST_X)
#undef HOLDFAST_X
};

// As an OpenShell gateway derives its phase from a driver's status.
std::string PhaseOf(const pb::DriverSandboxStatus& status) {
  if (status.deleting()) return "Deleting";
  for (const pb::DriverCondition& condition : status.conditions()) {
    if (condition.type() == "Suspended" && condition.status() == "True") return "Stopped";
  }
  for (const pb::DriverCondition& condition : status.conditions()) {
    if (condition.type() != "Ready") continue;
    if (condition.status() == "True") return "Ready";
    return IsTransientReason(condition.reason()) ? "Provisioning" : "Error";
  }
  return "Provisioning";
}

model::Sandbox InState(model::State state) {
  model::Sandbox sandbox;
  sandbox.id = {"s1"};
  sandbox.head = {1};
  sandbox.state = state;
  sandbox.spec.name = "one";
  return sandbox;
}

pb::DriverCondition Ready(const pb::DriverSandboxStatus& status) {
  return *std::find_if(status.conditions().begin(), status.conditions().end(),
                       [](const auto& condition) { return condition.type() == "Ready"; });
}

TEST(StatusMapping, GivesEachStateItsOpenShellPhase) {
  std::string table;
  for (model::State state : kStates) {
    table += std::string(model::Name(state)) + " " + PhaseOf(StatusOf(InState(state), "")) + "\n";
  }

  EXPECT_EQ(table,
            "Requested Provisioning\nValidating Provisioning\nPlanning Provisioning\n"
            "Preparing Provisioning\nProvisioning Provisioning\nStarting Provisioning\n"
            "Running Ready\nStopping Provisioning\nStopped Stopped\nRollingBack Provisioning\n"
            "Failed Error\nDeleting Deleting\nDeleted Deleting\nStuck Error\n");
}

TEST(StatusMapping, SaysATransientReasonExactlyWhileStillWorking) {
  for (model::State state : kStates) {
    const OpenShellView& view = ViewOf(state);
    if (view.ready) continue;
    EXPECT_EQ(IsTransientReason(view.reason), view.transient) << model::Name(state);
  }
}

TEST(StatusMapping, GivesAStoppedSandboxBothConditions) {
  const pb::DriverSandboxStatus status = StatusOf(InState(model::State::kStopped), "");

  ASSERT_EQ(status.conditions_size(), 2);
  EXPECT_EQ(status.conditions(0).type(), "Suspended");
  EXPECT_EQ(status.conditions(0).status(), "True");
  EXPECT_EQ(status.conditions(1).type(), "Ready");
  EXPECT_EQ(status.conditions(1).status(), "False");
  EXPECT_EQ(status.conditions(1).reason(), "ContainerStopped");
}

TEST(StatusMapping, GivesAFailedSandboxItsOwnReason) {
  model::Sandbox sandbox = InState(model::State::kFailed);
  sandbox.reason = "PoolExhausted";

  EXPECT_EQ(Ready(StatusOf(sandbox, "")).reason(), "PoolExhausted");
}

TEST(StatusMapping, NeverLetsAFinalReasonReadAsNotYet) {
  model::Sandbox sandbox = InState(model::State::kFailed);
  sandbox.reason = "ReconcilerError";

  EXPECT_EQ(Ready(StatusOf(sandbox, "")).reason(), "CreateFailed");
}

TEST(StatusMapping, KeepsADeleteThatWaitsForAnOperatorADelete) {
  model::Sandbox sandbox = InState(model::State::kStuck);
  sandbox.parked_in = model::State::kDeleting;

  EXPECT_EQ(PhaseOf(StatusOf(sandbox, "")), "Deleting");
}

TEST(StatusMapping, SaysThatRecordsAreUnreadable) {
  const pb::DriverSandboxStatus status = StatusOf(InState(model::State::kRunning), "bad record");

  EXPECT_EQ(Ready(status).reason(), "RecordsUnreadable");
  EXPECT_EQ(Ready(status).message(), "bad record");
}

TEST(StatusMapping, GivesTheTimeInBothForms) {
  model::Sandbox sandbox = InState(model::State::kRunning);
  sandbox.state_since = {1'700'000'000'123};

  const pb::DriverCondition ready = Ready(StatusOf(sandbox, ""));

  EXPECT_EQ(ready.last_transition_time(), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(ready.transition_time().seconds(), 1'700'000'000);
  EXPECT_EQ(ready.transition_time().nanos(), 123'000'000);
}

pb::DriverSandbox FullSandbox() {
  pb::DriverSandbox sandbox;
  sandbox.set_id("s1");
  sandbox.set_name("one");
  sandbox.set_workspace("lab");
  pb::DriverSandboxSpec& spec = *sandbox.mutable_spec();
  spec.set_log_level("debug");
  spec.add_command("sleep");
  spec.add_command("1");
  spec.set_tty(true);
  (*spec.mutable_environment())["A"] = "own";
  spec.mutable_resource_requirements()->mutable_gpu()->set_count(2);
  pb::DriverSandboxTemplate& shape = *spec.mutable_template_();
  shape.set_image("img");
  (*shape.mutable_environment())["A"] = "template";
  (*shape.mutable_environment())["B"] = "template";
  (*shape.mutable_labels())["team"] = "red";
  shape.mutable_resources()->set_cpu_limit("2");
  (*shape.mutable_driver_config()->mutable_fields())["x"].set_string_value("y");
  return sandbox;
}

TEST(ComputeTranslate, TakesEveryFieldOfASpec) {
  HF_ASSERT_OK_AND_ASSIGN(const model::SandboxSpec spec,
                          SpecFromDriverSandbox(FullSandbox(), "process"));

  EXPECT_EQ(spec.name, "one");
  EXPECT_EQ(spec.workspace, "lab");
  EXPECT_EQ(spec.driver, "process");
  EXPECT_EQ(spec.image, "img");
  EXPECT_EQ(spec.command, (std::vector<std::string>{"sleep", "1"}));
  EXPECT_EQ(spec.environment,
            (std::map<std::string, std::string>{{"A", "own"}, {"B", "template"}}));
  EXPECT_EQ(spec.labels, (std::map<std::string, std::string>{{"team", "red"}}));
  EXPECT_TRUE(spec.tty);
  EXPECT_EQ(spec.log_level, "debug");
  EXPECT_EQ(spec.cpu_limit, "2");
  EXPECT_EQ(spec.driver_config, R"({"x":"y"})");
  EXPECT_EQ(spec.platform_config, "");
  EXPECT_TRUE(spec.gpu);
  EXPECT_EQ(spec.gpu_count, 2U);
}

TEST(ComputeTranslate, GivesTheSpecBackInAPointRead) {
  model::Sandbox sandbox = InState(model::State::kRunning);
  HF_ASSERT_OK_AND_ASSIGN(sandbox.spec, SpecFromDriverSandbox(FullSandbox(), "process"));

  const pb::DriverSandbox out = DriverSandboxFrom(sandbox, "", SpecForm::kWith);

  HF_ASSERT_OK_AND_ASSIGN(const model::SandboxSpec again, SpecFromDriverSandbox(out, "process"));
  EXPECT_EQ(again, sandbox.spec);
}

TEST(ComputeTranslate, LeavesTheSpecOutOfSnapshots) {
  EXPECT_FALSE(
      DriverSandboxFrom(InState(model::State::kRunning), "", SpecForm::kWithout).has_spec());
}

TEST(ComputeTranslate, NeverGivesAnEmptyWorkspace) {
  EXPECT_EQ(DriverSandboxFrom(InState(model::State::kRunning), "", SpecForm::kWithout).workspace(),
            "default");
}

TEST(ComputeTranslate, RefusesAnAgentSocket) {
  pb::DriverSandbox sandbox = FullSandbox();
  sandbox.mutable_spec()->mutable_template_()->set_agent_socket_path("/a");

  EXPECT_THAT(SpecFromDriverSandbox(sandbox, "process"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(TakeSecrets, RemovesEveryMarkedFieldHoweverDeep) {
  pb::CreateSandboxRequest request;
  *request.mutable_sandbox() = FullSandbox();
  request.mutable_sandbox()->mutable_spec()->set_sandbox_token("hush-1");
  request.mutable_sandbox()->mutable_spec()->set_launch_authentication("hush-2");

  const model::Secrets taken = TakeSecrets(request);

  EXPECT_THAT(taken.Names(), ::testing::ElementsAre("sandbox.spec.launch_authentication",
                                                    "sandbox.spec.sandbox_token"));
  EXPECT_EQ(taken.values().at("sandbox.spec.sandbox_token").Reveal(), "hush-1");
  EXPECT_THAT(request.SerializeAsString(), ::testing::Not(HasSubstr("hush")));
  EXPECT_EQ(request.sandbox().spec().command(0), "sleep");
}

TEST(TakeSecrets, LooksIntoRepeatedMessages) {
  pb::ListSandboxesResponse list;
  for (int i = 0; i < 3; ++i) list.add_sandboxes()->mutable_spec()->set_sandbox_token("hush");

  EXPECT_THAT(TakeSecrets(list).Names(), ::testing::ElementsAre("sandboxes[0].spec.sandbox_token",
                                                                "sandboxes[1].spec.sandbox_token",
                                                                "sandboxes[2].spec.sandbox_token"));
}

TEST(TakeSecrets, OverwritesTheValueInTheMessage) {
  pb::DriverSandboxSpec spec;
  spec.set_sandbox_token("a secret that is too long for the string itself");
  // The message keeps the string, and so its memory, for the field's next value.
  const char* memory = spec.sandbox_token().data();
  const std::size_t size = spec.sandbox_token().size();

  TakeSecrets(spec);

  EXPECT_THAT(std::string(memory + 1, size - 1), ::testing::Not(HasSubstr("secret")));
}

TEST(TakeSecrets, TakesNothingFromAMessageWithoutSecrets) {
  pb::DriverSandbox sandbox = FullSandbox();
  const std::string before = sandbox.SerializeAsString();

  EXPECT_TRUE(TakeSecrets(sandbox).empty());

  EXPECT_EQ(sandbox.SerializeAsString(), before);
}

TEST(RequestChecks, BoundsTheSecretsTogether) {
  for (const std::size_t bytes : {kSecretBytesMax / 2, kSecretBytesMax / 2 + 1}) {
    model::Secrets::Values values;
    values.emplace("a", support::SecretBytes(bytes));
    values.emplace("b", support::SecretBytes(kSecretBytesMax / 2));
    EXPECT_EQ(CheckSecrets(model::Secrets(std::move(values))).ok(), bytes * 2 == kSecretBytesMax);
  }
}

TEST(WatchQueue, KeepsTheLatestOfEachSandbox) {
  WatchQueue<std::string> queue;
  queue.Push("a", "a1", false);
  queue.Push("b", "b1", false);
  queue.Push("a", "a2", false);

  std::string message;
  ASSERT_TRUE(queue.Pop(message));
  EXPECT_EQ(message, "a2");
  ASSERT_TRUE(queue.Pop(message));
  EXPECT_EQ(message, "b1");
  EXPECT_FALSE(queue.Pop(message));
}

TEST(WatchQueue, TellsADeletionBeforeTheIdIsUsedAgain) {
  WatchQueue<std::string> queue;
  queue.Push("a", "running", false);
  queue.Push("a", "deleted", true);
  queue.Push("a", "requested", false);
  queue.Push("a", "running again", false);

  std::string message;
  ASSERT_TRUE(queue.Pop(message));
  EXPECT_EQ(message, "deleted");
  ASSERT_TRUE(queue.Pop(message));
  EXPECT_EQ(message, "running again");
  EXPECT_FALSE(queue.Pop(message));
}

TEST(WatchQueue, TellsRepeatedDeletionsOnce) {
  WatchQueue<std::string> queue;
  queue.Push("a", "deleted", true);
  queue.Push("a", "running", false);
  queue.Push("a", "deleted", true);

  std::string message;
  EXPECT_TRUE(queue.Pop(message));
  EXPECT_FALSE(queue.Pop(message));
}

model::SandboxSpec GoodSpec() {
  model::SandboxSpec spec;
  spec.command = {"sleep"};
  return spec;
}

std::string Refusal(const model::SandboxSpec& spec) {
  return std::string(CheckSpec(spec).message());
}

TEST(RequestChecks, AcceptASpecThatOnlyHasACommand) { EXPECT_THAT(CheckSpec(GoodSpec()), IsOk()); }

TEST(RequestChecks, RefuseAMissingCommand) {
  EXPECT_EQ(Refusal({}), "command is empty; give the program and its arguments");
}

TEST(RequestChecks, RefuseABadEnvironmentName) {
  model::SandboxSpec spec = GoodSpec();
  spec.environment["A=B"] = "1";
  EXPECT_THAT(Refusal(spec), HasSubstr("environment name \"A=B\" is not allowed"));
}

TEST(RequestChecks, RefuseABadLabelKey) {
  model::SandboxSpec spec = GoodSpec();
  spec.labels["a/b/c"] = "1";
  EXPECT_THAT(Refusal(spec), HasSubstr("label key \"a/b/c\" is not allowed"));
}

TEST(RequestChecks, RefuseABlockThatIsNotJson) {
  model::SandboxSpec spec = GoodSpec();
  spec.driver_config = "{";
  EXPECT_EQ(Refusal(spec), "driver_config is not a JSON object");
}

TEST(RequestChecks, RefuseASpecThatNoRecordHolds) {
  model::SandboxSpec spec = GoodSpec();
  spec.environment["A"] = std::string(600 << 10, 'x');
  EXPECT_THAT(Refusal(spec), HasSubstr("at most 524288 are allowed"));
}

TEST(RequestChecks, HoldIdsToTheirAlphabet) {
  EXPECT_THAT(CheckSandboxId(std::string(128, 'a')), IsOk());
  for (const std::string& id : {std::string(), std::string("."), std::string(".."),
                                std::string("a/b"), std::string(129, 'a'), std::string("a\nb")}) {
    EXPECT_THAT(CheckSandboxId(id), StatusIs(absl::StatusCode::kInvalidArgument)) << id;
  }
}

TEST(LifecycleCommands, RefuseARequestWithoutACommand) {
  lifecycle::v1::SubmitRequest request;
  request.set_sandbox_id("s1");
  EXPECT_THAT(CommandFrom(GatewayFacts(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no command is set")));
}

TEST(LifecycleCommands, NameTheConfiguredDriversWhenAnotherIsAskedFor) {
  lifecycle::v1::SubmitRequest request;
  request.set_sandbox_id("s1");
  request.mutable_create()->mutable_spec()->add_command("sleep");
  request.mutable_create()->mutable_spec()->set_driver("vm");
  GatewayFacts facts;
  facts.drivers = {"process", "docker"};

  EXPECT_THAT(CommandFrom(facts, request),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "driver \"vm\" is not configured here; there is process, docker"));
}

TEST(LifecycleCommands, RefuseAnAttestationWithoutANote) {
  lifecycle::v1::RepairRequest request;
  request.set_sandbox_id("s1");
  request.set_kind(lifecycle::v1::RepairRequest::MARK_RELEASED);
  EXPECT_THAT(CommandFrom(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("note is empty")));
}

TEST(LifecycleCommands, RefuseAnUnknownRepair) {
  lifecycle::v1::RepairRequest request;
  request.set_sandbox_id("s1");
  request.set_kind(static_cast<lifecycle::v1::RepairRequest::Kind>(9));
  EXPECT_THAT(CommandFrom(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("kind is not set")));
}

}  // namespace
}  // namespace holdfast::gateway
