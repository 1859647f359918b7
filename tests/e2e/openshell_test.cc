// SPDX-License-Identifier: Apache-2.0
//
// The gateway as an OpenShell gateway sees it: a compute driver, spoken to as one speaks to any,
// from the first question to the last delete. (The secrets that it is given: secrets_test.cc.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/e2e/house.h"
#include "tests/e2e/openshell_watch.h"

namespace holdfast::e2e {
namespace {

using ::testing::HasSubstr;
using Code = grpc::StatusCode;

constexpr const char* kSecret = "planted-secret-7f3a9c";
constexpr const char* kOtherSecret = "planted-secret-launch-51";

compute::DriverSandbox Wanted(const std::string& id) {
  compute::DriverSandbox sandbox;
  sandbox.set_id(id);
  sandbox.set_name("name-of-" + id);
  sandbox.set_workspace("lab");
  compute::DriverSandboxSpec& spec = *sandbox.mutable_spec();
  for (const std::string& word : Forever()) spec.add_command(word);
  spec.set_sandbox_token(kSecret);
  spec.set_launch_authentication(kOtherSecret);
  (*spec.mutable_environment())["GREETING"] = "hold fast";
  return sandbox;
}

std::string Condition(const compute::DriverSandbox& sandbox, const std::string& type) {
  for (const auto& condition : sandbox.status().conditions()) {
    if (condition.type() == type) return condition.status();
  }
  return "";
}

class OpenShell : public InHouse {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(house_.Start()); }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (compute::ComputeDriver::Stub::*method)(grpc::ClientContext*,
                                                                         const Request&, Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    Api api = house_.Connect();
    return (api.openshell().*method)(&context, request, &response);
  }
  grpc::Status Create(const compute::DriverSandbox& sandbox) {
    compute::CreateSandboxRequest request;
    *request.mutable_sandbox() = sandbox;
    compute::CreateSandboxResponse response;
    return Call(&Stub::CreateSandbox, request, response);
  }
  grpc::Status Validate(const compute::DriverSandbox& sandbox) {
    compute::ValidateSandboxCreateRequest request;
    *request.mutable_sandbox() = sandbox;
    compute::ValidateSandboxCreateResponse response;
    return Call(&Stub::ValidateSandboxCreate, request, response);
  }
  grpc::Status Stop(const std::string& id) {
    compute::StopSandboxRequest request;
    request.set_sandbox_id(id);
    compute::StopSandboxResponse response;
    return Call(&Stub::StopSandbox, request, response);
  }
  grpc::Status Start(const std::string& id) {
    compute::StartSandboxRequest request;
    request.set_sandbox_id(id);
    request.set_launch_authentication(kOtherSecret);
    request.set_generation_id("generation-1");
    compute::StartSandboxResponse response;
    return Call(&Stub::StartSandbox, request, response);
  }
  grpc::Status Delete(const std::string& id, bool& deleted) {
    compute::DeleteSandboxRequest request;
    request.set_sandbox_id(id);
    compute::DeleteSandboxResponse response;
    const grpc::Status status = Call(&Stub::DeleteSandbox, request, response);
    deleted = response.deleted();
    return status;
  }
  compute::DriverSandbox Get(const std::string& id) {
    compute::GetSandboxRequest request;
    request.set_sandbox_id(id);
    compute::GetSandboxResponse response;
    const grpc::Status status = Call(&Stub::GetSandbox, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.sandbox();
  }
  bool BecomesReady(const std::string& id) {
    return Eventually([&] { return Condition(Get(id), "Ready") == "True"; });
  }
  std::size_t WorkloadsOf(const std::string& id) { return house_.Look().workloads[id].size(); }

  using Stub = compute::ComputeDriver::Stub;
};

TEST_F(OpenShell, SaysWhatItIs) {
  compute::GetCapabilitiesResponse response;
  ASSERT_TRUE(Call(&Stub::GetCapabilities, compute::GetCapabilitiesRequest(), response).ok());

  EXPECT_EQ(response.driver_name(), "holdfast");
  EXPECT_FALSE(response.driver_version().empty());
  EXPECT_FALSE(response.gateway_manages_lifecycle());
}

TEST_F(OpenShell, ValidatesWithoutDoingAnything) {
  EXPECT_TRUE(Validate(Wanted("a")).ok());
  compute::DriverSandbox bad = Wanted("a");
  bad.mutable_spec()->set_command(0, "no-such-program");
  const grpc::Status refused = Validate(bad);
  EXPECT_EQ(refused.error_code(), Code::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("is not found in PATH"));

  EXPECT_EQ(house_.JournalCli({"verify"}).out, "0 records of 0 sandboxes read: sound\n");
  EXPECT_TRUE(house_.Look().empty());
}

TEST_F(OpenShell, CarriesASandboxThroughItsWholeLife) {
  OpenShellWatch watch(house_.socket());

  ASSERT_TRUE(Create(Wanted("a")).ok());
  const auto is_ready = [](const compute::WatchSandboxesEvent& event) {
    return event.sandbox().sandbox().id() == "a" &&
           Condition(event.sandbox().sandbox(), "Ready") == "True";
  };
  ASSERT_TRUE(watch.Sees(is_ready)) << watch.Text();
  // One who comes later gets the same, as the present set.
  EXPECT_TRUE(OpenShellWatch(house_.socket()).Sees(is_ready));
  EXPECT_EQ(Create(Wanted("a")).error_code(), Code::ALREADY_EXISTS);

  const compute::DriverSandbox got = Get("a");
  EXPECT_EQ(got.name(), "name-of-a");
  EXPECT_EQ(got.workspace(), "lab");
  EXPECT_EQ(Condition(got, "Ready"), "True");
  EXPECT_EQ(got.spec().sandbox_token(), "");
  compute::ListSandboxesResponse list;
  ASSERT_TRUE(Call(&Stub::ListSandboxes, compute::ListSandboxesRequest(), list).ok());
  ASSERT_EQ(list.sandboxes_size(), 1);
  EXPECT_EQ(list.sandboxes(0).id(), "a");

  // It returns only when the workload does not run any more.
  ASSERT_TRUE(Stop("a").ok());
  EXPECT_EQ(WorkloadsOf("a"), 0U);
  EXPECT_EQ(Condition(Get("a"), "Suspended"), "True");
  EXPECT_TRUE(Stop("a").ok());

  ASSERT_TRUE(Start("a").ok());
  EXPECT_TRUE(Start("a").ok());
  ASSERT_TRUE(BecomesReady("a"));
  EXPECT_TRUE(Start("a").ok());
  EXPECT_EQ(house_.Look().supervisors["a"].size(), 1U);

  bool deleted = false;
  ASSERT_TRUE(Delete("a", deleted).ok());
  EXPECT_TRUE(deleted);
  EXPECT_TRUE(house_.Look().empty()) << house_.Look().Text();
  EXPECT_TRUE(watch.Sees([](const compute::WatchSandboxesEvent& event) {
    return event.deleted().sandbox_id() == "a";
  })) << watch.Text();
  ASSERT_TRUE(Delete("a", deleted).ok());
  EXPECT_FALSE(deleted);
  compute::GetSandboxRequest request;
  request.set_sandbox_id("a");
  compute::GetSandboxResponse response;
  EXPECT_EQ(Call(&Stub::GetSandbox, request, response).error_code(), Code::NOT_FOUND);
}

TEST_F(OpenShell, IdOfADeletedSandboxMayBeUsedAgain) {
  bool deleted = false;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Create(Wanted("a")).ok());
    ASSERT_TRUE(BecomesReady("a"));
    ASSERT_TRUE(Delete("a", deleted).ok());
    EXPECT_TRUE(deleted);
  }
}

