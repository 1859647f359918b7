// SPDX-License-Identifier: Apache-2.0
//
// Method. A short life of a journal (workload.h) is repeated, and the n-th call of one kind that it
// makes to its files fails: the disk is full, there is an I/O error, or half of it is done. n grows
// until a life ends without having reached it. In one half of the sweeps only that call fails, in
// the other every later one too, until the first caller was told. Then, and without opening it
// anew: what was refused is taken when it is sent again, all is read as it was acknowledged, and
// after a last open the journal is exactly that, and verifies clean.
//
// The quick tier leaves out calls: of the many writes and reads it takes each third or fifth,
// others in every sweep. HOLDFAST_FAULTS=all takes all of them (minutes).
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "fmt/format.h"
#include "tests/faults/tier.h"
#include "tests/faults/workload.h"
#include "tests/support/temp_dir.h"

namespace holdfast::faults {
namespace {

struct Sweep {
  Call call;
  Effect effect;
  bool lasting;
  std::uint64_t quick_step;
};

// In a test's name.
std::ostream& operator<<(std::ostream& out, const Sweep& sweep) {
  return out << NameOf(sweep.call) << " " << NameOf(sweep.effect);
}

constexpr Sweep kSweeps[] = {
    {Call::kOpen, Effect::kDiskFull, false, 1},
    {Call::kOpen, Effect::kIoError, true, 1},
    {Call::kReadDatabase, Effect::kIoError, false, 3},
    {Call::kReadDatabase, Effect::kIoError, true, 3},
    {Call::kReadDatabase, Effect::kShort, false, 3},
    {Call::kReadDatabase, Effect::kShort, true, 3},
    {Call::kReadLog, Effect::kIoError, false, 3},
    {Call::kReadLog, Effect::kIoError, true, 3},
    {Call::kReadLog, Effect::kShort, false, 3},
    {Call::kReadLog, Effect::kShort, true, 3},
    {Call::kWriteDatabase, Effect::kDiskFull, false, 3},
    {Call::kWriteDatabase, Effect::kDiskFull, true, 3},
    {Call::kWriteDatabase, Effect::kIoError, false, 3},
    {Call::kWriteDatabase, Effect::kIoError, true, 3},
    {Call::kWriteDatabase, Effect::kShort, false, 3},
    {Call::kWriteDatabase, Effect::kShort, true, 3},
    {Call::kWriteLog, Effect::kDiskFull, false, 5},
    {Call::kWriteLog, Effect::kDiskFull, true, 5},
    {Call::kWriteLog, Effect::kIoError, false, 5},
    {Call::kWriteLog, Effect::kIoError, true, 5},
    {Call::kWriteLog, Effect::kShort, false, 5},
    {Call::kWriteLog, Effect::kShort, true, 5},
    {Call::kTruncate, Effect::kIoError, false, 1},
    {Call::kTruncate, Effect::kIoError, true, 1},
    {Call::kSync, Effect::kDiskFull, true, 1},
    {Call::kSync, Effect::kIoError, false, 1},
    {Call::kSync, Effect::kIoError, true, 1},
    {Call::kRemove, Effect::kIoError, false, 1},
    {Call::kLength, Effect::kIoError, false, 4},
    {Call::kLength, Effect::kIoError, true, 4},
    {Call::kSharedMemory, Effect::kDiskFull, false, 1},
    {Call::kSharedMemory, Effect::kIoError, true, 1},
    {Call::kFileCall, Effect::kDiskFull, false, 1},
    {Call::kFileCall, Effect::kIoError, false, 1},
    {Call::kFileCall, Effect::kIoError, true, 1},
};

class JournalFault : public ::testing::TestWithParam<Sweep> {};

// True: the fault has struck.
bool Live(const Fault& fault) {
  const testing::TempDir dir;
  Storage& storage = Storage::Get();
  Workload workload(dir.File("journal.db"), fault);
  storage.Inject(fault);
  workload.Run();
  const bool struck = storage.struck();
  storage.Lift();
  workload.ExpectExactlyWhatWasAcknowledged();
  return struck;
}

TEST_P(JournalFault, LosesNothingTellsAndGoesOnByItself) {
  const Sweep sweep = GetParam();
  const std::uint64_t step = TakesAll() ? 1 : sweep.quick_step;
  const auto kind = static_cast<std::uint64_t>(sweep.effect) * 2 + (sweep.lasting ? 1 : 0);
  const std::uint64_t first = 1 + kind % step;
  std::uint64_t nth = first;
  bool struck = true;
  for (; struck && !HasFailure(); nth += step) {
    SCOPED_TRACE(fmt::format("call {} of {}", nth, NameOf(sweep.call)));
    struck =
        Live({.call = sweep.call, .effect = sweep.effect, .nth = nth, .lasting = sweep.lasting});
  }
  EXPECT_GT(nth, first + step) << "not one call of this kind is made";
}

std::string NameOfSweep(const ::testing::TestParamInfo<Sweep>& info) {
  return fmt::format("{}{}{}", NameOf(info.param.call), NameOf(info.param.effect),
                     info.param.lasting ? "UntilLifted" : "Once");
}

INSTANTIATE_TEST_SUITE_P(Faults, JournalFault, ::testing::ValuesIn(kSweeps), NameOfSweep);

}  // namespace
}  // namespace holdfast::faults
