// SPDX-License-Identifier: Apache-2.0
//
// What generic gRPC tools ask of any server: health by service, and which services there are. Their
// messages are written by hand: the packages ship no .proto for them.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using ::testing::HasSubstr;

// Field `number` of type string, at most 127 bytes.
std::string StringField(int number, std::string_view text) {
  std::string bytes;
  bytes += static_cast<char>(number << 3 | 2);
  bytes += static_cast<char>(text.size());
  return bytes.append(text);
}

grpc::ByteBuffer Buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string Bytes(grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  static_cast<void>(buffer.Dump(&slices));
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

class Health : public InHouse {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(house_.Start()); }

  bool Next(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  }

  grpc::Status Check(const std::string& service, std::string& answer) {
    grpc::GenericStub stub(house_.Connect().channel());
    grpc::ClientContext context;
    SetDeadline(context);
    grpc::CompletionQueue queue;
    const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                            Buffer(StringField(1, service)), &queue);
    call->StartCall();
    grpc::ByteBuffer buffer;
    grpc::Status status;
    call->Finish(&buffer, &status, nullptr);
    Next(queue);
    if (status.ok()) answer = Bytes(buffer);
    return status;
  }
};

TEST_F(Health, IsServingForTheServerAndBothServices) {
  for (const char* service :
       {"", "openshell.compute.v1.ComputeDriver", "holdfast.lifecycle.v1.Lifecycle"}) {
    std::string answer;
    const grpc::Status status = Check(service, answer);
    EXPECT_TRUE(status.ok()) << service << ": " << status.error_message();
    EXPECT_EQ(answer, "\x08\x01") << service;  // status: SERVING
  }
}

TEST_F(Health, DoesNotKnowOtherServices) {
  std::string answer;
  EXPECT_EQ(Check("no.such.Service", answer).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Health, ReflectionListsTheServices) {
  grpc::GenericStub stub(house_.Connect().channel());
  grpc::ClientContext context;
  SetDeadline(context);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  ASSERT_TRUE(Next(queue));
  call->Write(Buffer(StringField(7, "*")), nullptr);  // list_services
  ASSERT_TRUE(Next(queue));
  grpc::ByteBuffer buffer;
  call->Read(&buffer, nullptr);
  ASSERT_TRUE(Next(queue));
  const std::string answer = Bytes(buffer);
  call->WritesDone(nullptr);
  Next(queue);
  grpc::Status status;
  call->Finish(&status, nullptr);
  Next(queue);

  EXPECT_TRUE(status.ok()) << status.error_message();
  for (const char* service :
       {"openshell.compute.v1.ComputeDriver", "holdfast.lifecycle.v1.Lifecycle",
        "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}) {
    EXPECT_THAT(answer, HasSubstr(service));
  }
}

}  // namespace
}  // namespace holdfast::e2e
