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
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.File("backups"))) {
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
  WriteBytes(backup_ + ".new", "half");
  WriteBytes(backup_ + ".new-wal", "half");
  std::filesystem::create_directory(backup_ + ".new.archive");
  WriteBytes(backup_ + ".new.archive/1", "half");

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

TEST_F(JournalBackup, TakesTheArchiveAlong) {
  std::filesystem::create_directory(path_ + ".archive");
  WriteBytes(path_ + ".archive/1.seg", "one");
  WriteBytes(path_ + ".archive/2.seg", "two");
  WriteBytes(path_ + ".archive/3.seg.new", "unfinished");

  HF_ASSERT_OK_AND_ASSIGN(const BackupReport report, Backup(path_, backup_));

  EXPECT_EQ(report.archive_files, 2U);
  EXPECT_EQ(ReadBytes(backup_ + ".archive/1.seg"), "one");
  EXPECT_EQ(ReadBytes(backup_ + ".archive/2.seg"), "two");
  EXPECT_FALSE(std::filesystem::exists(backup_ + ".archive/3.seg.new"));
  EXPECT_FALSE(std::filesystem::exists(backup_ + ".new.archive"));
}

TEST_F(JournalBackup, NeverGoesOverAnotherArchive) {
  std::filesystem::create_directory(path_ + ".archive");
  WriteBytes(path_ + ".archive/1.seg", "one");
  std::filesystem::create_directory(backup_ + ".archive");
  WriteBytes(backup_ + ".archive/1.seg", "another");

  EXPECT_THAT(Backup(path_, backup_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("1.seg")));

  EXPECT_EQ(ReadBytes(backup_ + ".archive/1.seg"), "another");
  EXPECT_FALSE(std::filesystem::exists(backup_));
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
