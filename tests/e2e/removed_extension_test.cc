// SPDX-License-Identifier: Apache-2.0
//
// Trap 4 with the real programs: an extension is taken out of the configuration while a sandbox
// that it served lives. What it allocated is not forgotten: the delete waits, says for whom, and
// goes on when it is back, or when an operator attests that nothing is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Trap04RemovedExtension : public InHouse {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(house_.Start());
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest("a", Forever())).ok());
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest("other", Forever())).ok());
    RestartWith(R"(extensions = ["env"])");
    const Ran erase = house_.Holdfast({"delete", "a", "--grace", "300ms"});
    EXPECT_EQ(erase.code, 3) << erase.out << erase.err;
    EXPECT_THAT(erase.err, HasSubstr("journal-cli why a"));
  }

  void RestartWith(const std::string& extensions) {
    std::string config = UsualConfig();
    config.replace(0, config.find('\n'), extensions);
    house_.Configure(config);
    const auto ending = house_.gateway().Terminate();
    ASSERT_TRUE(ending && ending->exit_code == 0) << house_.gateway().Log();
    ASSERT_NO_FATAL_FAILURE(house_.Start());
  }

  std::size_t LeasesOf(const std::string& id) {
    std::size_t count = 0;
    for (const std::string& lease : house_.Look().leases) {
      if (ReadFile(house_.state() + "/ipam/" + lease).find("\"sandbox\":\"" + id + "\"") !=
          std::string::npos) {
        ++count;
      }
    }
    return count;
  }

  void TearDown() override {
    // `other` needs it as well.
    RestartWith(R"(extensions = ["env", "ipam"])");
    InHouse::TearDown();
  }
};

TEST_F(Trap04RemovedExtension, DeleteIsParkedAndSaysForWhom) {
  const Ran why = house_.JournalCli({"why", "a"});

  EXPECT_EQ(why.code, 3);
  EXPECT_THAT(
      why.out,
      AllOf(HasSubstr("Stuck"), HasSubstr("UndoBlocked"), HasSubstr("extension 'ipam'"),
            HasSubstr("put it back into the gateway's configuration"),
            HasSubstr("holdfast repair a --retry"),
            HasSubstr("holdfast repair a --mark-released --note"), HasSubstr("lease pool/a")));
  EXPECT_EQ(house_.JournalCli({"leaks"}).code, 3);
  EXPECT_EQ(house_.JournalCli({"ls"}).code, 3);
  EXPECT_EQ(LeasesOf("a"), 1U);
  // All else of it is gone, and nobody else is held up.
  EXPECT_FALSE(house_.Look().directories.contains("a"));
  EXPECT_EQ(house_.Connect().Submit(StopRequest("other")).response.sandbox().state(), "Stopped");
  EXPECT_TRUE(house_.Connect().Submit(CreateRequest("third", Forever())).ok());
  // The gateway's own answer to OpenShell names the same command.
  grpc::ClientContext context;
  SetDeadline(context);
  compute::DeleteSandboxRequest request;
  request.set_sandbox_id("a");
  compute::DeleteSandboxResponse response;
  const auto status = house_.Connect().openshell().DeleteSandbox(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("`journal-cli why a`"));

  RestartWith(R"(extensions = ["env", "ipam"])");
  EXPECT_EQ(house_.Holdfast({"repair", "a", "--retry"}).code, 0);
}

TEST_F(Trap04RemovedExtension, PuttingItBackAndRetryingFreesIt) {
  const Ran too_early = house_.Holdfast({"repair", "a", "--retry"});
  EXPECT_EQ(too_early.code, 3) << too_early.out << too_early.err;

  RestartWith(R"(extensions = ["env", "ipam"])");
  EXPECT_EQ(house_.Connect().State("a"), "Stuck");
  const Ran repair = house_.Holdfast({"repair", "a", "--retry"});

  EXPECT_EQ(repair.code, 0) << repair.out << repair.err;
  EXPECT_EQ(house_.Connect().State("a"), "Deleted");
  EXPECT_EQ(LeasesOf("a"), 0U);
  EXPECT_EQ(house_.JournalCli({"why", "a"}).code, 0);
}

TEST_F(Trap04RemovedExtension, AnAttestationFreesItAndIsKept) {
  for (const std::string& lease : house_.Look().leases) {
    const std::string path = house_.state() + "/ipam/" + lease;
    if (ReadFile(path).find("\"sandbox\":\"a\"") != std::string::npos)
      std::filesystem::remove(path);
  }
  EXPECT_EQ(house_.Holdfast({"repair", "a", "--mark-released"}).code, 1);  // who says so?

  const Ran repair = house_.Holdfast(
      {"repair", "a", "--mark-released", "--note", "kim looked: the lease file is gone"});

  EXPECT_EQ(repair.code, 0) << repair.out << repair.err;
  EXPECT_EQ(house_.Connect().State("a"), "Deleted");
  EXPECT_THAT(house_.JournalCli({"show", "a"}).out, HasSubstr("kim looked"));
}

}  // namespace
}  // namespace holdfast::e2e
