// SPDX-License-Identifier: Apache-2.0
//
// A restored journal is the backup with a new life: what was there is kept aside, no token is used
// twice, and it says that it was restored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "journal/backup.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

class JournalRestore : public ::testing::Test {
 protected:
  // The backup holds a; the journal went on with b.
  void SetUp() override {
    std::filesystem::create_directory(dir_.File("backups"));
    const auto journal = OpenJournal(path_);
    id_ = journal->reader().journal_id();
    ASSERT_THAT(journal->Append(EventBatch("a", 0, 3)), IsOk());
    ASSERT_THAT(Backup(path_, backup_), IsOk());
    backup_dump_ = DumpOf(backup_);
    ASSERT_THAT(journal->Append(EventBatch("b", 0, 2)), IsOk());
    journal_dump_ = DumpOf(path_);
  }
  absl::StatusOr<RestoreReport> RestoreTo(const std::string& path, bool replace = false) {
    return Restore({.backup = backup_, .journal_path = path, .replace = replace});
  }
  std::string DumpOf(const std::string& path) {
    const auto reader = Reader::Open(path);
    return reader.ok() ? Dump(**reader) : reader.status().ToString();
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  const std::string backup_ = dir_.File("backups/b.db");
  std::string id_, backup_dump_, journal_dump_;
};

TEST_F(JournalRestore, PutsTheBackupWhereNothingIs) {
  const std::string path = dir_.File("elsewhere.db");

  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report, RestoreTo(path));

  EXPECT_EQ(DumpOf(path), backup_dump_);
  EXPECT_EQ(report.journal_id, id_);
  EXPECT_EQ(report.position, 3U);
  EXPECT_EQ(report.set_aside, "");
  EXPECT_EQ(DumpOf(backup_), backup_dump_) << "the backup is kept as it was";
}

TEST_F(JournalRestore, PutsTheBackupWhereALinkLeads) {
  const std::string link = dir_.File("link.db");
  const std::string backup_link = dir_.File("backup-link.db");
  std::filesystem::create_symlink(path_, link);
  std::filesystem::create_symlink(backup_, backup_link);

  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report,
                          Restore({.backup = backup_link, .journal_path = link, .replace = true}));

  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(DumpOf(path_), backup_dump_);
  EXPECT_EQ(DumpOf(report.set_aside), journal_dump_);
}

TEST_F(JournalRestore, RefusesAJournalInUseUnderAnotherName) {
  const std::string link = dir_.File("link.db");
  std::filesystem::create_symlink(path_, link);
  const auto journal = OpenJournal(path_);

  EXPECT_THAT(RestoreTo(link, /*replace=*/true),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is held by")));

  EXPECT_EQ(DumpOf(path_), journal_dump_);
}

TEST_F(JournalRestore, IsSeenByAReaderThatWasOpenBefore) {
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path_));
  ASSERT_EQ(Dump(*reader), journal_dump_);

  ASSERT_THAT(RestoreTo(path_, /*replace=*/true), IsOk());

  EXPECT_EQ(Dump(*reader), backup_dump_);
}

TEST_F(JournalRestore, OfAnotherJournalGivesAReaderThatWasOpenBeforeItsId) {
  const std::string other = dir_.File("other.db");
  ASSERT_THAT(OpenJournal(other)->Append(EventBatch("x", 0)), IsOk());
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(other));
  ASSERT_EQ(ReadAll(*reader, "x").size(), 1U);

  ASSERT_THAT(RestoreTo(other, /*replace=*/true), IsOk());

  EXPECT_TRUE(ReadAll(*reader, "x").empty());
  EXPECT_EQ(reader->journal_id(), id_);
}

TEST_F(JournalRestore, CanBeWrittenOn) {
  const std::string path = dir_.File("elsewhere.db");
  ASSERT_THAT(RestoreTo(path), IsOk());

  const auto journal = OpenJournal(path);

  EXPECT_THAT(journal->Append(EventBatch("a", 3, 2)), IsOk());
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal->reader().Verify());
  EXPECT_TRUE(report.ok()) << Summary(report);
}

TEST_F(JournalRestore, RefusesAJournalThatIsThere) {
  EXPECT_THAT(RestoreTo(path_), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path_)));

  EXPECT_EQ(DumpOf(path_), journal_dump_);
}

TEST_F(JournalRestore, RefusesAJournalInUseAndSaysWhoHoldsIt) {
  const auto journal = OpenJournal(path_);

  EXPECT_THAT(
      RestoreTo(path_, /*replace=*/true),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr(path_), HasSubstr("test, pid " + std::to_string(::getpid())))));

  EXPECT_EQ(DumpOf(path_), journal_dump_);
}

