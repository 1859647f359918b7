// SPDX-License-Identifier: Apache-2.0
//
// Method. The promise: whatever was archived reads as if it had not been. Most tests take the
// journal's whole text (Dump) before and after, and let a deep Verify look for what a reader would
// not see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "journal/backup.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

namespace fs = std::filesystem;
using ::holdfast::testing::IsOk;
using ::holdfast::testing::IsOkAndHolds;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Every record of these tests is of 1,000 ms or so.
constexpr std::int64_t kAll = 1'000'000;

ArchiveOptions Before(std::int64_t unix_ms, std::size_t sandboxes = 4'096) {
  ArchiveOptions options;
  options.finished_before_unix_ms = unix_ms;
  options.sandboxes_per_segment_max = sandboxes;
  return options;
}

Batch Ended(Batch batch) {
  batch.projection = {.state = "Deleted", .live = false, .summary = "the end"};
  return batch;
}

class JournalArchive : public ::testing::Test {
 protected:
  void SetUp() override { journal_ = OpenJournal(path_); }

  std::uint64_t HeadOf(const std::string& id) {
    const auto row = journal_->reader().FindSandbox(id);
    return row.ok() ? row->head_sequence : 0;
  }
  void Append(Batch batch) {
    batch.expected_sequence = HeadOf(batch.sandbox_id);
    ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  }
  // A whole life, with a thing that was held and released.
  void LiveAndEnd(const std::string& id) {
    const std::uint64_t head = HeadOf(id);
    Append(BatchOf(
        id, 0,
        {Draft::Event("Requested", "please", 1'000),
         Draft::Intent(ForwardIntent("driver", id + "/make", {MakeResource("box", id)}), 1'001)}));
    Append(BatchOf(id, 0,
                   {Draft::Outcome(MakeOutcome(head + 2, v1::Outcome::DONE, true,
                                               {MakeResource("box", id, "handle")}),
                                   1'002)}));
    Append(BatchOf(id, 0, {Draft::Intent(UndoIntent("driver", id + "/undo", head + 2), 1'003)}));
    Append(Ended(
        BatchOf(id, 0, {Draft::Outcome(MakeOutcome(head + 4, v1::Outcome::DONE, true), 1'004)})));
  }
  void Live(const std::string& id) { Append(EventBatch(id, 0, 2)); }

  ArchiveReport Archive(const ArchiveOptions& options = Before(kAll)) {
    auto report = journal_->Archive(options);
    EXPECT_THAT(report, IsOk());
    return report.ok() ? *report : ArchiveReport{};
  }
  std::string All() { return Dump(journal_->reader()); }
  void ExpectSound() {
    for (const VerifyMode mode : {VerifyMode::kDeep, VerifyMode::kQuick}) {
      HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal_->reader().Verify(mode));
      EXPECT_TRUE(report.ok()) << Messages(report);
    }
  }
  static std::string Messages(const VerifyReport& report) {
    std::string text;
    for (const Damage& damage : report.damages) {
      text += damage.kind + " " + damage.sandbox_id + " " + damage.message + "\n";
    }
    return text;
  }
  void Reopen() {
    ASSERT_THAT(journal_->Close(), IsOk());
    journal_.reset();
    journal_ = OpenJournal(path_);
  }
  std::string SegmentPath(int number) const {
    const std::string prefix = "segment-00000" + std::to_string(number) + "-";
    if (fs::exists(path_ + ".archive")) {
      for (const std::string& name : ArchiveNames()) {
        if (name.starts_with(prefix)) return path_ + ".archive/" + name;
      }
    }
    return path_ + ".archive/" + prefix + "00000000.hfj";
  }

  std::vector<std::string> ArchiveNames() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_ + ".archive")) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalArchive, ReadsAsBefore) {
  LiveAndEnd("b");
  Live("c");
  LiveAndEnd("a");
  const std::string before = All();
  const ArchiveReport report = Archive();
  EXPECT_EQ(report.segments, 1U);
  EXPECT_EQ(report.sandboxes, 2U);
  EXPECT_EQ(report.records, 10U);
  EXPECT_EQ(All(), before);
  ExpectSound();
  Reopen();
  EXPECT_EQ(All(), before);
  ExpectSound();
}

TEST_F(JournalArchive, LeavesNothingOfASandboxInTheTables) {
  LiveAndEnd("a");
  Archive();
  for (const char* table : {"records", "sandboxes", "heads", "ledger", "snapshots"}) {
    EXPECT_THAT(QueryRows(path_, std::string("SELECT count(*) FROM ") + table), ElementsAre("0"))
        << table;
  }
  EXPECT_THAT(QueryRows(path_, "SELECT number, records, sandboxes, state FROM segments"),
              ElementsAre("1|5|1|2"));
}

TEST_F(JournalArchive, EveryVerbReadsWhatWasArchived) {
  LiveAndEnd("a");
  Live("b");
  LiveAndEnd("c");
  Archive();
  Reader& reader = journal_->reader();
  HF_ASSERT_OK_AND_ASSIGN(const SandboxRow row, reader.FindSandbox("c"));
  EXPECT_EQ(row.projection.state, "Deleted");
  EXPECT_EQ(row.head_sequence, 5U);
  EXPECT_THAT(ReadAll(reader, "a"), SizeIs(5));
  EXPECT_THAT(ReadTailAll(reader), SizeIs(12));
  HF_ASSERT_OK_AND_ASSIGN(const auto ledger, reader.ReadLedger("a", true));
  ASSERT_THAT(ledger, SizeIs(1));
  EXPECT_EQ(ledger[0].status, LedgerStatus::kReleased);
  HF_ASSERT_OK_AND_ASSIGN(const auto page, reader.ListSandboxes(false, "a", 1));
  ASSERT_THAT(page, SizeIs(1));
  EXPECT_EQ(page[0].sandbox_id, "b");
  EXPECT_THAT(reader.LastPosition(), IsOkAndHolds(12U));
  EXPECT_THAT(reader.FindSandbox("d"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(reader.ReadSealed("a"), IsOkAndHolds(std::nullopt));
  HF_ASSERT_OK_AND_ASSIGN(const auto segments, reader.ListSegments());
  ASSERT_THAT(segments, SizeIs(1));
  EXPECT_EQ(segments[0].file, "segment-000001-" + segments[0].digest.substr(0, 8) + ".hfj");
}

TEST_F(JournalArchive, ReadsTheTailFromAnyPositionWithAnyLimit) {
  for (const char* id : {"a", "b", "c", "d"}) LiveAndEnd(id);
  Live("e");
  const auto all = ReadTailAll(journal_->reader());
  Archive(Before(kAll, /*sandboxes=*/1));
  for (std::size_t after = 0; after <= all.size(); ++after) {
    for (const std::size_t limit : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      std::vector<std::uint64_t> got;
      ASSERT_THAT(journal_->reader().ReadTail(after, limit,
                                              [&](const Record& record) {
                                                got.push_back(record.position);
                                                return Visit::kContinue;
                                              }),
                  IsOk());
      ASSERT_EQ(got.size(), std::min(limit, all.size() - after));
      for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], after + i + 1);
    }
  }
}

TEST_F(JournalArchive, KeepsWhatIsLiveYoungOrHolds) {
  Live("live");
  Batch young = Ended(EventBatch("young", 0));
  young.drafts[0].time_unix_ms = kAll;
  Append(std::move(young));
  Append(Ended(
      BatchOf("holds", 0,
              {Draft::Intent(ForwardIntent("driver", "k", {MakeResource("box", "x")}), 1'000)})));
  EXPECT_EQ(Archive().sandboxes, 0U);
  EXPECT_FALSE(fs::exists(path_ + ".archive"));
}

TEST_F(JournalArchive, ASecondRunDoesNothing) {
  LiveAndEnd("a");
  Archive();
  const std::string segment = ReadBytes(SegmentPath(1));
  EXPECT_EQ(Archive().segments, 0U);
  EXPECT_EQ(ReadBytes(SegmentPath(1)), segment);
}

TEST_F(JournalArchive, ASegmentIsReadableByItsOwnerAloneAndWritableByNobody) {
  LiveAndEnd("a");
  Archive();
  EXPECT_EQ(fs::status(SegmentPath(1)).permissions(), fs::perms::owner_read);
  EXPECT_EQ(fs::status(path_ + ".archive").permissions(), fs::perms::owner_all);
}

TEST_F(JournalArchive, ASegmentIsNoJournal) {
  LiveAndEnd("a");
  Archive();
  EXPECT_THAT(Reader::Open(SegmentPath(1)), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JournalArchive, AnIdIsUsedAgainAndArchivedAgain) {
  LiveAndEnd("a");
  LiveAndEnd("b");
  Archive();
  Append(BatchOf("a", 0, {Draft::Event("Requested", "again", 1'000)}));
  EXPECT_EQ(HeadOf("a"), 6U);
  ExpectSound();
  Reopen();
  EXPECT_EQ(HeadOf("a"), 6U);
  EXPECT_THAT(ReadAll(journal_->reader(), "a"), SizeIs(6));
  ExpectSound();
  Append(Ended(EventBatch("a", 0)));
  LiveAndEnd("a");
  const std::string before = All();
  EXPECT_EQ(Archive().sandboxes, 1U);
  EXPECT_EQ(All(), before);
  EXPECT_EQ(HeadOf("a"), 12U);
  EXPECT_THAT(ReadAll(journal_->reader(), "a"), SizeIs(12));
  ExpectSound();
}

TEST_F(JournalArchive, OneMayExpectToBeNewOnlyWhereNothingWasArchived) {
  LiveAndEnd("a");
  Archive();
  EXPECT_THAT(journal_->Append(EventBatch("a", 0)), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(journal_->Append(EventBatch("new", 0)), IsOk());
}

TEST_F(JournalArchive, AnOutcomeOfAnArchivedIntentIsRefused) {
  LiveAndEnd("a");
  Archive();
  EXPECT_THAT(journal_->Append(BatchOf(
                  "a", 5, {Draft::Outcome(MakeOutcome(2, v1::Outcome::DONE, true), 2'000)})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("record 2")));
  EXPECT_TRUE(journal_->sound());
}

TEST_F(JournalArchive, TellsIdsOfOneFingerprintApart) {
  LiveAndEnd("a");
  LiveAndEnd("b");
  Live("c");
  Archive(Before(kAll, /*sandboxes=*/1));
  const std::string before = All();
  ASSERT_THAT(journal_->Close(), IsOk());
  // As if SHA-256 had given both the same first 8 bytes.
  Meddle(path_,
         "UPDATE archived SET fingerprint = (SELECT fingerprint FROM archived WHERE segment "
         "= 2) WHERE segment = 1");
  journal_ = OpenJournal(path_);
  EXPECT_EQ(HeadOf("b"), 5U);
  EXPECT_THAT(journal_->reader().FindSandbox("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(journal_->Append(EventBatch("a", 0)), IsOk());
}

TEST_F(JournalArchive, DamagedSandboxesStayAndAreNamed) {
  LiveAndEnd("a");
  LiveAndEnd("b");
  ASSERT_THAT(journal_->Flush(), IsOk());
  Meddle(path_, "UPDATE records SET payload = x'00' WHERE position = 1");
  const ArchiveReport report = Archive();
  EXPECT_EQ(report.sandboxes, 1U);
  EXPECT_THAT(report.kept, ElementsAre(HasSubstr("sandbox \"a\"")));
  EXPECT_EQ(HeadOf("b"), 5U);
}

TEST_F(JournalArchive, ManySandboxesGoIntoSeveralSegments) {
  constexpr int kSandboxes = 10'000;
  std::vector<std::thread> appenders;
  for (int t = 0; t < 4; ++t) {
    appenders.emplace_back([&, t] {
      for (int i = t; i < kSandboxes; i += 4) {
        EXPECT_THAT(journal_->Append(Ended(EventBatch("s" + std::to_string(i), 0, 2))), IsOk());
      }
    });
  }
  for (std::thread& appender : appenders) appender.join();
  Live("live");
  const std::string before = All();
  const ArchiveReport report = Archive();
  EXPECT_EQ(report.segments, 3U);
  EXPECT_EQ(report.sandboxes, 10'000U);
  EXPECT_EQ(All(), before);
  ExpectSound();
}

TEST_F(JournalArchive, OpeningReadsNoSegment) {
  LiveAndEnd("a");
  Live("b");
  Archive();
  ASSERT_THAT(journal_->Close(), IsOk());
  journal_.reset();
  fs::remove(SegmentPath(1));
  journal_ = OpenJournal(path_);
  std::vector<std::string> live;
  EXPECT_THAT(journal_->reader().ReadLive([&](const SandboxRow& row, const Snapshot*) {
    live.push_back(row.sandbox_id);
    return Visit::kContinue;
  }),
              IsOk());
  EXPECT_THAT(live, ElementsAre("b"));
  EXPECT_THAT(journal_->reader().ListSandboxes(true, "", 10), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(journal_->reader().ReadLedger("", false), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(journal_->Append(EventBatch("new", 0)), IsOk());
}

// What is asked of the journal with a segment that is not what it was.
class JournalArchiveDamaged : public JournalArchive {
 protected:
  void SetUp() override {
    JournalArchive::SetUp();
    LiveAndEnd("a");
    Live("b");
    Archive();
    ASSERT_THAT(journal_->Close(), IsOk());
    journal_.reset();
    fs::permissions(SegmentPath(1), fs::perms::owner_all);
  }
  void ExpectOnlyItIsLost(const std::string& why) {
    journal_ = OpenJournal(path_);
    Reader& reader = journal_->reader();
    const auto names_file =
        StatusIs(absl::StatusCode::kDataLoss,
                 ::testing::AllOf(HasSubstr("segment-000001-"), HasSubstr(why)));
    EXPECT_THAT(reader.FindSandbox("a"), names_file);
    EXPECT_THAT(reader.ListSandboxes(false, "", 10), IsOkAndHolds(SizeIs(1)));
    EXPECT_THAT(ReadTailAll(reader), SizeIs(2));
    EXPECT_THAT(reader.ReadLedger("", true), IsOkAndHolds(IsEmpty()));
    EXPECT_THAT(reader.ReadLedger("a", true), names_file);
    EXPECT_THAT(reader.MakeCheckpoint(0), names_file) << "it would prove too little";
    HF_ASSERT_OK_AND_ASSIGN(const auto segments, reader.ListSegments());
    EXPECT_THAT(segments.at(0).damage, HasSubstr("segment-000001-")) << "who lists is told";
    EXPECT_THAT(journal_->Append(EventBatch("a", 5)), names_file);
    EXPECT_THAT(reader.FindSandbox("b"), IsOk());
    EXPECT_THAT(ReadAll(reader, "b"), SizeIs(2));
    Live("b");
    Live("c");
    HF_ASSERT_OK_AND_ASSIGN(const VerifyReport deep, reader.Verify(VerifyMode::kDeep));
    EXPECT_EQ(Summary(deep), "segment  0 0\n") << Messages(deep);
    HF_ASSERT_OK_AND_ASSIGN(const VerifyReport quick, reader.Verify(VerifyMode::kQuick));
    EXPECT_EQ(Summary(quick), "segment  0 0\n") << Messages(quick);
  }
};

TEST_F(JournalArchiveDamaged, AMissingSegmentIsNamed) {
  fs::remove(SegmentPath(1));
  ExpectOnlyItIsLost("missing");
}

TEST_F(JournalArchiveDamaged, ATruncatedSegmentIsNamed) {
  fs::resize_file(SegmentPath(1), fs::file_size(SegmentPath(1)) - 4'096);
  ExpectOnlyItIsLost("");
}

TEST_F(JournalArchiveDamaged, AFileThatIsNoSegmentIsNamed) {
  WriteBytes(SegmentPath(1), "not a segment at all, but long enough to look like some file");
  ExpectOnlyItIsLost("");
}

TEST_F(JournalArchiveDamaged, ASegmentOfAnotherJournalIsNamed) {
  Meddle(SegmentPath(1), "UPDATE meta SET value = 'another' WHERE name = 'journal_id'");
  ExpectOnlyItIsLost("journal_id");
}

TEST_F(JournalArchiveDamaged, AChangedRecordIsFound) {
  Meddle(SegmentPath(1), "UPDATE records SET payload = x'00' WHERE position = 1");
  journal_ = OpenJournal(path_);
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal_->reader().Verify());
  EXPECT_THAT(Summary(report), HasSubstr("segment  0 0"));
  EXPECT_THAT(Summary(report), HasSubstr("checksum a 1 1"));
}

TEST_F(JournalArchiveDamaged, ASandboxThatWasTakenOutIsMissed) {
  Meddle(SegmentPath(1), "DELETE FROM records; DELETE FROM sandboxes; DELETE FROM heads");
  journal_ = OpenJournal(path_);
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal_->reader().Verify());
  EXPECT_THAT(Summary(report), HasSubstr("segment  0 0"));
  EXPECT_THAT(Summary(report), HasSubstr("missing  1 0"));
}

TEST_F(JournalArchiveDamaged, RecordsAreNotRemovedForADamagedSegment) {
  // As if killed when the move was committed, with the file damaged after.
  Meddle(path_, "UPDATE segments SET state = 1");
  Meddle(SegmentPath(1), "UPDATE records SET payload = x'00' WHERE position = 1");
  journal_ = OpenJournal(path_);
  LiveAndEnd("c");
  const ArchiveReport report = Archive();
  EXPECT_THAT(report.kept, ElementsAre(HasSubstr("segment-000001-")));
  EXPECT_EQ(report.sandboxes, 1U) << "it ends no later run";
  EXPECT_THAT(QueryRows(path_, "SELECT state FROM segments ORDER BY number"),
              ElementsAre("1", "2"));
}

TEST_F(JournalArchiveDamaged, ASegmentThatOnlySaysThatItIsOldIsKeptAndNamed) {
  Meddle(SegmentPath(1), "UPDATE meta SET value = 1 WHERE name = 'newest_unix_ms'");
  journal_ = OpenJournal(path_);
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport report, journal_->ExpireArchives(500));
  EXPECT_THAT(report.segments, IsEmpty());
  EXPECT_THAT(report.kept, ElementsAre(HasSubstr("newest_unix_ms")));
  EXPECT_EQ(HeadOf("a"), 5U);
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport verified, journal_->reader().Verify());
  EXPECT_THAT(Messages(verified), HasSubstr("newest_unix_ms"));
}

TEST_F(JournalArchiveDamaged, ADamagedSegmentIsNotThrownAway) {
  Meddle(SegmentPath(1), "UPDATE records SET time_unix_ms = 1");
  journal_ = OpenJournal(path_);
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport report, journal_->ExpireArchives(kAll));
  EXPECT_THAT(report.segments, IsEmpty());
  EXPECT_THAT(report.kept, SizeIs(1));
  EXPECT_TRUE(fs::exists(SegmentPath(1)));
}

TEST_F(JournalArchive, RemovesDraftsAndNothingThatItCannotProveToBeSuperfluous) {
  fs::create_directories(path_ + ".archive");
  WriteBytes(SegmentPath(7), "of another time");
  WriteBytes(path_ + ".archive/segment-000008.new", "left over");
  WriteBytes(path_ + ".archive/notes.txt", "not ours");
  LiveAndEnd("a");
  const ArchiveReport report = Archive();
  EXPECT_THAT(report.kept, ElementsAre(HasSubstr("segment-000007-")));
  EXPECT_THAT(ArchiveNames(), ElementsAre("notes.txt", "segment-000007-00000000.hfj",
                                          HasSubstr("segment-000008-")));
  EXPECT_EQ(ReadBytes(SegmentPath(7)), "of another time");
}

// What is only in the archive, with a journal that does not know it.
class JournalArchiveStray : public JournalArchive {
 protected:
  // "a" in segment 1.
  void SetUp() override {
    JournalArchive::SetUp();
    ASSERT_THAT(journal_->Append(EventBatch("first", 0)), IsOk());
    ASSERT_THAT(journal_->Close(), IsOk());
    early_ = ReadBytes(path_);
    journal_ = OpenJournal(path_);
    LiveAndEnd("a");
    Archive();
    ASSERT_THAT(journal_->Close(), IsOk());
    journal_.reset();
    segment_ = ReadBytes(SegmentPath(1));
  }
  // Archives another, and throws away what is old.
  void ExpectKept() {
    if (journal_ == nullptr) journal_ = OpenJournal(path_);
    LiveAndEnd("b");
    const ArchiveReport report = Archive();
    EXPECT_EQ(report.sandboxes, 1U);
    EXPECT_THAT(report.kept, ElementsAre(HasSubstr("segment-000001-")));
    EXPECT_TRUE(ReadBytes(SegmentPath(1)) == segment_);
    EXPECT_THAT(QueryRows(path_, "SELECT max(number) FROM segments"), ElementsAre("2"));
    const auto expired = journal_->ExpireArchives(kAll);
    ASSERT_THAT(expired, IsOk());
    EXPECT_THAT(expired->segments, SizeIs(1));
    EXPECT_THAT(expired->kept, ElementsAre(HasSubstr("segment-000001-")));
    EXPECT_TRUE(ReadBytes(SegmentPath(1)) == segment_);
  }
  std::string early_, segment_;
};

TEST_F(JournalArchiveStray, AJournalThatWasLostIsNotMadeAnew) {
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path_ + suffix);
  EXPECT_THAT(Journal::Open(OptionsFor(path_)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(path_ + ".archive"), HasSubstr("restore a backup"))));
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_TRUE(ReadBytes(SegmentPath(1)) == segment_);
}

TEST_F(JournalArchiveStray, AnOlderCopyOfTheJournalKeepsWhatItDoesNotKnow) {
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(path_ + suffix);
  WriteBytes(path_, early_);
  ExpectKept();
}

TEST_F(JournalArchiveStray, AnotherJournalKeepsWhatIsNotItsOwn) {
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path_ + suffix);
  fs::rename(path_ + ".archive", path_ + ".aside");
  journal_ = OpenJournal(path_);
  fs::rename(path_ + ".aside", path_ + ".archive");
  ExpectKept();
}

TEST_F(JournalArchiveStray, ARowWithAnotherNameLosesNoFile) {
  Meddle(path_, "UPDATE segments SET file = 'segment-000009-00000000.hfj'");
  journal_ = OpenJournal(path_);
  EXPECT_THAT(journal_->Archive(Before(kAll)),
              IsOkAndHolds(::testing::Field(&ArchiveReport::kept, SizeIs(1))));
  EXPECT_TRUE(ReadBytes(SegmentPath(1)) == segment_);
}

TEST_F(JournalArchiveStray, ARowThatSaysExpiredLosesNoFileThatIsStillReferredTo) {
  Meddle(path_, "UPDATE segments SET state = 3");
  ExpectKept();
}

TEST_F(JournalArchiveStray, ItsRecordsAreComparedAndNotCounted) {
  // As after a run that was cut short, but that one record in the journal is not what it was.
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(path_ + suffix);
  WriteBytes(path_, early_);
  journal_ = OpenJournal(path_);
  LiveAndEnd("a");
  ASSERT_THAT(journal_->Flush(), IsOk());
  Meddle(path_, "UPDATE records SET payload = x'00' WHERE position = 3");
  EXPECT_THAT(Archive().kept, SizeIs(2));
  EXPECT_TRUE(ReadBytes(SegmentPath(1)) == segment_);
}

TEST_F(JournalArchiveStray, WhatTheJournalStillHasWholeIsRemoved) {
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(path_ + suffix);
  WriteBytes(path_, early_);
  journal_ = OpenJournal(path_);
  LiveAndEnd("a");  // of the same epoch at the same positions, so the same to the last bit
  EXPECT_THAT(Archive().kept, IsEmpty());
  EXPECT_THAT(ArchiveNames(), SizeIs(1));
  ExpectSound();
}

TEST_F(JournalArchive, AppendsAndReadsGoOnMeanwhile) {
  for (int i = 0; i < 300; ++i) LiveAndEnd("old" + std::to_string(i));
  std::atomic<bool> done = false;
  std::thread appender([&] {
    for (int i = 0; !done; ++i) {
      const std::string id = "new" + std::to_string(i % 7);
      EXPECT_THAT(journal_->Append(EventBatch(id, HeadOf(id))), IsOk());
      // And some that are being archived are used again.
      const std::string old = "old" + std::to_string(i % 300);
      EXPECT_THAT(journal_->Append(Ended(EventBatch(old, HeadOf(old)))), IsOk());
    }
  });
  std::thread reader([&] {
    while (!done) {
      EXPECT_THAT(ReadAll(journal_->reader(), "old7"), ::testing::Not(IsEmpty()));
      std::uint64_t last = 0;
      EXPECT_THAT(journal_->reader().ReadTail(0, SIZE_MAX,
                                              [&](const Record& record) {
                                                EXPECT_EQ(record.position, last + 1);
                                                last = record.position;
                                                return Visit::kContinue;
                                              }),
                  IsOk());
    }
  });
  for (int i = 0; i < 5; ++i) Archive(Before(kAll, /*sandboxes=*/40));
  done = true;
  appender.join();
  reader.join();
  ExpectSound();
}

TEST_F(JournalArchive, StopsWhenAskedAndGoesOnLater) {
  for (int i = 0; i < 10; ++i) LiveAndEnd("s" + std::to_string(i));
  const std::string before = All();
  for (int asked_at = 1; asked_at < 6; ++asked_at) {
    ArchiveOptions options = Before(kAll, /*sandboxes=*/3);
    int asked = 0;
    options.stop = [&] { return ++asked >= asked_at; };
    ASSERT_THAT(journal_->Archive(options), IsOk());
    ASSERT_EQ(All(), before);
    ExpectSound();
  }
  Archive();
  EXPECT_EQ(All(), before);
  EXPECT_THAT(QueryRows(path_, "SELECT DISTINCT state FROM segments"), ElementsAre("2"));
}

TEST_F(JournalArchive, StopsInTheMiddleOfASegment) {
  constexpr std::size_t kRecords = 5'000;
  for (std::size_t head = 0; head < kRecords; head += 250) Append(EventBatch("long", 0, 250));
  Append(Ended(EventBatch("long", 0)));
  const std::string before = All();
  for (int stop_at = 1; stop_at < 60; stop_at += 6) {
    int asked = 0;
    ArchiveOptions stopping = Before(kAll);
    stopping.stop = [&] { return ++asked >= stop_at; };
    HF_ASSERT_OK_AND_ASSIGN(const ArchiveReport report, journal_->Archive(stopping));
    EXPECT_EQ(report.segments, 0U) << stop_at;
    EXPECT_LE(asked, stop_at + 2) << "it went on";
    if (fs::exists(path_ + ".archive")) {
      EXPECT_THAT(ArchiveNames(), IsEmpty());
    }
  }
  EXPECT_EQ(Archive().segments, 1U);
  EXPECT_EQ(All(), before);
}

TEST_F(JournalArchive, ExpiresSegmentsOnlyWhenAskedAndWhole) {
  LiveAndEnd("a");
  Archive();
  Live("b");
  EXPECT_THAT(journal_->ExpireArchives(1'004), IsOk());
  EXPECT_EQ(HeadOf("a"), 5U) << "its last record is of that time";
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport report, journal_->ExpireArchives(1'005));
  ASSERT_THAT(report.segments, SizeIs(1));
  EXPECT_FALSE(fs::exists(SegmentPath(1)));
  EXPECT_EQ(HeadOf("a"), 0U);
  ExpectSound();
  HF_ASSERT_OK_AND_ASSIGN(const auto segments, journal_->reader().ListSegments());
  ASSERT_THAT(segments, SizeIs(1));
  EXPECT_TRUE(segments[0].expired);
  // A record that is missing besides is missed.
  Reopen();
  ASSERT_THAT(journal_->Close(), IsOk());
  Meddle(path_, "DELETE FROM records WHERE position = 6");
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path_));
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport damaged, reader->Verify());
  EXPECT_THAT(Summary(damaged), HasSubstr("missing"));
}

TEST_F(JournalArchive, WhatExpiresMeanwhileIsNotCalledDamage) {
  std::atomic<int> round = 0;
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const std::string id = "s" + std::to_string(round.load());
        const auto row = journal_->reader().FindSandbox(id);
        if (!row.ok()) {
          EXPECT_THAT(row, StatusIs(absl::StatusCode::kNotFound));
        }
        EXPECT_THAT(
            journal_->reader().ReadSandbox(id, 1, [](const Record&) { return Visit::kContinue; }),
            IsOk());
      }
    });
  }
  for (; round < 100; ++round) {
    LiveAndEnd("s" + std::to_string(round.load()));
    Archive();
    EXPECT_THAT(journal_->ExpireArchives(kAll), IsOk());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST_F(JournalArchive, NobodyKeepsARemovedSegmentOpen) {
  LiveAndEnd("a");
  Live("b");
  Archive();
  EXPECT_EQ(HeadOf("a"), 5U);
  Append(BatchOf("b", 0, {Draft::Event("More", "", 1'000)}));
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport report, journal_->ExpireArchives(kAll));
  ASSERT_THAT(report.segments, SizeIs(1));
  EXPECT_EQ(HeadOf("b"), 3U);
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    EXPECT_THAT(fs::read_symlink(entry.path(), gone).string(),
                ::testing::Not(HasSubstr(report.segments[0].file)));
  }
}

TEST_F(JournalArchive, ASandboxExpiresWholeOrNotAtAll) {
  LiveAndEnd("a");
  Archive();
  Live("a");
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport live, journal_->ExpireArchives(kAll));
  EXPECT_THAT(live.segments, IsEmpty());
  EXPECT_THAT(live.kept, SizeIs(1));
  Batch end = Ended(EventBatch("a", 0));
  end.drafts[0].time_unix_ms = 5'000;
  Append(std::move(end));
  Archive();
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport first, journal_->ExpireArchives(2'000));
  EXPECT_THAT(first.segments, IsEmpty());
  EXPECT_THAT(ReadAll(journal_->reader(), "a"), SizeIs(8));
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport both, journal_->ExpireArchives(kAll));
  EXPECT_THAT(both.segments, SizeIs(2));
  EXPECT_EQ(HeadOf("a"), 0U);
  ExpectSound();
  LiveAndEnd("a");
  Archive();
  EXPECT_THAT(ReadAll(journal_->reader(), "a"), SizeIs(5));
  ExpectSound();
}

TEST_F(JournalArchive, ABackupHasTheArchive) {
  LiveAndEnd("a");
  Live("b");
  Archive();
  const std::string before = All();
  const std::string copy = dir_.File("copy.db");
  ASSERT_THAT(Backup(path_, copy), IsOk());
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(copy));
  EXPECT_EQ(Dump(*reader), before);
}

}  // namespace
}  // namespace holdfast::journal
