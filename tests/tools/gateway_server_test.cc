// SPDX-License-Identifier: Apache-2.0
//
// Both services over a real gRPC server on a real socket, in front of a fake engine: what a caller
// is told, what reaches the engine, and who may come in at all.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "holdfast/lifecycle/v1/lifecycle.grpc.pb.h"
#include "openshell/compute/v1/compute_driver.grpc.pb.h"
#include "tests/support/require.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/fake_engine.h"
#include "tools/gateway/server.h"

namespace holdfast::gateway {
namespace {

namespace compute = openshell::compute::v1;
namespace lifecycle = holdfast::lifecycle::v1;
using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

model::Sandbox MakeSandbox(const std::string& id, model::State state, std::string name = "one") {
  model::Sandbox sandbox;
  sandbox.id = {id};
  sandbox.head = {1};
  sandbox.state = state;
  sandbox.spec.name = std::move(name);
  return sandbox;
}

engine::Submitted Finished(const std::string& id, model::OperationResult result) {
  engine::Submitted submitted;
  submitted.operation = {7};
  submitted.sandbox = MakeSandbox(id, model::State::kStopped);
  submitted.result = model::FinishedOperation{.id = {7},
                                              .kind = {},
                                              .request_id = {},
                                              .result = result,
                                              .reason = "Broken",
                                              .message = "it broke"};
  return submitted;
}

compute::CreateSandboxRequest CreateRequest(const std::string& id) {
  compute::CreateSandboxRequest request;
  request.mutable_sandbox()->set_id(id);
  request.mutable_sandbox()->set_name("one");
  request.mutable_sandbox()->mutable_spec()->add_command("sleep");
  return request;
}

class GatewayServer : public ::testing::Test {
 protected:
  void SetUp() override {
    auto journal = journal::Journal::Open(
        {.path = dir_.File("journal.db"), .owner = "test", .boot_id = "b", .limits = {}});
    ASSERT_THAT(journal.status(), IsOk());
    journal_ = *std::move(journal);
    engine_ = std::make_unique<testing::FakeEngine>(*journal_);
    context_ = std::make_unique<ServiceContext>();
    context_->facts = {.version = "1.2.3",
                       .journal_path = dir_.File("journal.db"),
                       .default_driver = "process",
                       .drivers = {"process"},
                       .since_unix_ms = 1};
    context_->engine.store(engine_.get());
    auto listener = Listener::Open(dir_.File("run/g.sock"));
    ASSERT_THAT(listener.status(), IsOk());
    auto server = Server::Start(*std::move(listener), *context_);
    ASSERT_THAT(server.status(), IsOk());
    server_ = *std::move(server);
    grpc::ChannelArguments arguments;
    arguments.SetMaxSendMessageSize(-1);
    channel_ = grpc::CreateCustomChannel("unix:" + dir_.File("run/g.sock"),
                                         grpc::InsecureChannelCredentials(), arguments);
    compute_ = compute::ComputeDriver::NewStub(channel_);
    lifecycle_ = lifecycle::Lifecycle::NewStub(channel_);
  }
  void TearDown() override {
    if (server_ != nullptr) server_->Shutdown();
    server_ = nullptr;
    context_ = nullptr;
  }

  grpc::Status Create(const compute::CreateSandboxRequest& request) {
    grpc::ClientContext context;
    compute::CreateSandboxResponse response;
    return compute_->CreateSandbox(&context, request, &response);
  }
  grpc::Status Stop(const std::string& id, const std::string& name = {}) {
    grpc::ClientContext context;
    compute::StopSandboxRequest request;
    request.set_sandbox_id(id);
    request.set_sandbox_name(name);
    compute::StopSandboxResponse response;
    return compute_->StopSandbox(&context, request, &response);
  }
  grpc::Status Start(const std::string& id) {
    grpc::ClientContext context;
    compute::StartSandboxRequest request;
    request.set_sandbox_id(id);
    request.set_generation_id("g-1");
    compute::StartSandboxResponse response;
    return compute_->StartSandbox(&context, request, &response);
  }
  grpc::Status Delete(const std::string& id, bool& deleted, const std::string& name = {}) {
    grpc::ClientContext context;
    compute::DeleteSandboxRequest request;
    request.set_sandbox_id(id);
    request.set_sandbox_name(name);
    compute::DeleteSandboxResponse response;
    grpc::Status status = compute_->DeleteSandbox(&context, request, &response);
    deleted = response.deleted();
    return status;
  }
  grpc::Status Submit(const lifecycle::SubmitRequest& request,
                      lifecycle::SubmitResponse* response) {
    grpc::ClientContext context;
    return lifecycle_->Submit(&context, request, response);
  }

