// SPDX-License-Identifier: Apache-2.0
//
// Method. The journals that older versions left (tests/data/journals) are opened for writing, which
// brings them to the present format, and closed. The power is cut after each operation of that, and
// in other runs the n-th call of a kind fails until the file is opened once more. Whatever happens,
// the journal then holds what the old version wrote.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fmt/format.h"
#include "journal/journal.h"
#include "tests/faults/disk.h"
#include "tests/faults/tier.h"
#include "tests/faults/workload.h"
#include "tests/journal/sample.h"
#include "tests/support/temp_dir.h"

namespace holdfast::faults {
namespace {

using journal::Journal;
using journal::Sample;

class Migration : public ::testing::TestWithParam<Sample> {
 protected:
  static void ExpectHoldsTheSample(const std::string& path) {
    {
      const auto reader = journal::Reader::Open(path);
      ASSERT_TRUE(reader.ok()) << reader.status();
      EXPECT_EQ(journal::DumpAll(**reader), journal::GoldenDump(GetParam()));
    }
    const auto journal = OpenSound(path);
    ASSERT_NE(journal, nullptr);
    EXPECT_EQ(journal::DumpAll(journal->reader()), journal::GoldenDump(GetParam()));
    ExpectVerifiesClean(journal->reader());
  }

  // True: the fault has struck.
  static bool OpenWith(const Fault& fault) {
    const testing::TempDir dir;
    const std::string path = journal::UnpackSample(GetParam(), dir.path().string());
    Storage::Get().Inject(fault);
    Journal::Open(WorkloadOptions(path)).status().IgnoreError();  // what it leaves is looked at
    const bool struck = Storage::Get().struck();
    Storage::Get().Lift();
    ExpectHoldsTheSample(path);
    return struck;
  }
};

TEST_P(Migration, KeepsEverythingWhereverThePowerIsCut) {
  const testing::TempDir dir;
  const std::string path = journal::UnpackSample(GetParam(), dir.path().string());
  Disk disk(ReadFiles(dir.path().string()));
  Storage::Get().StartRecording(dir.path().string());
  OpenSound(path).reset();
  const std::vector<DiskOperation> operations = Storage::Get().StopRecording();
  ASSERT_FALSE(operations.empty());

  const std::uint64_t seeds = TakesAll() ? 5 : 1;
  for (std::size_t cut = 1; cut <= operations.size() && !HasFailure(); ++cut) {
    disk.Apply(operations[cut - 1]);
    for (std::uint64_t i = 0; i < seeds && !HasFailure(); ++i) {
      const std::uint64_t seed = cut * 1'000 + i;
      SCOPED_TRACE(fmt::format("cut after {} operations, seed {}", cut, seed));
      const testing::TempDir after;
      WriteFiles(after.path().string(), disk.AfterPowerCut(seed));
      ExpectHoldsTheSample(after.File("journal.db"));
    }
  }
}

TEST_P(Migration, KeepsEverythingWhateverFails) {
  const std::uint64_t step = TakesAll() ? 1 : 3;
  for (const Call call : {Call::kReadDatabase, Call::kReadLog, Call::kWriteDatabase,
                          Call::kWriteLog, Call::kSync, Call::kSharedMemory}) {
    bool struck = true;
    for (std::uint64_t nth = 1; struck && !HasFailure(); nth += step) {
      SCOPED_TRACE(fmt::format("call {} of {}", nth, NameOf(call)));
      struck = OpenWith({.call = call, .effect = Effect::kIoError, .nth = nth, .lasting = true});
    }
  }
}

// Archived ones came with the present version, and a second directory is not modelled here.
std::vector<journal::Sample> SamplesWithoutArchive() {
  std::vector<journal::Sample> samples = journal::ListSamples(HOLDFAST_SAMPLES);
  std::erase_if(samples, [](const journal::Sample& sample) {
    return ::testing::PrintToString(sample).find("archived") != std::string::npos;
  });
  return samples;
}
INSTANTIATE_TEST_SUITE_P(Faults, Migration, ::testing::ValuesIn(SamplesWithoutArchive()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::faults
