// SPDX-License-Identifier: Apache-2.0
//
// Method. The promise: wherever backup or restore is killed, or the disk fails them, a backup is
// absent or whole, the journal that was there is there still (at its place or aside), and the next
// run succeeds. A child does one backup or restore; at its n-th system call that changes a file it
// is killed, or the call fails with EIO or ENOSPC, for n = 1, 2, 3 … until it ends by itself.
// One case by hand: set `at` in the loop below.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "journal/backup.h"
#include "tests/journal/system_calls.h"
#include "tests/journal/testing.h"
#include "tests/support/require.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

namespace fs = std::filesystem;
using ::holdfast::testing::Interfered;
using ::holdfast::testing::Interference;
using ::holdfast::testing::IsOk;
using ::holdfast::testing::RunInterfered;
using ::holdfast::testing::TempDir;

std::string DumpOf(const std::string& path) {
  const auto reader = Reader::Open(path);
  return reader.ok() ? Dump(**reader) : reader.status().ToString();
}

// As a killed writer leaves it: the last batch is in the WAL only.
void AppendAndDie(const std::string& path, Batch batch) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto journal = OpenJournal(path);
    ::_exit(journal->Append(std::move(batch)).ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

// Ends the sandbox, which is new, and archives it.
void EndAndArchive(const std::string& path, const std::string& id) {
  const auto journal = OpenJournal(path);
  Batch batch = EventBatch(id, 0, 3);
  batch.projection.live = false;
  ASSERT_THAT(journal->Append(std::move(batch)), IsOk());
  ArchiveOptions options;
  options.finished_before_unix_ms = INT64_MAX;
  ASSERT_THAT(journal->Archive(options), IsOk());
}

void ExpectSound(const std::string& path) {
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path));
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, reader->Verify());
  EXPECT_TRUE(report.ok()) << Summary(report);
}

// The parameter is the error of the call; 0: killed instead.
class Sweep : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    HF_NEEDS("ptrace", testing::CanTrace(), "child processes cannot be traced here");
  }
  // Calls `round` with a fresh interference until one comes too late to interfere.
  template <typename Round>
  void ForEachCall(const Round& round) {
    int n = 1;
    for (bool reached = true; reached && !HasFailure(); ++n) {
      SCOPED_TRACE("at call " + std::to_string(n));
      ASSERT_LT(n, 2'000) << "it does not end";
      reached = round(Interference{.at = n, .error = GetParam()});
    }
    EXPECT_GT(n, 15) << "too few calls to prove anything";
  }
};
INSTANTIATE_TEST_SUITE_P(By, Sweep, ::testing::Values(0, EIO, ENOSPC),
                         [](const auto& test) -> std::string {
                           return test.param == 0     ? "Kill"
                                  : test.param == EIO ? "InputOutputError"
                                                      : "DiskFull";
                         });

TEST_P(Sweep, BackupIsAbsentOrWholeWhereverItIsStopped) {
  TempDir source;
  const std::string path = source.File("journal.db");
  EndAndArchive(path, "first");
  EndAndArchive(path, "second");
  AppendAndDie(path, EventBatch("a", 0, 3));
  const std::string dump = DumpOf(path);

  ForEachCall([&](Interference interference) {
    const TempDir dir;
    const std::string backup = dir.File("b.db");
    const auto expect_whole = [&] {
      EXPECT_EQ(DumpOf(backup), dump);
      ExpectSound(backup);
    };

    const Interfered ran =
        RunInterfered([&] { return Backup(path, backup).ok() ? 0 : 1; }, interference);

    if (ran.exit_code == 0) {
      EXPECT_TRUE(fs::exists(backup)) << "it said that it was done";
    } else if (!ran.killed) {
      EXPECT_FALSE(fs::exists(backup)) << "it said that it had failed";
    }
    if (fs::exists(backup)) {
      expect_whole();
    } else {
      EXPECT_THAT(Backup(path, backup), IsOk()) << "the next run fails";
      expect_whole();
      EXPECT_FALSE(fs::exists(backup + ".holdfast-unfinished") ||
                   fs::exists(backup + ".holdfast-unfinished.archive"));
    }
    EXPECT_EQ(DumpOf(path), dump) << "the journal was changed";
    return ran.calls >= interference.at;
  });
}