  // 1 = SERVING, 2 = NOT_SERVING, 0 = the name is unknown. The message is field 1, a string, on the
  // way in, and field 1, an enum, on the way out.
  int Health(const std::string& service) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    std::string bytes;
    if (!service.empty()) bytes = std::string("\x0a") + static_cast<char>(service.size()) + service;
    const grpc::Slice slice(bytes);
    auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                      grpc::ByteBuffer(&slice, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (!status.ok()) return 0;
    std::vector<grpc::Slice> slices;
    static_cast<void>(answer.Dump(&slices));
    return slices.empty() || slices[0].size() < 2 ? 0 : slices[0].begin()[1];
  }

  testing::TempDir dir_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<testing::FakeEngine> engine_;
  std::unique_ptr<ServiceContext> context_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<compute::ComputeDriver::Stub> compute_;
  std::unique_ptr<lifecycle::Lifecycle::Stub> lifecycle_;
};

TEST_F(GatewayServer, CreatesThroughTheEngineWithoutWaiting) {
  engine_->AnswerWith(engine::Submitted());

  EXPECT_TRUE(Create(CreateRequest("s1")).ok());

  ASSERT_THAT(engine_->commands(), SizeIs(1));
  const auto [command, wait] = engine_->commands()[0];
  EXPECT_FALSE(wait);
  EXPECT_EQ(command.sandbox.value, "s1");
  EXPECT_EQ(std::get<model::CreateSandbox>(command.wish).spec.driver, "process");
}

TEST_F(GatewayServer, PassesTheEnginesCodeOn) {
  engine_->AnswerWith(absl::AlreadyExistsError("sandbox s1 exists"));

  const grpc::Status status = Create(CreateRequest("s1"));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(status.error_message(), "sandbox s1 exists");
}

TEST_F(GatewayServer, RefusesABadCreateBeforeTheEngineSeesIt) {
  compute::CreateSandboxRequest no_command = CreateRequest("s1");
  no_command.mutable_sandbox()->mutable_spec()->clear_command();
  compute::CreateSandboxRequest no_spec = CreateRequest("s1");
  no_spec.mutable_sandbox()->clear_spec();
  compute::CreateSandboxRequest bad_label = CreateRequest("s1");
  (*bad_label.mutable_sandbox()->mutable_spec()->mutable_template_()->mutable_labels())["/"] = "";

  for (const auto& request :
       {CreateRequest(""), CreateRequest("a/b"), CreateRequest(".."),
        CreateRequest(std::string(129, 'a')), no_command, no_spec, bad_label}) {
    const grpc::Status status = Create(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << request.DebugString();
    EXPECT_NE(status.error_message(), "") << request.DebugString();
  }

  EXPECT_THAT(engine_->commands(), IsEmpty());
}

TEST_F(GatewayServer, RefusesABadSubmitBeforeTheEngineSeesIt) {
  lifecycle::SubmitRequest unset;
  unset.set_sandbox_id("s1");
  lifecycle::SubmitRequest bad_id;
  bad_id.set_sandbox_id("s 1");
  bad_id.mutable_start();
  lifecycle::SubmitRequest long_request_id;
  long_request_id.set_sandbox_id("s1");
  long_request_id.set_request_id(std::string(129, 'r'));
  long_request_id.mutable_start();
  lifecycle::SubmitRequest bad_grace;
  bad_grace.set_sandbox_id("s1");
  bad_grace.mutable_stop()->set_grace_ms(-1);
  lifecycle::SubmitRequest no_spec;
  no_spec.set_sandbox_id("s1");
  no_spec.mutable_create();

  for (const auto& request : {unset, bad_id, long_request_id, bad_grace, no_spec}) {
    lifecycle::SubmitResponse response;
    const grpc::Status status = Submit(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << request.DebugString();
    EXPECT_NE(status.error_message(), "");
  }

  EXPECT_THAT(engine_->commands(), IsEmpty());
}

TEST_F(GatewayServer, RefusesAListThatAsksForTooMuch) {
  grpc::ClientContext context;
  lifecycle::ListRequest request;
  request.set_limit(10'001);
  lifecycle::ListResponse response;
  EXPECT_EQ(lifecycle_->List(&context, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GatewayServer, GivesListsInPages) {
  for (const char* id : {"a", "b", "c"})
    engine_->Put({MakeSandbox(id, model::State::kRunning), ""});
  lifecycle::ListRequest request;
  request.set_limit(2);

  grpc::ClientContext first;
  lifecycle::ListResponse page;
  ASSERT_TRUE(lifecycle_->List(&first, request, &page).ok());
  EXPECT_EQ(page.sandboxes_size(), 2);
  EXPECT_EQ(page.next_after_id(), "b");
  request.set_after_id(page.next_after_id());
  grpc::ClientContext second;
  ASSERT_TRUE(lifecycle_->List(&second, request, &page).ok());

  ASSERT_EQ(page.sandboxes_size(), 1);
  EXPECT_EQ(page.sandboxes(0).id(), "c");
  EXPECT_EQ(page.next_after_id(), "");
}

TEST_F(GatewayServer, StopsOnlyWhenTheOperationIsFinished) {
  engine_->Put({MakeSandbox("s1", model::State::kRunning), ""});
  engine_->AnswerWith(Finished("s1", model::OperationResult::kSucceeded));

  EXPECT_TRUE(Stop("s1").ok());

  ASSERT_THAT(engine_->commands(), SizeIs(1));
  EXPECT_TRUE(engine_->commands()[0].second) << "must wait";
}

TEST_F(GatewayServer, SaysWhyAStopFailed) {
  engine_->Put({MakeSandbox("s1", model::State::kRunning), ""});
  engine_->AnswerWith(Finished("s1", model::OperationResult::kFailed));

  const grpc::Status status = Stop("s1");

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message(), "the stop of s1 failed: Broken: it broke");
}

TEST_F(GatewayServer, SaysThatAnOperatorIsNeeded) {
  engine_->Put({MakeSandbox("s1", model::State::kRunning), ""});
  engine::Submitted parked;
  parked.sandbox = MakeSandbox("s1", model::State::kStuck);
  parked.sandbox.message = "it is parked";
  engine_->AnswerWith(parked);

  EXPECT_THAT(Stop("s1").error_message(),
              HasSubstr("needs an operator: it is parked (see `journal-cli why s1`)"));
}

TEST_F(GatewayServer, AnswersNotFoundForAnUnknownId) {
  EXPECT_EQ(Stop("none").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Start("none").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(GatewayServer, NeverFallsBackToTheName) {
  engine_->Put({MakeSandbox("s1", model::State::kRunning, "demo"), ""});
  engine_->AnswerWith(Finished("s1", model::OperationResult::kSucceeded));
  bool deleted = true;

  EXPECT_TRUE(Delete("unknown", deleted, "demo").ok());
  EXPECT_FALSE(deleted);
  EXPECT_EQ(Delete("s1", deleted, "other").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Delete("", deleted, "demo").error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  EXPECT_THAT(engine_->commands(), IsEmpty());
}

TEST_F(GatewayServer, AnswersAStartOfWhatIsOnItsWayUp) {
  model::Sandbox sandbox = MakeSandbox("s1", model::State::kProvisioning);
  sandbox.operation = model::Operation();
  engine_->Put({sandbox, ""});
  engine_->AnswerWith(absl::AbortedError("busy"));

  EXPECT_TRUE(Start("s1").ok());
}

TEST_F(GatewayServer, TakesTheGenerationIdForTheRequestId) {
  engine_->Put({MakeSandbox("s1", model::State::kStopped), ""});
  engine_->AnswerWith(engine::Submitted());

  EXPECT_TRUE(Start("s1").ok());

  ASSERT_THAT(engine_->commands(), SizeIs(1));
  EXPECT_EQ(engine_->commands()[0].first.request_id, "g-1");
}

TEST_F(GatewayServer, Trap15DeleteAckedBeforeDurableCleanup) {
  engine_->Put({MakeSandbox("s1", model::State::kRunning), ""});
  bool deleted = false;
  std::thread caller([&] { EXPECT_TRUE(Delete("s1", deleted).ok()); });

  testing::FakeEngine::Received received = engine_->TakePending();
  EXPECT_TRUE(received.wait);
  EXPECT_FALSE(deleted);
  std::move(received.done)(Finished("s1", model::OperationResult::kSucceeded));
  caller.join();

  EXPECT_TRUE(deleted);
}

TEST_F(GatewayServer, AnswersADeleteOfADeletedSandboxAtOnce) {
  engine_->Put({MakeSandbox("s1", model::State::kDeleted), ""});
  bool deleted = true;

  EXPECT_TRUE(Delete("s1", deleted).ok());

  EXPECT_FALSE(deleted);
  EXPECT_THAT(engine_->commands(), IsEmpty());
}

TEST_F(GatewayServer, DoesNotFindADeletedSandbox) {
  engine_->Put({MakeSandbox("s1", model::State::kDeleted), ""});
  grpc::ClientContext context;
  compute::GetSandboxRequest request;
  request.set_sandbox_id("s1");
  compute::GetSandboxResponse response;
  EXPECT_EQ(compute_->GetSandbox(&context, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(GatewayServer, Trap11LeakedVersusLiveAListIsNeverShort) {
  engine_->SetListStatus(absl::UnavailableError("loading"));
  grpc::ClientContext context;
  compute::ListSandboxesResponse response;
  EXPECT_EQ(compute_->ListSandboxes(&context, {}, &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GatewayServer, AnswersUnavailableWhileItReadsTheJournal) {
  context_->engine.store(nullptr);

  EXPECT_EQ(Create(CreateRequest("s1")).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Stop("s1").error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GatewayServer, ValidatesThroughTheEngine) {
  engine_->SetValidateStatus(absl::FailedPreconditionError("no such command"));
  grpc::ClientContext context;
  compute::ValidateSandboxCreateRequest request;
  *request.mutable_sandbox() = CreateRequest("s1").sandbox();
  compute::ValidateSandboxCreateResponse response;

  const grpc::Status status = compute_->ValidateSandboxCreate(&context, request, &response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "no such command");
  EXPECT_THAT(engine_->commands(), IsEmpty());
}

TEST_F(GatewayServer, TellsItsCapabilities) {
  grpc::ClientContext context;
  compute::GetCapabilitiesResponse response;
  ASSERT_TRUE(compute_->GetCapabilities(&context, {}, &response).ok());
  EXPECT_EQ(response.driver_name(), "holdfast");
  EXPECT_EQ(response.driver_version(), "1.2.3");
  EXPECT_EQ(response.default_image(), "img");
  EXPECT_FALSE(response.gateway_manages_lifecycle());
}

TEST_F(GatewayServer, RefusesARequestAboveTheLimitAndNamesIt) {
  compute::CreateSandboxRequest request = CreateRequest("s1");
  (*request.mutable_sandbox()->mutable_spec()->mutable_environment())["A"] =
      std::string(5 << 20, 'x');

  const grpc::Status status = Create(request);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr(std::to_string(kRequestBytesMax)));
}

TEST_F(GatewayServer, LetsACommandGoOnWhenItsCallerIsGone) {
  grpc::ClientContext context;
  lifecycle::SubmitRequest request;
  request.set_sandbox_id("s1");
  request.set_wait(true);
  request.mutable_start();
  std::thread caller([&] {
    lifecycle::SubmitResponse response;
    EXPECT_EQ(lifecycle_->Submit(&context, request, &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });

  testing::FakeEngine::Received received = engine_->TakePending();
  context.TryCancel();
  caller.join();
  std::move(received.done)(Finished("s1", model::OperationResult::kSucceeded));  // nobody minds
}

TEST_F(GatewayServer, WatchTellsThePresentSetThenChangesThenDeletions) {
  engine_->Put({MakeSandbox("a", model::State::kRunning), ""});
  engine_->Put({MakeSandbox("gone", model::State::kDeleted), ""});
  grpc::ClientContext context;
  auto stream = compute_->WatchSandboxes(&context, {});
  compute::WatchSandboxesEvent event;

  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.sandbox().sandbox().id(), "a");
  engine_->WaitForObservers(1);
  engine_->Put({MakeSandbox("b", model::State::kRequested), ""});
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.sandbox().sandbox().id(), "b");
  engine_->Put({MakeSandbox("a", model::State::kDeleted), ""});
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.deleted().sandbox_id(), "a");
  context.TryCancel();
  engine_->WaitForObservers(0);
}

TEST_F(GatewayServer, WatchSaysWhenThePresentSetIsComplete) {
  engine_->Put({MakeSandbox("a", model::State::kRunning), ""});
  engine_->Put({MakeSandbox("b", model::State::kRunning), ""});
  grpc::ClientContext context;
  lifecycle::WatchRequest request;
  request.add_sandbox_ids("b");
  auto stream = lifecycle_->Watch(&context, request);
  lifecycle::WatchResponse event;

  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.sandbox().id(), "b");
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_TRUE(event.synced());
  context.TryCancel();
}

TEST_F(GatewayServer, ASlowWatcherGetsTheLatestOfEachSandbox) {
  grpc::ClientContext context;
  auto stream = compute_->WatchSandboxes(&context, {});
  engine_->WaitForObservers(1);
  // Far more than gRPC buffers for a reader that does not read.
  constexpr int kUpdates = 20'000;
  for (int i = 1; i <= kUpdates; ++i) {
    model::Sandbox sandbox = MakeSandbox("a", model::State::kRunning);
    sandbox.message = std::string(200, 'x') + std::to_string(i);
    engine_->Put({sandbox, ""});
  }
  engine_->Put({MakeSandbox("a", model::State::kDeleted), ""});

  compute::WatchSandboxesEvent event;
  int read = 0;
  while (stream->Read(&event) && !event.has_deleted()) ++read;

  EXPECT_EQ(event.deleted().sandbox_id(), "a");
  EXPECT_LT(read, kUpdates);
  context.TryCancel();
}

TEST_F(GatewayServer, EndsWaitingCallsWhenItShutsDown) {
  grpc::ClientContext watch_context;
  auto stream = compute_->WatchSandboxes(&watch_context, {});
  engine_->WaitForObservers(1);
  engine_->Put({MakeSandbox("s1", model::State::kRunning), ""});
  grpc::Status stopped;
  std::thread caller([&] { stopped = Stop("s1"); });
  testing::FakeEngine::Received received = engine_->TakePending();

  server_->Shutdown();
  caller.join();

  EXPECT_EQ(stopped.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(stopped.error_message(), HasSubstr("goes on after its restart"));
  compute::WatchSandboxesEvent event;
  while (stream->Read(&event)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GatewayServer, StreamsHistoryPageByPage) {
  journal::Batch batch{.sandbox_id = "s1", .expected_sequence = 0, .drafts = {}, .projection = {}};
  batch.projection.state = "Requested";
  for (int round = 0; round < 3; ++round) {
    batch.drafts.clear();
    for (int i = 0; i < 200; ++i) batch.drafts.push_back(journal::Draft::Event("Odd", "", 1));
    ASSERT_THAT(journal_->Append(batch).status(), IsOk());
    batch.expected_sequence += 200;
  }
  grpc::ClientContext context;
  lifecycle::HistoryRequest request;
  request.set_sandbox_id("s1");
  request.set_after(10);
  request.set_limit(500);
  auto stream = lifecycle_->History(&context, request);

  lifecycle::HistoryEntry entry;
  std::uint64_t expected = 11;
  while (stream->Read(&entry)) EXPECT_EQ(entry.sequence(), expected++);

  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(expected, 511U);
}

TEST_F(GatewayServer, VerifiesTheJournal) {
  grpc::ClientContext context;
  lifecycle::VerifyResponse response;
  EXPECT_TRUE(lifecycle_->Verify(&context, {}, &response).ok());
  EXPECT_EQ(response.damages_size(), 0);
}

TEST_F(GatewayServer, TellsItsStatus) {
  grpc::ClientContext context;
  lifecycle::StatusResponse response;
  ASSERT_TRUE(lifecycle_->Status(&context, {}, &response).ok());
  EXPECT_EQ(response.version(), "1.2.3");
  EXPECT_EQ(response.epoch(), journal_->epoch());
  EXPECT_EQ(response.startup().restored(), 3U);
  EXPECT_EQ(response.drivers(0).name(), "process");
}

TEST_F(GatewayServer, SaysServingOnlyWhenItIs) {
  for (const char* name :
       {"", "openshell.compute.v1.ComputeDriver", "holdfast.lifecycle.v1.Lifecycle"}) {
    EXPECT_EQ(Health(name), 2) << name;
  }
  server_->SetServing(true);
  for (const char* name :
       {"", "openshell.compute.v1.ComputeDriver", "holdfast.lifecycle.v1.Lifecycle"}) {
    EXPECT_EQ(Health(name), 1) << name;
  }
  EXPECT_EQ(Health("other"), 0);
}

TEST_F(GatewayServer, RemovesItsSocketWhenItStopsAccepting) {
  server_->StopAccepting();
  EXPECT_NE(access(dir_.File("run/g.sock").c_str(), F_OK), 0);
}

TEST_F(GatewayServer, KeepsSocketAndDirectoryPrivate) {
  struct stat status {};
  ASSERT_EQ(stat(dir_.File("run/g.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(stat(dir_.File("run").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

int Connect(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

TEST_F(GatewayServer, TurnsAPeerOfAnotherUserAway) {
  HF_NEEDS("root", geteuid() == 0, "only root can become another user to try");
  // The modes are opened up, so that only the check of the peer is left to stop it.
  chmod(dir_.path().c_str(), 0755);
  chmod(dir_.File("run").c_str(), 0755);
  chmod(dir_.File("run/g.sock").c_str(), 0666);
  const std::string path = dir_.File("run/g.sock");
  // The preface of HTTP/2 and an empty SETTINGS frame: a server that talks to us answers with its
  // own.
  static constexpr char kHello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x4\0\0\0\0\0";
  const auto bytes_heard = [&path](uid_t uid) {
    const pid_t child = fork();
    if (child == 0) {
      if (setuid(uid) != 0) _exit(100);
      const int fd = Connect(path);
      if (fd < 0) _exit(101);
      static_cast<void>(!write(fd, kHello, sizeof kHello - 1));
      char byte = 0;
      _exit(read(fd, &byte, 1) > 0 ? 1 : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };

  EXPECT_EQ(bytes_heard(0), 1) << "our own user must be served";
  EXPECT_EQ(bytes_heard(65534), 0) << "another user must hear nothing";
}

TEST(GatewayListener, ReplacesTheSocketOfADeadGateway) {
  testing::TempDir dir;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  dir.File("s").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(fd);

  EXPECT_THAT(Listener::Open(dir.File("s")).status(), IsOk());
}

TEST(GatewayListener, LeavesASocketAloneThatAnswers) {
  testing::TempDir dir;
  HF_ASSERT_OK_AND_ASSIGN(auto first, Listener::Open(dir.File("s")));

  EXPECT_THAT(Listener::Open(dir.File("s")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("somebody answers")));
  EXPECT_EQ(access(dir.File("s").c_str(), F_OK), 0);
}

TEST(GatewayListener, LeavesAFileAlone) {
  testing::TempDir dir;
  std::ofstream(dir.File("s")) << "precious";

  EXPECT_THAT(Listener::Open(dir.File("s")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is in the way")));
  EXPECT_EQ(access(dir.File("s").c_str(), F_OK), 0);
}

TEST(GatewayListener, RefusesADirectoryThatOthersMayWriteTo) {
  testing::TempDir dir;
  chmod(dir.path().c_str(), 0777);

  EXPECT_THAT(Listener::Open(dir.File("s")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("chmod 0700")));
}

TEST(GatewayListener, RefusesADirectoryThatIsALink) {
  testing::TempDir dir;
  ASSERT_EQ(mkdir(dir.File("real").c_str(), 0700), 0);
  ASSERT_EQ(symlink(dir.File("real").c_str(), dir.File("link").c_str()), 0);

  EXPECT_THAT(Listener::Open(dir.File("link/s")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is not a directory")));
}

TEST(GatewayListener, RefusesAPathThatNoAddressHolds) {
  EXPECT_THAT(Listener::Open("/tmp/" + std::string(110, 'x')).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace holdfast::gateway
