// SPDX-License-Identifier: Apache-2.0
//
// What no client should send, sent to the real gateway: each is answered with the right code and a
// sentence that says what to do, and nothing of it is kept anywhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using ::testing::HasSubstr;
using Code = grpc::StatusCode;

// Planted in every bad request, where it fits; must not be found afterwards.
constexpr const char* kMark = "mark-of-a-bad-request";

struct Bad {
  const char* what;
  std::function<void(lifecycle::SubmitRequest&)> spoil;  // a good create named kMark
  Code code;
  const char* says;
};

lifecycle::SandboxSpec& Spec(lifecycle::SubmitRequest& request) {
  return *request.mutable_create()->mutable_spec();
}

const std::vector<Bad>& BadCreates() {
  static const std::vector<Bad> kBad = {
      {"empty id", [](auto& r) { r.clear_sandbox_id(); }, Code::INVALID_ARGUMENT,
       "sandbox_id is empty"},
      {"slash in id", [](auto& r) { r.set_sandbox_id("../x"); }, Code::INVALID_ARGUMENT,
       "use 1 to 128 of the characters"},
      {"dots as id", [](auto& r) { r.set_sandbox_id(".."); }, Code::INVALID_ARGUMENT,
       "use 1 to 128 of the characters"},
      {"long id", [](auto& r) { r.set_sandbox_id(std::string(129, 'a')); }, Code::INVALID_ARGUMENT,
       "use 1 to 128 of the characters"},
      {"NUL in id", [](auto& r) { r.set_sandbox_id(std::string("a\0b", 3)); },
       Code::INVALID_ARGUMENT, "use 1 to 128 of the characters"},
      {"space in id", [](auto& r) { r.set_sandbox_id("a b"); }, Code::INVALID_ARGUMENT,
       "use 1 to 128 of the characters"},
      {"umlaut in id", [](auto& r) { r.set_sandbox_id("s\xc3\xa4ndig"); }, Code::INVALID_ARGUMENT,
       "use 1 to 128 of the characters"},
      {"long request id", [](auto& r) { r.set_request_id(std::string(4096, 'r')); },
       Code::INVALID_ARGUMENT, "request_id has 4096 bytes; at most 128"},
      {"newline in request id", [](auto& r) { r.set_request_id("a\nb"); }, Code::INVALID_ARGUMENT,
       "request_id has a control character"},
      {"no command chosen", [](auto& r) { r.clear_command(); }, Code::INVALID_ARGUMENT,
       "give one of create, start, stop, delete"},
      {"no spec", [](auto& r) { r.mutable_create()->clear_spec(); }, Code::INVALID_ARGUMENT,
       "create.spec is missing"},
      {"no program", [](auto& r) { Spec(r).clear_command(); }, Code::INVALID_ARGUMENT,
       "command is empty; give the program"},
      {"empty program", [](auto& r) { Spec(r).set_command(0, ""); }, Code::INVALID_ARGUMENT,
       "command is empty; give the program"},
      {"no such program", [](auto& r) { Spec(r).set_command(0, "no-such-program"); },
       Code::FAILED_PRECONDITION, "\"no-such-program\" is not found in PATH"},
      {"no such file", [](auto& r) { Spec(r).set_command(0, "/no/such/file"); },
       Code::FAILED_PRECONDITION, "/no/such/file"},
      {"NUL in an argument", [](auto& r) { Spec(r).add_command(std::string("a\0b", 3)); },
       Code::INVALID_ARGUMENT, "command has a NUL character"},
      {"many arguments",
       [](auto& r) {
         for (int i = 0; i < 2000; ++i) Spec(r).add_command("x");
       },
       Code::INVALID_ARGUMENT, "at most 1024 are allowed"},
      {"unknown driver", [](auto& r) { Spec(r).set_driver("vm9"); }, Code::INVALID_ARGUMENT,
       "driver \"vm9\" is not configured here; there is process"},
      {"image", [](auto& r) { Spec(r).set_image("debian"); }, Code::FAILED_PRECONDITION, "image"},
      {"limit", [](auto& r) { Spec(r).set_cpu_limit("2"); }, Code::FAILED_PRECONDITION,
       "leave them out or choose a container driver"},
      {"negative quantity", [](auto& r) { Spec(r).set_memory_request("-1Gi"); },
       Code::INVALID_ARGUMENT, "memory_request \"-1Gi\" is not a quantity like"},
      {"GPUs without a GPU", [](auto& r) { Spec(r).set_gpu_count(4'294'967'295U); },
       Code::INVALID_ARGUMENT, "gpu_count is 4294967295 but gpu is not set"},
      {"GPU", [](auto& r) { Spec(r).set_gpu(true); }, Code::FAILED_PRECONDITION, "GPU"},
      {"empty variable name", [](auto& r) { (*Spec(r).mutable_environment())[""] = "x"; },
       Code::INVALID_ARGUMENT, "environment name \"\" is not allowed"},
      {"= in a variable name", [](auto& r) { (*Spec(r).mutable_environment())["A=B"] = "x"; },
       Code::INVALID_ARGUMENT, "environment name \"A=B\" is not allowed; use letters"},
      {"NUL in a variable",
       [](auto& r) { (*Spec(r).mutable_environment())["A"] = std::string("a\0b", 3); },
       Code::INVALID_ARGUMENT, "environment value of A has a NUL character"},
      {"variable of the driver",
       [](auto& r) { (*Spec(r).mutable_environment())["HOLDFAST_SANDBOX_ID"] = "x"; },
       Code::INVALID_ARGUMENT, "HOLDFAST_"},
      {"bad label key", [](auto& r) { (*Spec(r).mutable_labels())["a b"] = "x"; },
       Code::INVALID_ARGUMENT, "label key \"a b\" is not allowed"},
      {"newline in a label", [](auto& r) { (*Spec(r).mutable_labels())["a"] = "x\ny"; },
       Code::INVALID_ARGUMENT, "label value of a has a control character"},
      {"long label", [](auto& r) { (*Spec(r).mutable_labels())["a"] = std::string(1000, 'x'); },
       Code::INVALID_ARGUMENT, "label value of a has 1000 bytes"},
      {"bad workspace", [](auto& r) { Spec(r).set_workspace("a/b"); }, Code::INVALID_ARGUMENT,
       "workspace \"a/b\" is not allowed"},
      {"driver config that is no JSON", [](auto& r) { Spec(r).set_driver_config("{"); },
       Code::INVALID_ARGUMENT, "driver_config is not a JSON object"},
      {"driver config that nobody reads", [](auto& r) { Spec(r).set_driver_config("{\"a\":1}"); },
       Code::INVALID_ARGUMENT, "driver_config"},
      {"spec too long", [](auto& r) { Spec(r).add_command(std::string(600'000, 'x')); },
       Code::INVALID_ARGUMENT, "at most 524288 are allowed"},
      {"argument too long", [](auto& r) { Spec(r).add_command(std::string(200'000, 'x')); },
       Code::INVALID_ARGUMENT, "longer than 128 KiB"},
      {"message of 5 MiB", [](auto& r) { Spec(r).set_image(std::string(5 << 20, 'x')); },
       Code::RESOURCE_EXHAUSTED, "larger than max"},
  };
  return kBad;
}

class BadRequests : public InHouse {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(house_.Start()); }

  void ExpectNothingKept() {
    const auto all = house_.Connect().List(/*include_deleted=*/true);
    ASSERT_TRUE(all.ok());
    EXPECT_TRUE(all.response.empty()) << all.response[0].ShortDebugString();
    EXPECT_EQ(house_.JournalCli({"verify"}).out, "0 records of 0 sandboxes read: sound\n");
    EXPECT_THAT(ReadFile(house_.journal()), ::testing::Not(HasSubstr(kMark)));
    EXPECT_THAT(ReadFile(house_.journal() + "-wal"), ::testing::Not(HasSubstr(kMark)));
    EXPECT_TRUE(house_.Look().empty()) << house_.Look().Text();
  }
};

TEST_F(BadRequests, CreatesAreRefusedWithAReasonAndKeptNowhere) {
  Api api = house_.Connect();
  for (const Bad& bad : BadCreates()) {
    SCOPED_TRACE(bad.what);
    lifecycle::SubmitRequest request = CreateRequest(kMark, {"sleep", kMark});
    bad.spoil(request);

    const auto answer = api.Submit(request);

    EXPECT_EQ(answer.status.error_code(), bad.code) << answer.status.error_message();
    EXPECT_THAT(answer.status.error_message(), HasSubstr(bad.says));
  }

  ExpectNothingKept();
  EXPECT_TRUE(house_.gateway().Running());
}

TEST_F(BadRequests, CommandsToNobodyAreNotFoundAndKeptNowhere) {
  Api api = house_.Connect();
  for (const auto& request : {StartRequest(kMark), StopRequest(kMark), DeleteRequest(kMark)}) {
    const auto answer = api.Submit(request);
    EXPECT_EQ(answer.status.error_code(), Code::NOT_FOUND) << request.ShortDebugString();
    EXPECT_THAT(answer.status.error_message(), HasSubstr("there is no sandbox"));
  }
  EXPECT_EQ(api.Get(kMark).status.error_code(), Code::NOT_FOUND);
  ExpectNothingKept();
}

TEST_F(BadRequests, AbsurdGracesAreRefused) {
  Api api = house_.Connect();
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t grace : {std::int64_t{-1}, Limits::min(), Limits::max()}) {
    lifecycle::SubmitRequest stop = StopRequest("a");
    stop.mutable_stop()->set_grace_ms(grace);
    lifecycle::SubmitRequest erase = DeleteRequest("a");
    erase.mutable_delete_()->set_grace_ms(grace);
    for (const auto& request : {stop, erase}) {
      const auto answer = api.Submit(request);
      EXPECT_EQ(answer.status.error_code(), Code::INVALID_ARGUMENT);
      EXPECT_THAT(answer.status.error_message(), HasSubstr("it must be from 0 to 3600000"));
    }
  }
}

TEST_F(BadRequests, UnknownRepairKindIsRefused) {
  for (const int kind : {0, 9, -1}) {
    lifecycle::RepairRequest request;
    request.set_sandbox_id("a");
    request.set_kind(static_cast<lifecycle::RepairRequest::Kind>(kind));
    grpc::ClientContext context;
    SetDeadline(context);
    lifecycle::SubmitResponse response;

    const auto status = house_.Connect().holdfast().Repair(&context, request, &response);

    EXPECT_EQ(status.error_code(), Code::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("give RETRY or MARK_RELEASED"));
  }
}

TEST_F(BadRequests, AbsurdListLimitIsRefused) {
  lifecycle::ListRequest request;
  request.set_limit(std::numeric_limits<std::uint32_t>::max());
  grpc::ClientContext context;
  SetDeadline(context);
  lifecycle::ListResponse response;

  const auto status = house_.Connect().holdfast().List(&context, request, &response);

  EXPECT_EQ(status.error_code(), Code::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("at most 10000 are given at once"));
}

TEST_F(BadRequests, OpenShellCreatesAreRefusedLikeOurs) {
  Api api = house_.Connect();
  compute::CreateSandboxRequest good;
  good.mutable_sandbox()->set_id(kMark);
  good.mutable_sandbox()->mutable_spec()->add_command("sleep");
  good.mutable_sandbox()->mutable_spec()->add_command(kMark);
  compute::CreateSandboxRequest no_spec = good, bad_id = good, no_command = good, no_program = good;
  no_spec.mutable_sandbox()->clear_spec();
  bad_id.mutable_sandbox()->set_id("a/b");
  no_command.mutable_sandbox()->mutable_spec()->clear_command();
  no_program.mutable_sandbox()->mutable_spec()->set_command(0, "no-such-program");
  const std::vector<std::pair<compute::CreateSandboxRequest, Code>> bad = {
      {compute::CreateSandboxRequest(), Code::INVALID_ARGUMENT},
      {no_spec, Code::INVALID_ARGUMENT},
      {bad_id, Code::INVALID_ARGUMENT},
      {no_command, Code::INVALID_ARGUMENT},
      {no_program, Code::FAILED_PRECONDITION}};
  for (const auto& [request, code] : bad) {
    grpc::ClientContext context;
    SetDeadline(context);
    compute::CreateSandboxResponse response;
    const auto status = api.openshell().CreateSandbox(&context, request, &response);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
  }
  ExpectNothingKept();
}

}  // namespace
}  // namespace holdfast::e2e
