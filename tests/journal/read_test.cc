// SPDX-License-Identifier: Apache-2.0
//
// What reading promises: one snapshot a call, nothing changed, and a damaged record told and
// contained.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::IsOkAndHolds;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

class JournalRead : public ::testing::Test {
 protected:
  void Append(std::string id, std::uint64_t expected, std::size_t events, bool live = true) {
    Batch batch = EventBatch(std::move(id), expected, events);
    batch.projection.live = live;
    ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  std::unique_ptr<Journal> journal_ = OpenJournal(path_);
};

TEST_F(JournalRead, ReadsASandboxFromASequenceOn) {
  Append("a", 0, 3);
  Append("b", 0, 2);
  Append("a", 3, 2);
  std::vector<std::uint64_t> sequences;

  ASSERT_THAT(journal_->reader().ReadSandbox("a", 3,
                                             [&](const Record& record) {
                                               sequences.push_back(record.sequence);
                                               return Visit::kContinue;
                                             }),
              IsOk());

  EXPECT_EQ(sequences, (std::vector<std::uint64_t>{3, 4, 5}));
}

TEST_F(JournalRead, StopsWhenTheVisitorSaysSo) {
  Append("a", 0, 5);
  int visits = 0;

  ASSERT_THAT(
      journal_->reader().ReadSandbox(
          "a", 1, [&](const Record&) { return ++visits == 2 ? Visit::kStop : Visit::kContinue; }),
      IsOk());

  EXPECT_EQ(visits, 2);
}

TEST_F(JournalRead, ReadsTheTailInOrderAndUpToTheLimit) {
  Append("a", 0, 2);
  Append("b", 0, 2);
  std::vector<std::uint64_t> positions;

  ASSERT_THAT(journal_->reader().ReadTail(1, 2,
                                          [&](const Record& record) {
                                            positions.push_back(record.position);
                                            return Visit::kContinue;
                                          }),
              IsOk());

  EXPECT_EQ(positions, (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(JournalRead, SaysNotFoundOfASandboxWithoutRecords) {
  EXPECT_THAT(journal_->reader().FindSandbox("nobody"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(JournalRead, ListsLiveSandboxesInPagesByTheirIds) {
  for (const char* id : {"d", "b", "c", "a"}) Append(id, 0, 1, std::string(id) != "c");

  HF_ASSERT_OK_AND_ASSIGN(const auto page, journal_->reader().ListSandboxes(true, "a", 2));

  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].sandbox_id, "b");
  EXPECT_EQ(page[1].sandbox_id, "d");
}

TEST_F(JournalRead, ListsAllSandboxesWithTheFinished) {
  Append("a", 0, 1, false);
  Append("b", 0, 1);

  HF_ASSERT_OK_AND_ASSIGN(const auto all, journal_->reader().ListSandboxes(false, "", 10));

  EXPECT_EQ(all.size(), 2U);
}

TEST_F(JournalRead, AVisitorMayReadAgain) {
  Append("a", 0, 2);
  std::size_t inner = 0;

  ASSERT_THAT(journal_->reader().ReadSandbox("a", 1,
                                             [&](const Record&) {
                                               inner += ReadAll(journal_->reader(), "a").size();
                                               return Visit::kContinue;
                                             }),
              IsOk());

  EXPECT_EQ(inner, 4U);
}

TEST_F(JournalRead, FromOutsideSeesWhatALiveWriterCommits) {
  Append("a", 0, 1);
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path_));
  ASSERT_EQ(ReadAll(*reader, "a").size(), 1U);

  Append("a", 1, 1);

  EXPECT_EQ(ReadAll(*reader, "a").size(), 2U);
}

TEST_F(JournalRead, ByALinkSeesWhatALiveWriterCommits) {
  const std::string link = dir_.File("link.db");
  std::filesystem::create_symlink(path_, link);
  ASSERT_THAT(journal_->Append(EventBatch("a", 0)), IsOk());

  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(link));

  EXPECT_EQ(Dump(*reader), Dump(journal_->reader()));
  HF_ASSERT_OK_AND_ASSIGN(const Ownership ownership, reader->ReadOwnership());
  EXPECT_TRUE(ownership.held_now);
}

TEST_F(JournalRead, TellsWhoHoldsTheJournal) {
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path_));
  HF_ASSERT_OK_AND_ASSIGN(const Ownership held, reader->ReadOwnership());
  EXPECT_TRUE(held.held_now);
  EXPECT_EQ(held.owner, "test");
  EXPECT_EQ(held.pid, ::getpid());
  EXPECT_EQ(held.epoch, 1U);
  EXPECT_EQ(held.boot_id, "boot-1");

