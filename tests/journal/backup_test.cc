// SPDX-License-Identifier: Apache-2.0
//
// A backup is whole, needs nothing beside it, is made while the journal is written, and goes over
// nothing.
#include "journal/backup.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>

#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JournalBackup : public ::testing::Test {
 protected:
  void SetUp() override {
    journal_ = OpenJournal(path_);
    ASSERT_THAT(journal_->Append(EventBatch("a", 0, 2)), IsOk());
    ASSERT_THAT(journal_->Append(EventBatch("b", 0, 3)), IsOk());
    ASSERT_THAT(journal_->Append(EventBatch("a", 2)), IsOk());
  }
  std::string DumpOf(const std::string& path) {
    const auto reader = Reader::Open(path);
    return reader.ok() ? Dump(**reader) : reader.status().ToString();
  }
  std::vector<std::string> Names() { return NamesIn(dir_.File("backups")); }
  static std::vector<std::string> NamesIn(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  const std::string backup_ = [this] {
    std::filesystem::create_directory(dir_.File("backups"));
    return dir_.File("backups/b.db");
  }();
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalBackup, HoldsAllThatTheJournalHolds) {
  HF_ASSERT_OK_AND_ASSIGN(const BackupReport report, Backup(path_, backup_));

  EXPECT_EQ(DumpOf(backup_), DumpOf(path_));
  EXPECT_EQ(report.position, 6U);
  EXPECT_EQ(report.records, 6U);
  EXPECT_EQ(report.sandboxes, 2U);
  EXPECT_EQ(report.journal_id, journal_->reader().journal_id());
}

TEST_F(JournalBackup, ByALinkHoldsAllThatTheJournalHolds) {
  Batch finished = EventBatch("z", 0);
  finished.projection.live = false;
  ASSERT_THAT(journal_->Append(std::move(finished)), IsOk());
  ArchiveOptions all;
  all.finished_before_unix_ms = std::numeric_limits<std::int64_t>::max();
  ASSERT_THAT(journal_->Archive(all), IsOk());
  const std::string link = dir_.File("link.db");
  std::filesystem::create_symlink(path_, link);

  HF_ASSERT_OK_AND_ASSIGN(const BackupReport report, Backup(link, backup_));

  EXPECT_EQ(report.archive_files, 1U);
  EXPECT_EQ(DumpOf(backup_), DumpOf(path_));
}

TEST_F(JournalBackup, IsMadeOfADeadJournalToo) {
  const std::string before = DumpOf(path_);
  ASSERT_THAT(journal_->Close(), IsOk());

  EXPECT_THAT(Backup(path_, backup_), IsOk());

  EXPECT_EQ(DumpOf(backup_), before);
}

TEST_F(JournalBackup, IsOneFileThatPlainSqliteReadsWithoutMakingAnother) {
  ASSERT_THAT(Backup(path_, backup_), IsOk());

  EXPECT_EQ(QueryRows(backup_, "SELECT count(*) FROM records"), std::vector<std::string>{"6"});
  EXPECT_EQ(QueryRows(backup_, "PRAGMA journal_mode"), std::vector<std::string>{"delete"});
  EXPECT_THAT(Names(), ElementsAre("b.db"));
}

TEST_F(JournalBackup, IsItsOwnersAlone) {
  ASSERT_THAT(Backup(path_, backup_), IsOk());

  struct stat status {};
  ASSERT_EQ(::stat(backup_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(JournalBackup, NeverGoesOverAnything) {
  WriteBytes(backup_, "precious");

  EXPECT_THAT(Backup(path_, backup_),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(backup_ + " exists")));

  EXPECT_EQ(ReadBytes(backup_), "precious");
  EXPECT_THAT(Names(), ElementsAre("b.db"));
}

TEST_F(JournalBackup, RefusesAJournalThatIsDamagedAndLeavesNothing) {
  ASSERT_THAT(journal_->Close(), IsOk());
  Meddle(path_, "UPDATE records SET time_unix_ms = 7 WHERE position = 2");

  EXPECT_THAT(
      Backup(path_, backup_),
      StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr(path_), HasSubstr("sandbox \"a\""))));

  EXPECT_THAT(Names(), ElementsAre());
}