// Restores over another life of the same journal, whose segment 2 is another one. What stands at
// the journal's place is one of the two, whole; and nothing is lost.
class RestoreSweep : public Sweep {
 protected:
  void SetUp() override {
    Sweep::SetUp();
    const std::string path = template_.File("journal.db");
    EndAndArchive(path, "both");
    const std::string common = source_.File("common.db");
    ASSERT_THAT(Backup(path, common), IsOk());
    EndAndArchive(path, "of this life");
    AppendAndDie(path, EventBatch("later", 0, 2));
    old_dump_ = DumpOf(path);
    const std::string other = source_.File("other.db");
    ASSERT_THAT(Restore({.backup = common, .journal_path = other}), IsOk());
    EndAndArchive(other, "of that life");
    ASSERT_THAT(Backup(other, backup_), IsOk());
    backup_dump_ = DumpOf(backup_);
  }
  void StopEverywhere(bool damaged) {
    ForEachCall([&](Interference interference) {
      const TempDir dir;
      const std::string path = dir.File("journal.db");
      fs::copy(template_.path(), dir.path(),
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
      // Then its WAL cannot be moved into it, and both go aside one by one.
      if (damaged) fs::resize_file(path, 50);
      const std::string old_file = ReadBytes(path);
      const std::string old_wal = ReadBytes(path + "-wal");
      const std::string old_dump = DumpOf(path);
      const auto restore = [&] {
        return Restore({.backup = backup_, .journal_path = path, .replace = true});
      };

      const Interfered ran = RunInterfered([&] { return restore().ok() ? 0 : 1; }, interference);

      if (fs::exists(path)) {
        const std::string now = DumpOf(path);
        EXPECT_TRUE(now == old_dump || now == backup_dump_) << now;
        if (ran.exit_code == 0) {
          EXPECT_EQ(now, backup_dump_);
        }
      } else {
        EXPECT_NE(ran.exit_code, 0);
      }
      EXPECT_THAT(restore(), IsOk()) << "the next run fails";
      EXPECT_EQ(DumpOf(path), backup_dump_);
      ExpectSound(path);
      int old_found = 0;
      for (const auto& entry : fs::directory_iterator(dir.path())) {
        const std::string name = entry.path();
        if (!entry.is_regular_file() || name.find(".before-restore-") == std::string::npos ||
            name.ends_with("-wal")) {
          continue;
        }
        const bool found = damaged
                               ? ReadBytes(name) == old_file && ReadBytes(name + "-wal") == old_wal
                               : DumpOf(name) == old_dump;
        if (found) ++old_found;
      }
      EXPECT_GE(old_found, 1) << "the journal before is lost, or parted from its WAL or archive";
      return ran.calls >= interference.at;
    });
  }

  const TempDir template_, source_;
  const std::string backup_ = source_.File("b.db");
  std::string backup_dump_, old_dump_;
};
INSTANTIATE_TEST_SUITE_P(By, RestoreSweep, ::testing::Values(0, EIO, ENOSPC, EPERM),
                         [](const auto& test) -> std::string {
                           return test.param == 0       ? "Kill"
                                  : test.param == EIO   ? "InputOutputError"
                                  : test.param == EPERM ? "NoHardLinks"
                                                        : "DiskFull";
                         });

TEST_P(RestoreSweep, LosesNothingWhereverItIsStopped) { StopEverywhere(/*damaged=*/false); }

TEST_P(RestoreSweep, KeepsAFileAndItsWalTogetherWhereverItIsStopped) {
  StopEverywhere(/*damaged=*/true);
}

}  // namespace
}  // namespace holdfast::journal
