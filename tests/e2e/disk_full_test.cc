// SPDX-License-Identifier: Apache-2.0
//
// The journal's disk is full: nothing is accepted that cannot be kept, what runs goes on, and when
// there is room again the gateway works on without a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/e2e/house.h"
#include "tests/support/require.h"

namespace holdfast::e2e {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

class DiskFull : public InHouse {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(Disk());
    mounted_ =
        geteuid() == 0 && mount("none", Disk().c_str(), "tmpfs", 0, "size=8m,mode=0700") == 0;
    HF_NEEDS("root", mounted_, "a small tmpfs could not be mounted to be filled up");
    house_.Configure(UsualConfig() + "\n[journal]\npath = \"" + Disk() + "/journal.db\"\n");
    house_.SetJournal(Disk() + "/journal.db");
    ASSERT_NO_FATAL_FAILURE(house_.Start());
    ASSERT_TRUE(house_.Connect().Submit(CreateRequest("early", Forever())).ok());
  }
  void TearDown() override {
    if (!mounted_) return;
    MakeRoom();
    InHouse::TearDown();
    EXPECT_EQ(umount(Disk().c_str()), 0);
  }

  std::string Disk() { return house_.File("disk"); }
  void FillUp() {
    std::ofstream filler(Disk() + "/filler", std::ios::binary);
    const std::string block(4096, 'x');
    while (filler.write(block.data(), 4096).flush()) {
    }
  }
  void MakeRoom() { std::filesystem::remove(Disk() + "/filler"); }

  // Creates until one is refused; how.
  grpc::Status CreateUntilRefused(int& accepted) {
    Api api = house_.Connect();
    grpc::Status status;
    for (accepted = 0; accepted < 200; ++accepted) {
      lifecycle::SubmitRequest request =
          CreateRequest("late" + std::to_string(accepted), Forever());
      request.set_wait(false);
      status = api.Submit(request).status;
      if (!status.ok()) return status;
    }
    return status;
  }

 private:
  bool mounted_ = false;
};

TEST_F(DiskFull, RefusesWhatItCannotKeepAndWorksOnWhenThereIsRoom) {
  const auto before = house_.Look().supervisors["early"];
  FillUp();

  int accepted = 0;
  const grpc::Status refused = CreateUntilRefused(accepted);

  EXPECT_THAT(refused.error_code(),
              AnyOf(grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::UNAVAILABLE));
  EXPECT_THAT(refused.error_message(), AnyOf(HasSubstr("full"), HasSubstr("No space left")));
  EXPECT_EQ(house_.Connect().State("early"), "Running");
  EXPECT_EQ(house_.Look().supervisors["early"], before);
  const auto never = house_.Connect().Get("late" + std::to_string(accepted));
  EXPECT_EQ(never.status.error_code(), grpc::StatusCode::NOT_FOUND);

  MakeRoom();
  EXPECT_TRUE(Eventually(
      [&] { return house_.Connect().Submit(CreateRequest("afterwards", Forever())).ok(); }));
  EXPECT_EQ(house_.Connect().State("afterwards"), "Running");
  // What was accepted before is finished: acknowledged is acknowledged.
  for (int i = 0; i < accepted; ++i) {
    EXPECT_TRUE(Eventually([&] {
      return house_.Connect().State("late" + std::to_string(i)) == "Running";
    })) << house_.JournalCli({"why", "late" + std::to_string(i)}).out;
  }
  EXPECT_EQ(house_.JournalCli({"verify"}).code, 0);
}

TEST_F(DiskFull, SurvivesBeingKilledWhileItIsFull) {
  FillUp();
  int accepted = 0;
  ASSERT_FALSE(CreateUntilRefused(accepted).ok());
  house_.gateway().Kill();
  MakeRoom();
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  EXPECT_EQ(house_.Connect().State("early"), "Running");
  for (int i = 0; i < accepted; ++i) {
    EXPECT_TRUE(Eventually([&] {
      return house_.Connect().State("late" + std::to_string(i)) == "Running";
    })) << house_.JournalCli({"why", "late" + std::to_string(i)}).out;
  }
  EXPECT_EQ(house_.JournalCli({"verify"}).code, 0);
}

}  // namespace
}  // namespace holdfast::e2e
