// SPDX-License-Identifier: Apache-2.0
//
// Method. A short life of a journal (workload.h) is lived once and recorded: every change of its
// files, every sync, and when which append was acknowledged. Then the power is cut after each of
// these operations, on the model of disk.h: a seed decides what of the unsynced is there, the files
// are laid out anew, and the journal is opened from them, as after a reboot. This is the same as
// abandoning the process at that point, and it is exact: the cut knows what had been acknowledged.
//
// A disk that is honest about syncs: everything acknowledged is there, the rest is whole batches of
// what was sent, in the order in which they were committed, and Verify finds nothing. A disk that
// lies about syncs may lose what was acknowledged; what is there then must still be such a prefix,
// or the damage is named. In no case is anything invented.
//
// The quick tier tries one seed per cut. HOLDFAST_FAULTS=all tries more (minutes). A failure names
// cut and seed: they decide everything, except the order in which the threads of the life
// committed.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "tests/faults/disk.h"
#include "tests/faults/tier.h"
#include "tests/faults/workload.h"
#include "tests/journal/testing.h"
#include "tests/support/temp_dir.h"

namespace holdfast::faults {
namespace {

using journal::Journal;
using journal::Record;
using journal::Visit;

class Life {
 public:
  Life() : workload_(dir_.File("journal.db")) {
    Storage::Get().StartRecording(dir_.path().string());
    workload_.Run();
    operations_ = Storage::Get().StopRecording();
    const auto journal = OpenSound(dir_.File("journal.db"));
    if (journal != nullptr) records_ = journal::ReadTailAll(journal->reader());
  }

  const History& history() const { return workload_.history(); }
  const std::vector<DiskOperation>& operations() const { return operations_; }
  const std::vector<Record>& records() const { return records_; }

 private:
  const testing::TempDir dir_;
  Workload workload_;
  std::vector<DiskOperation> operations_;
  std::vector<Record> records_;
};

class PowerCut : public ::testing::Test {
 protected:
  static const Life& TheLife() {
    static const Life life;
    return life;
  }

  // Of all records, in the order in which they were committed. Reads until a read fails.
  static absl::Status ExpectAPrefix(journal::Reader& reader) {
    const std::vector<Record>& sent = TheLife().records();
    std::uint64_t count = 0;
    return reader.ReadTail(0, SIZE_MAX, [&](const Record& record) {
      ++count;
      const bool same =
          count <= sent.size() && record.position == count &&
          record.sandbox_id == sent[count - 1].sandbox_id &&
          record.sequence == sent[count - 1].sequence && record.kind == sent[count - 1].kind &&
          record.type == sent[count - 1].type && record.payload == sent[count - 1].payload;
      EXPECT_TRUE(same) << "invented: record " << record.sequence << " of " << record.sandbox_id
                        << " at " << record.position;
      return same ? Visit::kContinue : Visit::kStop;
    });
  }

  static void ExpectHolds(journal::Reader& reader, std::size_t cut) {
    const absl::Status prefix = ExpectAPrefix(reader);
    EXPECT_TRUE(prefix.ok()) << prefix;
    const absl::Status read = TheLife().history().ExpectIsAsOf(reader, cut, Compare::kAll);
    EXPECT_TRUE(read.ok()) << read;
  }

  static void ExpectNothingAcknowledgedIsLost(const Files& files, std::size_t cut) {
    const testing::TempDir dir;
    WriteFiles(dir.path().string(), files);
    if (files.contains("journal.db")) {
      // Who reads before any writer has put the file in order.
      const auto reader = journal::Reader::Open(dir.File("journal.db"));
      ASSERT_TRUE(reader.ok()) << reader.status();
      ExpectHolds(**reader, cut);
    }
    const auto journal = OpenSound(dir.File("journal.db"));
    if (journal == nullptr) return;
    ExpectHolds(journal->reader(), cut);
    ExpectVerifiesClean(journal->reader());
    const auto appended = journal->Append(journal::EventBatch("afterwards", 0));
    EXPECT_TRUE(appended.ok()) << appended.status();
  }