TEST_F(JournalBackup, SaysThatThereIsNoJournal) {
  EXPECT_THAT(Backup(dir_.File("none.db"), backup_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Names(), ElementsAre());
}

TEST_F(JournalBackup, RefusesADestinationWhoseDirectoryIsMissing) {
  EXPECT_THAT(Backup(path_, dir_.File("nowhere/b.db")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("nowhere")));
}

TEST_F(JournalBackup, ClearsWhatAKilledOneLeft) {
  WriteBytes(backup_ + ".holdfast-unfinished", "half");
  WriteBytes(backup_ + ".holdfast-unfinished-wal", "half");
  std::filesystem::create_directory(backup_ + ".holdfast-unfinished.archive");
  WriteBytes(backup_ + ".holdfast-unfinished.archive/1", "half");

  EXPECT_THAT(Backup(path_, backup_), IsOk());

  EXPECT_THAT(Names(), ElementsAre("b.db"));
}

TEST_F(JournalBackup, WaitsForNoOtherIntoTheSameDirectory) {
  const int directory = ::open(dir_.File("backups").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(directory, LOCK_EX), 0);

  EXPECT_THAT(Backup(path_, backup_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("under way")));

  ::close(directory);
}

// Archives "a" of the fixture's journal, or what is finished by then.
void Archive(Journal& journal) {
  ArchiveOptions options;
  options.finished_before_unix_ms = INT64_MAX;
  EXPECT_THAT(journal.Archive(options), IsOk());
}

Batch Ended(Batch batch) {
  batch.projection.live = false;
  return batch;
}

TEST_F(JournalBackup, TakesAlongTheSegmentsThatItNamesAndNothingElse) {
  ASSERT_THAT(journal_->Append(Ended(EventBatch("a", 3))), IsOk());
  Archive(*journal_);
  WriteBytes(path_ + ".archive/segment-000009.new", "unfinished");
  WriteBytes(path_ + ".archive/segment-000008-00000000.hfj", "not known");
  WriteBytes(path_ + ".archive/notes.txt", "not ours");

  HF_ASSERT_OK_AND_ASSIGN(const BackupReport report, Backup(path_, backup_));

  EXPECT_EQ(report.archive_files, 1U);
  EXPECT_EQ(DumpOf(backup_), DumpOf(path_));
  HF_ASSERT_OK_AND_ASSIGN(const auto segments, journal_->reader().ListSegments());
  EXPECT_THAT(NamesIn(backup_ + ".archive"), ElementsAre(segments.at(0).file));
  EXPECT_FALSE(std::filesystem::exists(backup_ + ".holdfast-unfinished.archive"));
}

TEST_F(JournalBackup, RepeatsOneThatWasKilledWithAnotherSegmentOfTheSameNumber) {
  ASSERT_THAT(journal_->Append(Ended(EventBatch("a", 3))), IsOk());
  Archive(*journal_);
  std::filesystem::create_directory(backup_ + ".archive");
  WriteBytes(backup_ + ".archive/segment-000001-00000000.hfj", "of a run that was cut short");

  EXPECT_THAT(Backup(path_, backup_), IsOk());

  EXPECT_EQ(DumpOf(backup_), DumpOf(path_));
  EXPECT_EQ(ReadBytes(backup_ + ".archive/segment-000001-00000000.hfj"),
            "of a run that was cut short");
}

TEST_F(JournalBackup, LeavesWhatIsNamedLikeAnOldDraftAlone) {
  WriteBytes(backup_ + ".new", "precious");

  EXPECT_THAT(Backup(path_, backup_), IsOk());

  EXPECT_EQ(ReadBytes(backup_ + ".new"), "precious");
}

TEST_F(JournalBackup, IsWholeWhileAnArchiverRunsBeside) {
  std::atomic<bool> stop = false;
  std::thread archiver([&] {
    for (std::int64_t i = 0; !stop; ++i) {
      Batch batch = Ended(EventBatch("old" + std::to_string(i), 0, 2));
      for (Draft& draft : batch.drafts) draft.time_unix_ms = i;
      EXPECT_THAT(journal_->Append(std::move(batch)), IsOk());
      if (i % 3 == 0) Archive(*journal_);
      if (i % 5 == 0) {
        EXPECT_THAT(journal_->ExpireArchives(i - 4), IsOk());
      }
    }
  });
  for (int round = 0; round < 20; ++round) {
    const std::string backup = backup_ + std::to_string(round);
    EXPECT_THAT(Backup(path_, backup), IsOk());
    const auto reader = Reader::Open(backup);
    ASSERT_THAT(reader, IsOk());
    HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, (*reader)->Verify());
    EXPECT_TRUE(report.ok()) << Summary(report);
  }
  stop = true;
  archiver.join();
}

TEST_F(JournalBackup, IsASoundMomentOfAJournalThatIsWrittenMeanwhile) {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> acknowledged = 0;
  std::thread appender([&] {
    for (std::uint64_t head = 0; !stop; head += 2) {
      if (!journal_->Append(EventBatch("busy", head, 2)).ok()) break;
      acknowledged = head + 2;
    }
  });
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t before = acknowledged;
    const std::string backup = backup_ + std::to_string(round);
    EXPECT_THAT(Backup(path_, backup), IsOk());
    const auto reader = Reader::Open(backup);
    ASSERT_THAT(reader, IsOk());
    const std::uint64_t held = ReadAll(**reader, "busy").size();
    EXPECT_GE(held, before) << "something acknowledged before the backup is not in it";
    EXPECT_EQ(held % 2, 0U) << "half a batch";
    // The writer went on: it does not wait for the copy.
    while (acknowledged <= held) std::this_thread::yield();
  }
  stop = true;
  appender.join();
}

}  // namespace
}  // namespace holdfast::journal