  journal_.reset();

  HF_ASSERT_OK_AND_ASSIGN(const Ownership left, reader->ReadOwnership());
  EXPECT_FALSE(left.held_now);
}

TEST_F(JournalRead, ChangesNothingInAClosedJournal) {
  Append("a", 0, 3);
  journal_.reset();
  const std::string before = ReadBytes(path_);
  const auto time = std::filesystem::last_write_time(path_);

  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path_));
  ASSERT_EQ(ReadAll(*reader, "a").size(), 3U);
  ASSERT_THAT(reader->Verify(), IsOk());

  EXPECT_EQ(ReadBytes(path_), before);
  EXPECT_EQ(std::filesystem::last_write_time(path_), time);
}

TEST_F(JournalRead, MakesNoFileBesideACopyOfAJournal) {
  Append("a", 0, 3);
  journal_.reset();
  const std::string copy = dir_.File("copy/journal.db");
  std::filesystem::create_directory(dir_.File("copy"));
  std::filesystem::copy_file(path_, copy);
  {
    HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(copy));
    ASSERT_EQ(ReadAll(*reader, "a").size(), 3U);
  }

  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(dir_.File("copy"))) {
    ++files;
  }
  EXPECT_EQ(files, 1U);
}

TEST_F(JournalRead, GoesOnWhenAWriterTakesAJournalThatLayStill) {
  Append("a", 0, 1);
  journal_.reset();
  const std::string copy = dir_.File("copy.db");
  std::filesystem::copy_file(path_, copy);
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(copy));
  ASSERT_EQ(ReadAll(*reader, "a").size(), 1U);

  const auto writer = OpenJournal(copy);
  ASSERT_THAT(writer->Append(EventBatch("a", 1)), IsOk());

  EXPECT_EQ(ReadAll(*reader, "a").size(), 2U);
}

TEST_F(JournalRead, ReadsAJournalWhoseWriterWasKilledAndChangesNeitherFileNorWal) {
  journal_.reset();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto journal = OpenJournal(path_);
    const bool appended = journal->Append(EventBatch("a", 0, 3)).ok();
    const char byte = appended ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const std::string file_before = ReadBytes(path_);
  const std::string wal_before = ReadBytes(path_ + "-wal");
  ASSERT_FALSE(wal_before.empty()) << "the case is about records that are in the WAL only";
  {
    HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path_));
    EXPECT_EQ(ReadAll(*reader, "a").size(), 3U);
    HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, reader->Verify());
    EXPECT_TRUE(report.ok()) << Summary(report);
    HF_ASSERT_OK_AND_ASSIGN(const Ownership ownership, reader->ReadOwnership());
    EXPECT_FALSE(ownership.held_now);
  }

  EXPECT_EQ(ReadBytes(path_), file_before);
  EXPECT_EQ(ReadBytes(path_ + "-wal"), wal_before);
}

// Traps 2 and 14: one bad record, or one bad row, stops its own sandbox and nothing else.
class Trap02OneBadRecordAbortsResumeOfAll : public JournalRead {
 protected:
  void SetUp() override {
    for (const char* id : {"a", "b", "c"}) Append(id, 0, 3);
  }
  void ReopenAfter(const std::string& sql) {
    journal_.reset();
    Meddle(path_, sql);
    journal_ = OpenJournal(path_);
  }
  absl::Status Read(std::string_view id) {
    return journal_->reader().ReadSandbox(id, 1, [](const Record&) { return Visit::kContinue; });
  }
};