  static void ExpectAPrefixOrNamedDamage(const Files& files) {
    const testing::TempDir dir;
    WriteFiles(dir.path().string(), files);
    const auto journal = Journal::Open(WorkloadOptions(dir.File("journal.db")));
    if (!journal.ok()) {
      // A file whose header never arrived cannot be known for a journal.
      EXPECT_TRUE(absl::IsDataLoss(journal.status()) ||
                  absl::IsFailedPrecondition(journal.status()))
          << journal.status();
      return;
    }
    journal::Reader& reader = (*journal)->reader();
    ExpectAPrefix(reader).IgnoreError();  // it names the damage, and only what it read counts
    const auto report = reader.Verify();
    ASSERT_TRUE(report.ok()) << report.status();
    if (!report->ok()) return;
    const absl::Status read =
        TheLife().history().ExpectIsAsOf(reader, /*recorded=*/0, Compare::kAllButSealed);
    EXPECT_TRUE(read.ok()) << "Verify finds nothing, and a read does: " << read;
  }
};

TEST_F(PowerCut, AnywhereLosesNothingThatWasAcknowledged) {
  const std::vector<DiskOperation>& operations = TheLife().operations();
  ASSERT_FALSE(operations.empty());
  const std::uint64_t seeds = TakesAll() ? 5 : 1;
  Disk disk;
  for (std::size_t cut = 0; cut <= operations.size() && !HasFailure(); ++cut) {
    if (cut > 0) disk.Apply(operations[cut - 1]);
    for (std::uint64_t i = 0; i < seeds && !HasFailure(); ++i) {
      const std::uint64_t seed = cut * 1'000 + i;
      SCOPED_TRACE(fmt::format("cut after {} operations, seed {}", cut, seed));
      ExpectNothingAcknowledgedIsLost(disk.AfterPowerCut(seed), cut);
    }
  }
}

TEST_F(PowerCut, DuringTheOpenThatFollowsACutLosesNothingEither) {
  const std::vector<DiskOperation>& operations = TheLife().operations();
  // Cuts that have something to recover, spread over the life.
  const std::size_t step = TakesAll() ? 23 : 97;
  Disk disk;
  std::size_t cut = 0;
  for (std::size_t first = step; first <= operations.size() && !HasFailure(); first += step) {
    for (; cut < first; ++cut) disk.Apply(operations[cut]);
    const Files files = disk.AfterPowerCut(first);
    const testing::TempDir dir;
    WriteFiles(dir.path().string(), files);
    Storage::Get().StartRecording(dir.path().string());
    OpenSound(dir.File("journal.db")).reset();
    const std::vector<DiskOperation> reopening = Storage::Get().StopRecording();
    Disk second(files);
    for (std::size_t again = 0; again < reopening.size() && !HasFailure(); ++again) {
      second.Apply(reopening[again]);
      SCOPED_TRACE(fmt::format("cut after {} operations, then after {}", first, again + 1));
      ExpectNothingAcknowledgedIsLost(second.AfterPowerCut(first + again), first);
    }
  }
}

void SweepWithLies(Syncs syncs, std::size_t step, const std::vector<DiskOperation>& operations,
                   void (*expect)(const Files& files)) {
  const std::uint64_t seeds = TakesAll() ? 5 : 1;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    Disk disk({}, syncs, i);
    for (std::size_t cut = 0; cut <= operations.size() && !::testing::Test::HasFailure(); ++cut) {
      if (cut > 0) disk.Apply(operations[cut - 1]);
      if (cut % step != 0) continue;
      const std::uint64_t seed = cut * 1'000 + i;
      SCOPED_TRACE(fmt::format("cut after {} operations, lies of {}, seed {}", cut, i, seed));
      expect(disk.AfterPowerCut(seed));
    }
  }
}

TEST_F(PowerCut, OnADiskWhoseSyncsSometimesLieLeavesAPrefixOrNamedDamage) {
  SweepWithLies(Syncs::kSometimesLie, TakesAll() ? 1 : 2, TheLife().operations(),
                ExpectAPrefixOrNamedDamage);
}

TEST_F(PowerCut, OnADiskWhoseSyncsAlwaysLieLeavesAPrefixOrNamedDamage) {
  SweepWithLies(Syncs::kAlwaysLie, TakesAll() ? 1 : 3, TheLife().operations(),
                ExpectAPrefixOrNamedDamage);
}

}  // namespace
}  // namespace holdfast::faults