TEST_F(OpenShell, UnknownSandboxesAreNotFoundToStopAndStart) {
  EXPECT_EQ(Stop("nobody").error_code(), Code::NOT_FOUND);
  EXPECT_EQ(Start("nobody").error_code(), Code::NOT_FOUND);
}

TEST_F(OpenShell, CreateThatItsClientGaveUpIsFinished) {
  lifecycle::SubmitRequest request = CreateRequest("a", Forever());
  grpc::ClientContext context;
  SetDeadline(context);
  Api api = house_.Connect();
  std::thread client([&] {
    lifecycle::SubmitResponse response;
    static_cast<void>(api.holdfast().Submit(&context, request, &response));  // may be cut
  });
  const bool exists = Eventually([&] { return house_.Connect().Get("a").ok(); });
  context.TryCancel();
  client.join();

  ASSERT_TRUE(exists);
  EXPECT_TRUE(BecomesReady("a"));
}

TEST_F(OpenShell, CreateThatIsCancelledAtAnyMomentIsWholeOrNotThere) {
  for (int i = 0; i < 8; ++i) {
    const std::string id = "c" + std::to_string(i);
    compute::CreateSandboxRequest request;
    *request.mutable_sandbox() = Wanted(id);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(i * 2));
    compute::CreateSandboxResponse response;
    Api api = house_.Connect();
    const grpc::Status status = api.openshell().CreateSandbox(&context, request, &response);

    if (status.ok()) {
      EXPECT_TRUE(BecomesReady(id));
    } else if (house_.Connect().Get(id).ok()) {
      EXPECT_TRUE(BecomesReady(id));
    }
  }
}

}  // namespace
}  // namespace holdfast::e2e
