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

void WriteSegment(const std::string& journal, const std::string& name, const std::string& bytes) {
  fs::create_directories(journal + ".archive");
  WriteBytes(journal + ".archive/" + name, bytes);
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
  AppendAndDie(path, EventBatch("a", 0, 3));
  WriteSegment(path, "1.seg", "one");
  WriteSegment(path, "2.seg", "two");
  const std::string dump = DumpOf(path);

  ForEachCall([&](Interference interference) {
    const TempDir dir;
    const std::string backup = dir.File("b.db");
    const auto expect_whole = [&] {
      EXPECT_EQ(DumpOf(backup), dump);
      EXPECT_EQ(ReadBytes(backup + ".archive/1.seg"), "one");
      EXPECT_EQ(ReadBytes(backup + ".archive/2.seg"), "two");
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
      EXPECT_FALSE(fs::exists(backup + ".new") || fs::exists(backup + ".new.archive"));
    }
    EXPECT_EQ(DumpOf(path), dump) << "the journal was changed";
    return ran.calls >= interference.at;
  });
}

// What stands at the journal's place is one of the two, whole; and nothing is lost.
TEST_P(Sweep, RestoreLosesNothingWhereverItIsStopped) {
  TempDir source;
  const std::string backup = source.File("b.db");
  {
    const std::string path = source.File("journal.db");
    AppendAndDie(path, EventBatch("a", 0, 3));
    WriteSegment(path, "1.seg", "one");
    ASSERT_THAT(Backup(path, backup), IsOk());
  }
  const std::string backup_dump = DumpOf(backup);

  ForEachCall([&](Interference interference) {
    const TempDir dir;
    const std::string path = dir.File("journal.db");
    fs::copy_file(backup, path);
    AppendAndDie(path, EventBatch("later", 0, 2));
    WriteSegment(path, "1.seg", "one");
    WriteSegment(path, "2.seg", "two");
    const std::string old_dump = DumpOf(path);
    const auto restore = [&] {
      return Restore({.backup = backup, .journal_path = path, .replace = true});
    };

    const Interfered ran = RunInterfered([&] { return restore().ok() ? 0 : 1; }, interference);

    if (fs::exists(path)) {
      const std::string now = DumpOf(path);
      EXPECT_TRUE(now == old_dump || now == backup_dump) << now;
      EXPECT_EQ(ReadBytes(path + ".archive/1.seg"), "one");
      if (now == old_dump) {
        EXPECT_EQ(ReadBytes(path + ".archive/2.seg"), "two");
      }
      if (ran.exit_code == 0) {
        EXPECT_EQ(now, backup_dump);
      }
    } else {
      EXPECT_NE(ran.exit_code, 0);
    }
    EXPECT_THAT(restore(), IsOk()) << "the next run fails";
    EXPECT_EQ(DumpOf(path), backup_dump);
    int old_found = 0;
    int segment_found = 0;
    for (const auto& entry : fs::directory_iterator(dir.path())) {
      const std::string name = entry.path();
      if (name.ends_with(".archive")) {
        if (fs::exists(name + "/2.seg") && ReadBytes(name + "/2.seg") == "two") ++segment_found;
      } else if (name.find(".before-restore-") != std::string::npos && !name.ends_with("-wal")) {
        if (DumpOf(name) == old_dump) ++old_found;
      }
    }
    EXPECT_GE(old_found, 1) << "the journal before is lost";
    EXPECT_GE(segment_found, 1) << "a segment of the journal before is lost";
    return ran.calls >= interference.at;
  });
}

}  // namespace
}  // namespace holdfast::journal