TEST_F(Trap02OneBadRecordAbortsResumeOfAll, APoisonRecordIsNamedAndOthersAreRead) {
  ReopenAfter("UPDATE records SET payload = x'00' WHERE position = 5");

  EXPECT_THAT(Read("b"), StatusIs(absl::StatusCode::kDataLoss,
                                  AllOf(HasSubstr("\"b\""), HasSubstr("position 5"))));
  EXPECT_THAT(Read("a"), IsOk());
  EXPECT_THAT(Read("c"), IsOk());
}

TEST_F(Trap02OneBadRecordAbortsResumeOfAll, AMissingRecordIsNamedAndOthersAreRead) {
  ReopenAfter("DELETE FROM records WHERE position = 5");

  EXPECT_THAT(Read("b"), StatusIs(absl::StatusCode::kDataLoss,
                                  AllOf(HasSubstr("\"b\""), HasSubstr("position 5"))));
  EXPECT_THAT(Read("c"), IsOk());
}

TEST_F(Trap02OneBadRecordAbortsResumeOfAll, APoisonLiveRowStopsOnlyItsSandbox) {
  ReopenAfter("UPDATE sandboxes SET state = 'Elsewhere' WHERE id = 'b'");

  EXPECT_THAT(journal_->reader().FindSandbox("b"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(journal_->reader().FindSandbox("a"), IsOk());
  HF_ASSERT_OK_AND_ASSIGN(const auto rows, journal_->reader().ListSandboxes(true, "", 10));
  EXPECT_EQ(rows.size(), 3U);
}

TEST_F(Trap02OneBadRecordAbortsResumeOfAll, APoisonHeadStopsOnlyItsSandbox) {
  ReopenAfter("DELETE FROM heads WHERE sandbox = 4");

  EXPECT_THAT(Read("b"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("\"b\"")));
  EXPECT_THAT(Read("a"), IsOk());
}

class Trap14OneInterruptedSandboxBlocksOthers : public Trap02OneBadRecordAbortsResumeOfAll {};

TEST_F(Trap14OneInterruptedSandboxBlocksOthers, AppendsToOthersGoOnBesideADamagedOne) {
  ReopenAfter("UPDATE sandboxes SET state = 'Elsewhere' WHERE id = 'b'");

  EXPECT_THAT(journal_->Append(EventBatch("b", 3)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(journal_->Append(EventBatch("a", 3)), IsOk());
  EXPECT_TRUE(journal_->sound());
}

TEST_F(Trap14OneInterruptedSandboxBlocksOthers, DamageFoundWhileWritingIsToldToItsOwnBatchOnly) {
  // The open intent's row is there already: the insert of it fails in the middle of the
  // transaction.
  ReopenAfter("INSERT INTO open_intents VALUES (4, 4, 99, 1, 0, 'x', 'x', 'x', 0)");

  const v1::Intent intent = ForwardIntent("docker", "k", {});
  EXPECT_THAT(journal_->Append(BatchOf("b", 3, {Draft::Intent(intent, 0)})),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(journal_->Append(EventBatch("c", 3)), IsOk());
  EXPECT_TRUE(journal_->sound());
}

// Trap 20: reading, opening and verifying append nothing.
TEST_F(JournalRead, Trap20HistoryGrowthLoop) {
  Append("a", 0, 3);
  const std::string before = Dump(journal_->reader());
  for (int i = 0; i < 5; ++i) {
    journal_.reset();
    journal_ = OpenJournal(path_);
    ASSERT_EQ(ReadAll(journal_->reader(), "a").size(), 3U);
    ASSERT_THAT(journal_->reader().Verify(), IsOk());
  }

  EXPECT_EQ(Dump(journal_->reader()), before);
  EXPECT_THAT(journal_->reader().LastPosition(), IsOkAndHolds(3U));
}

}  // namespace
}  // namespace holdfast::journal
