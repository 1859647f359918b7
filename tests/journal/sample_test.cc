// SPDX-License-Identifier: Apache-2.0
//
// What a released version wrote, every later one reads, verifies and goes on with. One run over
// each sample of tests/data/journals.
#include "tests/journal/sample.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "journal/checkpoint.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::string Verified(Reader& reader) {
  const auto report = reader.Verify();
  return report.ok() ? Summary(*report) : report.status().ToString();
}

class JournalSample : public ::testing::TestWithParam<Sample> {
 protected:
  std::unique_ptr<Reader> OpenForReading() {
    auto reader = Reader::Open(path_);
    EXPECT_THAT(reader, IsOk());
    return reader.ok() ? *std::move(reader) : nullptr;
  }

  // Those at the positions of the kept ones.
  std::vector<std::string> CheckpointsOf(Reader& reader) {
    std::vector<std::string> lines;
    for (const std::string& kept : checkpoints_) {
      const auto parsed = ParseCheckpoint(kept);
      EXPECT_THAT(parsed, IsOk());
      if (!parsed.ok()) continue;
      const auto made = reader.MakeCheckpoint(parsed->position);
      lines.push_back(made.ok() ? FormatCheckpoint(*made) : made.status().ToString());
    }
    return lines;
  }

  const TempDir dir_;
  const std::string path_ = UnpackSample(GetParam(), dir_.path().string());
  const std::vector<std::string> checkpoints_ = GoldenCheckpoints(GetParam());
  const std::string golden_ = GoldenDump(GetParam());
};

TEST_P(JournalSample, IsReadAsItWasWritten) {
  const auto reader = OpenForReading();
  ASSERT_NE(reader, nullptr);

  EXPECT_EQ(DumpAll(*reader), golden_);
}

TEST_P(JournalSample, IsSound) {
  const auto reader = OpenForReading();
  ASSERT_NE(reader, nullptr);

  EXPECT_EQ(Verified(*reader), "");
}

TEST_P(JournalSample, HasTheCheckpointsThatItHad) {
  const auto reader = OpenForReading();
  ASSERT_NE(reader, nullptr);

  EXPECT_EQ(CheckpointsOf(*reader), checkpoints_);
  EXPECT_EQ(checkpoints_.size(), 2U);
}

TEST_P(JournalSample, IsNotTouchedByAReader) {
  const std::string file = ReadBytes(path_);
  const std::string wal = ReadBytes(path_ + "-wal");
  auto reader = OpenForReading();
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(DumpAll(*reader), golden_);
  EXPECT_EQ(Verified(*reader), "");
  reader.reset();

  EXPECT_TRUE(ReadBytes(path_) == file);
  EXPECT_TRUE(ReadBytes(path_ + "-wal") == wal);
}

TEST_P(JournalSample, ReadsTheSameAndIsSoundAfterItWasOpenedForWriting) {
  const auto journal = OpenJournal(path_);

  EXPECT_EQ(DumpAll(journal->reader()), golden_);
  EXPECT_EQ(Verified(journal->reader()), "");
}

TEST_P(JournalSample, ReadsTheSameAndIsSoundAfterItWasClosedAgain) {
  OpenJournal(path_).reset();
  const auto reader = OpenForReading();
  ASSERT_NE(reader, nullptr);

  EXPECT_EQ(DumpAll(*reader), golden_);
  EXPECT_EQ(Verified(*reader), "");
}

TEST_P(JournalSample, IsContinued) {
  auto journal = OpenJournal(path_);
  const auto live = journal->reader().ListSandboxes(true, "", SIZE_MAX);
  ASSERT_THAT(live, IsOk());
  ASSERT_FALSE(live->empty());
  for (const SandboxRow& row : *live) {
    const std::uint64_t head = row.head_sequence;
    const v1::Resource thing = MakeResource("container", "later");
    ASSERT_THAT(
        journal->Append(BatchOf(
            row.sandbox_id, head,
            {Draft::Event("LaterEvent", "later", 2'000),
             Draft::Intent(ForwardIntent("docker", "later/1", {thing}), 2'000),
             Draft::Outcome(MakeOutcome(head + 2, v1::Outcome::DONE, true, {thing}), 2'000)})),
        IsOk());
  }
  ASSERT_THAT(journal->Append(EventBatch("made by a later version", 0)), IsOk());
  const std::string dump = DumpAll(journal->reader());
  journal.reset();

  journal = OpenJournal(path_);

  EXPECT_EQ(DumpAll(journal->reader()), dump);
  EXPECT_EQ(CheckpointsOf(journal->reader()), checkpoints_);
  EXPECT_EQ(Verified(journal->reader()), "");
  for (const SandboxRow& row : *live) {
    EXPECT_EQ(ReadAll(journal->reader(), row.sandbox_id).size(), row.head_sequence + 3);
  }
}

INSTANTIATE_TEST_SUITE_P(All, JournalSample, ::testing::ValuesIn(ListSamples(HOLDFAST_SAMPLES)),
                         [](const ::testing::TestParamInfo<Sample>& param) {
                           return ::testing::PrintToString(param.param);
                         });

// A sample directory that is missing or named otherwise would silently test nothing.
TEST(JournalSamples, ExistOfEveryVersion) {
  std::set<std::string> names;
  for (const Sample& sample : ListSamples(HOLDFAST_SAMPLES)) {
    names.insert(fmt::format("v{}/{}", sample.version, sample.name));
  }

  EXPECT_THAT(names, IsSupersetOf({"v1/house", "v1/closed", "v1/killed", "v2/house", "v2/closed",
                                   "v2/killed"}));
}

// The tool's samples hold one of each, so that a version that reads one of them wrongly is seen.
TEST(JournalSamples, HoldEveryStatusOfTheLedger) {
  for (const Sample& sample : ListSamples(HOLDFAST_SAMPLES)) {
    if (sample.name != "closed") continue;
    const TempDir dir;
    const auto reader = Reader::Open(UnpackSample(sample, dir.path().string()));
    ASSERT_THAT(reader, IsOk());
    const auto rows = (*reader)->ReadLedger("", true);
    ASSERT_THAT(rows, IsOk());
    std::set<LedgerStatus> statuses;
    for (const LedgerRow& row : *rows) statuses.insert(row.status);

    EXPECT_EQ(statuses.size(), 4U) << sample.directory;
  }
}

}  // namespace
}  // namespace holdfast::journal
