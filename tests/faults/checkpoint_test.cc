// SPDX-License-Identifier: Apache-2.0
//
// Method. The writer moves its log into the database file by itself when the log has grown by 32
// MiB. Here one batch is that long, and the n-th page that the writer then moves, or each from the
// n-th on, cannot be written. Nobody waits for a checkpoint, so nobody is told; appends go on
// meanwhile, nothing is lost, and what was not moved is moved the next time.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "fmt/format.h"
#include "tests/faults/workload.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::faults {
namespace {

using journal::EventBatch;
using journal::ReadAll;
using testing::IsOk;

constexpr std::size_t kLongBatchRecords = 36;  // of a mebibyte each: more than the 32 MiB

class WriterCheckpointFault : public ::testing::TestWithParam<Fault> {};

bool Strikes() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!Storage::Get().struck() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // polls; nothing is assumed of it
  }
  return Storage::Get().struck();
}

TEST_P(WriterCheckpointFault, HoldsUpNoAppendAndLosesNothing) {
  const testing::TempDir dir;
  const std::string path = dir.File("journal.db");
  const std::string payload(std::size_t{1} << 20, 'x');
  {
    const auto journal = OpenSound(path);
    ASSERT_NE(journal, nullptr);
    Storage::Get().Inject(GetParam());

    EXPECT_THAT(journal->Append(EventBatch("long", 0, kLongBatchRecords, payload)), IsOk());
    EXPECT_TRUE(Strikes()) << "no checkpoint came so far";
    EXPECT_THAT(journal->Append(EventBatch("short", 0)), IsOk());
    EXPECT_TRUE(journal->sound());
    Storage::Get().Lift();
    EXPECT_THAT(journal->Append(EventBatch("short", 1)), IsOk());
    EXPECT_THAT(journal->Close(), IsOk());
  }

  const auto journal = OpenSound(path);
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(ReadAll(journal->reader(), "long").size(), kLongBatchRecords);
  EXPECT_EQ(ReadAll(journal->reader(), "short").size(), 2U);
  ExpectVerifiesClean(journal->reader());
}

INSTANTIATE_TEST_SUITE_P(Faults, WriterCheckpointFault,
                         ::testing::Values(Fault{Call::kWriteDatabase, Effect::kDiskFull, 1, true},
                                           Fault{Call::kWriteDatabase, Effect::kIoError, 2, false},
                                           Fault{Call::kWriteDatabase, Effect::kShort, 4'000, true},
                                           Fault{Call::kWriteDatabase, Effect::kIoError, 9'000,
                                                 true}),
                         [](const auto& fault) {
                           return fmt::format("{}AtPage{}", NameOf(fault.param.effect),
                                              fault.param.nth);
                         });

}  // namespace
}  // namespace holdfast::faults
