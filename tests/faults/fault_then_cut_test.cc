// SPDX-License-Identifier: Apache-2.0
//
// Method. In a recorded life of a journal (workload.h) the n-th call of one kind fails, the
// appender is told, the journal goes on; and the power is cut at many points from the failure on.
// What was acknowledged before the cut must be there. A batch that was refused may be there, whole,
// when the cut came before the next commit (docs/journal-format.md, "What a crash leaves"); its
// appender sends the same again later, so it is one of the batches of the life in any case.
//
// The kernel drops what a failed sync did not write, and says nothing at the next (disk.h): what is
// then in its memory alone must not be built upon (journal/rewrite_log.h).
#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/faults/disk.h"
#include "tests/faults/tier.h"
#include "tests/faults/workload.h"
#include "tests/support/temp_dir.h"

namespace holdfast::faults {
namespace {

struct Sweep {
  Call call;
  Effect effect;
  std::uint64_t quick_step;
};

// In a test's name.
std::ostream& operator<<(std::ostream& out, const Sweep& sweep) {
  return out << NameOf(sweep.call) << " " << NameOf(sweep.effect);
}

class FaultThenPowerCut : public ::testing::TestWithParam<Sweep> {};

void ExpectAsOf(const History& history, const Files& files, std::size_t cut) {
  const testing::TempDir dir;
  WriteFiles(dir.path().string(), files);
  const auto journal = OpenSound(dir.File("journal.db"));
  if (journal == nullptr) return;
  const absl::Status read = history.ExpectIsAsOf(journal->reader(), cut, Compare::kAll);
  EXPECT_TRUE(read.ok()) << read;
  ExpectVerifiesClean(journal->reader());
}

// True: the fault has struck.
bool LiveAndCut(const Fault& fault, std::uint64_t cuts) {
  const testing::TempDir dir;
  Storage& storage = Storage::Get();
  Workload workload(dir.File("journal.db"), fault);
  storage.StartRecording(dir.path().string());
  storage.Inject(fault);
  workload.Run();
  const bool struck = storage.struck();
  const std::size_t struck_at = storage.struck_at();
  storage.Lift();
  const std::vector<DiskOperation> operations = storage.StopRecording();
  if (!struck) return false;

  Random random(fault.nth);
  // The first cuts just behind the failure, where what failed is not yet written over, and one at
  // the end: what a failed sync has dropped may be missed only then.
  const std::size_t gap = 1 + (operations.size() - struck_at) / cuts;
  Disk disk({}, Syncs::kHonest, fault.nth);
  for (std::size_t cut = 1; cut <= operations.size() && !::testing::Test::HasFailure(); ++cut) {
    disk.Apply(operations[cut - 1]);
    const bool just_behind = cut > struck_at && cut <= struck_at + 3;
    if (cut <= struck_at || !(just_behind || cut % gap == 0 || cut == operations.size())) continue;
    const std::uint64_t seed = random.Next();
    SCOPED_TRACE(
        fmt::format("cut after {} of {} operations, seed {}", cut, operations.size(), seed));
    ExpectAsOf(workload.history(), disk.AfterPowerCut(seed), cut);
  }
  return true;
}

TEST_P(FaultThenPowerCut, LosesNothingThatWasAcknowledged) {
  const Sweep sweep = GetParam();
  const std::uint64_t step = TakesAll() ? 1 : sweep.quick_step;
  bool struck = true;
  for (std::uint64_t nth = 1; struck && !HasFailure(); nth += step) {
    SCOPED_TRACE(fmt::format("call {} of {}", nth, NameOf(sweep.call)));
    struck = LiveAndCut({.call = sweep.call, .effect = sweep.effect, .nth = nth, .lasting = true},
                        /*cuts=*/TakesAll() ? 40 : 6);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultThenPowerCut,
                         ::testing::Values(Sweep{Call::kSync, Effect::kIoError, 2},
                                           Sweep{Call::kWriteLog, Effect::kShort, 13},
                                           Sweep{Call::kWriteDatabase, Effect::kShort, 7},
                                           Sweep{Call::kTruncate, Effect::kIoError, 1},
                                           Sweep{Call::kFileCall, Effect::kIoError, 1}),
                         [](const auto& sweep) {
                           return fmt::format("{}{}", NameOf(sweep.param.call),
                                              NameOf(sweep.param.effect));
                         });

}  // namespace
}  // namespace holdfast::faults