TEST_F(JournalRestore, KeepsWhatItReplaces) {
  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report, RestoreTo(path_, /*replace=*/true));

  EXPECT_EQ(DumpOf(path_), backup_dump_);
  EXPECT_THAT(report.set_aside, HasSubstr(path_ + ".before-restore-"));
  EXPECT_EQ(DumpOf(report.set_aside), journal_dump_);
}

TEST_F(JournalRestore, KeepsTheWalOfAJournalThatCannotBeOpened) {
  ASSERT_GT(std::filesystem::file_size(path_), 0U);
  std::filesystem::resize_file(path_, 50);
  WriteBytes(path_ + "-wal", "what was not moved yet");

  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report, RestoreTo(path_, /*replace=*/true));

  EXPECT_EQ(std::filesystem::file_size(report.set_aside), 50U);
  EXPECT_EQ(ReadBytes(report.set_aside + "-wal"), "what was not moved yet");
  EXPECT_EQ(DumpOf(path_), backup_dump_);
}

TEST_F(JournalRestore, TakesAWalWithoutItsFileForAJournal) {
  std::filesystem::remove(path_);
  WriteBytes(path_ + "-wal", "an orphan");

  EXPECT_THAT(RestoreTo(path_), StatusIs(absl::StatusCode::kFailedPrecondition));
  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report, RestoreTo(path_, /*replace=*/true));

  EXPECT_EQ(ReadBytes(report.set_aside + "-wal"), "an orphan");
  EXPECT_EQ(DumpOf(path_), backup_dump_);
}

TEST_F(JournalRestore, SetsAsideAgainAndAgainWithoutLosingOne) {
  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport first, RestoreTo(path_, /*replace=*/true));
  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport second, RestoreTo(path_, /*replace=*/true));

  EXPECT_NE(first.set_aside, second.set_aside);
  EXPECT_EQ(DumpOf(first.set_aside), journal_dump_);
  EXPECT_EQ(DumpOf(second.set_aside), backup_dump_);
}

TEST_F(JournalRestore, RefusesADamagedBackupAndNamesIt) {
  Meddle(backup_, "UPDATE records SET time_unix_ms = 7 WHERE position = 2");

  EXPECT_THAT(RestoreTo(path_, /*replace=*/true),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("the backup " + backup_)));

  EXPECT_EQ(DumpOf(path_), journal_dump_);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".holdfast-unfinished"));
}

TEST_F(JournalRestore, RefusesATruncatedBackup) {
  std::filesystem::resize_file(backup_, std::filesystem::file_size(backup_) / 2);

  EXPECT_THAT(RestoreTo(path_, /*replace=*/true), StatusIs(absl::StatusCode::kDataLoss));

  EXPECT_EQ(DumpOf(path_), journal_dump_);
}

TEST_F(JournalRestore, RefusesWhatIsNoBackup) {
  EXPECT_THAT(Restore({.backup = dir_.File("none.db"), .journal_path = path_}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.db")));
  WriteBytes(dir_.File("notes.txt"), std::string(8192, 'x'));
  EXPECT_THAT(Restore({.backup = dir_.File("notes.txt"), .journal_path = path_}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JournalRestore, RefusesAJournalInUseAsABackup) {
  const auto journal = OpenJournal(path_);

  EXPECT_THAT(Restore({.backup = path_, .journal_path = dir_.File("clone.db")}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("in use")));

  EXPECT_FALSE(std::filesystem::exists(dir_.File("clone.db")));
}

TEST_F(JournalRestore, RefusesTheJournalItselfAsABackup) {
  EXPECT_THAT(Restore({.backup = path_, .journal_path = path_, .replace = true}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("itself")));

  EXPECT_EQ(DumpOf(path_), journal_dump_);
}

TEST_F(JournalRestore, GoesOnWithEpochsThatTheLostLifeCannotHaveUsed) {
  const std::uint64_t backup_epoch = 1;
  for (int start = 0; start < 5; ++start) OpenJournal(path_);  // each takes another epoch

  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report, RestoreTo(path_, /*replace=*/true));
  const auto journal = OpenJournal(path_);

  EXPECT_GE(report.epoch, backup_epoch + kRestoredEpochJump);
  EXPECT_EQ(journal->epoch(), report.epoch + 1);
}

TEST_F(JournalRestore, NeverUsesAnEpochTwiceWhenOneBackupIsRestoredTwice) {
  ASSERT_THAT(RestoreTo(path_, /*replace=*/true), IsOk());
  const std::uint64_t first = OpenJournal(path_)->epoch();

  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport again, RestoreTo(path_, /*replace=*/true));

  EXPECT_GT(again.epoch, first);
}

TEST_F(JournalRestore, MarksTheJournalAsRestored) {
  ASSERT_THAT(RestoreTo(path_, /*replace=*/true), IsOk());

  EXPECT_EQ(QueryRows(path_, "SELECT value FROM meta WHERE name = 'restored_position'"),
            std::vector<std::string>{"3"});
  EXPECT_EQ(QueryRows(path_, "SELECT value > 0 FROM meta WHERE name = 'restored_unix_ms'"),
            std::vector<std::string>{"1"});
}

TEST_F(JournalRestore, KeepsAFileAndItsWalTogetherWhenAnotherRunWasKilledBetween) {
  // As a run leaves it that was killed when it had moved the file and not yet its WAL's old name.
  const std::string aside = path_ + ".before-restore-20260101T000000Z";
  std::filesystem::rename(path_, aside);
  WriteBytes(path_ + "-wal", "what was not moved yet");
  std::filesystem::create_hard_link(path_ + "-wal", aside + "-wal");

  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report, RestoreTo(path_, /*replace=*/true));

  EXPECT_EQ(report.set_aside, aside);
  EXPECT_EQ(ReadBytes(aside + "-wal"), "what was not moved yet");
  EXPECT_EQ(DumpOf(path_), backup_dump_);
}

// Two lives of one journal, each with a segment 2 of its own.
class JournalRestoreDiverged : public JournalRestore {
 protected:
  void SetUp() override {
    JournalRestore::SetUp();
    End(path_, "a", 3);
    std::filesystem::remove(backup_);
    const std::string common = dir_.File("backups/common.db");
    ASSERT_THAT(Backup(path_, common), IsOk());
    End(path_, "b", 2);
    journal_dump_ = DumpOf(path_);
    const std::string other = dir_.File("other.db");
    ASSERT_THAT(Restore({.backup = common, .journal_path = other}), IsOk());
    End(other, "b", 2);
    End(other, "c", 0);
    ASSERT_THAT(Backup(other, backup_), IsOk());
    backup_dump_ = DumpOf(backup_);
    ASSERT_NE(backup_dump_, journal_dump_);
  }
  // Ends the sandbox and archives it.
  static void End(const std::string& path, const std::string& id, std::uint64_t head) {
    const auto journal = OpenJournal(path);
    Batch batch = EventBatch(id, head);
    batch.projection.live = false;
    ASSERT_THAT(journal->Append(std::move(batch)), IsOk());
    ArchiveOptions options;
    options.finished_before_unix_ms = INT64_MAX;
    HF_ASSERT_OK_AND_ASSIGN(const ArchiveReport report, journal->Archive(options));
    ASSERT_EQ(report.segments, 1U);
  }
  void ExpectBoth(const RestoreReport& report) {
    EXPECT_EQ(DumpOf(path_), backup_dump_);
    EXPECT_EQ(DumpOf(report.set_aside), journal_dump_);
    EXPECT_EQ(DumpOf(backup_), backup_dump_);
    for (const std::string& path : {path_, report.set_aside}) {
      HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path));
      HF_ASSERT_OK_AND_ASSIGN(const VerifyReport verified, reader->Verify());
      EXPECT_TRUE(verified.ok()) << Summary(verified);
    }
  }
};

TEST_F(JournalRestoreDiverged, BringsTheArchiveBackAndKeepsTheOneThatWasThere) {
  HF_ASSERT_OK_AND_ASSIGN(const RestoreReport report, RestoreTo(path_, /*replace=*/true));

  ExpectBoth(report);
  ArchiveOptions options;
  HF_ASSERT_OK_AND_ASSIGN(const ArchiveReport next, OpenJournal(path_)->Archive(options));
  EXPECT_TRUE(next.kept.empty()) << next.kept.front();
}

TEST_F(JournalRestoreDiverged, PutsASoundSegmentInThePlaceOfADamagedOne) {
  for (const auto& entry : std::filesystem::directory_iterator(path_ + ".archive")) {
    std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_all);
    WriteBytes(entry.path(), "damaged");
  }

  ASSERT_THAT(RestoreTo(path_, /*replace=*/true), IsOk());

  EXPECT_EQ(DumpOf(path_), backup_dump_);
}

}  // namespace
}  // namespace holdfast::journal
