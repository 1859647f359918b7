// SPDX-License-Identifier: Apache-2.0
//
// Method. The promise: wherever archiving is killed, or the disk fails it, nothing is lost and
// nothing doubled: what can be read is what could be read before, the journal is sound, and the
// next run ends it. A child archives, and throws a segment away; at its n-th system call that
// changes a file it is killed, or the call fails with EIO or ENOSPC, for n = 1, 2, 3 … until it
// ends by itself. One case by hand: set `at` in the loop below.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/failpoint.h"
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

constexpr std::int64_t kAll = 1'000'000;
// Everything of "old" is older.
constexpr std::int64_t kOld = 900;

Batch At(std::int64_t unix_ms, Batch batch, bool live) {
  for (Draft& draft : batch.drafts) draft.time_unix_ms = unix_ms;
  batch.projection.live = live;
  return batch;
}

// Segment 1 holds "old"; "a" and "b" are due, "c" lives.
void MakeJournal(const std::string& path) {
  const auto journal = OpenJournal(path);
  ASSERT_THAT(journal->Append(At(500, EventBatch("old", 0, 2), false)), IsOk());
  ASSERT_THAT(journal->Archive({.finished_before_unix_ms = kOld, .stop = {}}), IsOk());
  ASSERT_THAT(journal->Append(At(1'000, EventBatch("a", 0, 3), false)), IsOk());
  ASSERT_THAT(journal->Append(At(1'000, EventBatch("c", 0, 3), true)), IsOk());
  ASSERT_THAT(journal->Append(At(1'000, EventBatch("b", 0, 3), false)), IsOk());
  ASSERT_THAT(journal->Close(), IsOk());
}

int Archive(const std::string& path) {
  const auto journal = Journal::Open(OptionsFor(path));
  if (!journal.ok()) return 2;
  return (*journal)->Archive({.finished_before_unix_ms = kAll, .stop = {}}).ok() ? 0 : 1;
}

int Expire(const std::string& path) {
  const auto journal = Journal::Open(OptionsFor(path));
  if (!journal.ok()) return 2;
  return (*journal)->ExpireArchives(kOld).ok() ? 0 : 1;
}

std::string DumpOf(const std::string& path) {
  const auto reader = Reader::Open(path);
  return reader.ok() ? Dump(**reader) : reader.status().ToString();
}

void ExpectSound(const std::string& path) {
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path));
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, reader->Verify());
  EXPECT_TRUE(report.ok()) << Summary(report) << report.damages.front().message;
}

void ExpectWhole(const std::string& path, const std::string& dump) {
  EXPECT_EQ(DumpOf(path), dump);
  ExpectSound(path);
  {
    const auto journal = OpenJournal(path);
    EXPECT_EQ(Dump(journal->reader()), dump);
  }
  EXPECT_EQ(Archive(path), 0) << "the next run fails";
  EXPECT_EQ(DumpOf(path), dump);
  ExpectSound(path);
  const auto rows = QueryRows(path, "SELECT number, records, state FROM segments");
  EXPECT_THAT(rows, ::testing::ElementsAre("1|2|2", "2|6|2"));
  EXPECT_THAT(QueryRows(path, "SELECT count(*) FROM records"), ::testing::ElementsAre("3"));
  for (const auto& entry : fs::directory_iterator(path + ".archive")) {
    EXPECT_EQ(entry.path().extension(), ".hfj") << entry.path();
  }
}

int SegmentsOf(const std::string& path) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(path + ".archive")) {
    if (entry.path().extension() == ".hfj") ++count;
  }
  return count;
}

// "old" is there whole, or gone whole.
void ExpectExpiredOrNot(const std::string& path, const std::string& dump) {
  const std::string now = DumpOf(path);
  EXPECT_TRUE(now == dump || now.find("old") == std::string::npos) << now;
  ExpectSound(path);
  EXPECT_EQ(Expire(path), 0) << "the next run fails";
  EXPECT_EQ(DumpOf(path).find("old"), std::string::npos);
  EXPECT_EQ(SegmentsOf(path), 0);
  ExpectSound(path);
}

// The parameter is the error of the call; 0: killed instead.
class Sweep : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    HF_NEEDS("ptrace", testing::CanTrace(), "child processes cannot be traced here");
    MakeJournal(Template());
    dump_ = DumpOf(Template());
  }
  std::string Template() const { return dir_.File("journal.db"); }

  template <typename Work, typename Expect>
  void StopEverywhere(const Work& work, const Expect& expect) {
    int n = 1;
    for (bool reached = true; reached && !HasFailure(); ++n) {
      SCOPED_TRACE("at call " + std::to_string(n));
      ASSERT_LT(n, 2'000) << "it does not end";
      const TempDir dir;
      const std::string path = dir.File("journal.db");
      fs::copy(dir_.path(), dir.path(),
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
      const Interfered ran = RunInterfered([&] { return work(path); }, {n, GetParam()});
      expect(path, dump_);
      reached = ran.calls >= n;
    }
    EXPECT_GT(n, 15) << "too few calls to prove anything";
  }

  const TempDir dir_;
  std::string dump_;
};
INSTANTIATE_TEST_SUITE_P(By, Sweep, ::testing::Values(0, EIO, ENOSPC),
                         [](const auto& test) -> std::string {
                           return test.param == 0     ? "Kill"
                                  : test.param == EIO ? "InputOutputError"
                                                      : "DiskFull";
                         });

TEST_P(Sweep, ArchivingLosesAndDoublesNothingWhereverItIsStopped) {
  StopEverywhere(Archive, ExpectWhole);
}

TEST_P(Sweep, ASegmentExpiresWholeWhereverItIsStopped) {
  StopEverywhere(Expire, ExpectExpiredOrNot);
}

#ifdef HOLDFAST_FAILPOINTS
// A failpoint is armed for a process's whole life, so all that comes to one is done in children.
template <typename Work>
int StatusOfChild(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

template <typename Work>
void InChild(const Work& work) {
  EXPECT_EQ(StatusOfChild(work), 0);
}

template <typename Work>
void KillAt(support::Failpoint point, const Work& work) {
  const int status = StatusOfChild([&] {
    ::setenv("HOLDFAST_FAILPOINT_KILL_ON", (std::string(support::Name(point)) + ":1").c_str(), 1);
    work();
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
}

TEST(JournalArchiveKill, AtEachFailpointOfAMove) {
  using support::Failpoint;
  for (const Failpoint point : {Failpoint::kArchiveBeforeSeal, Failpoint::kArchiveAfterSeal,
                                Failpoint::kArchiveAfterCommit, Failpoint::kArchiveAfterSlice}) {
    SCOPED_TRACE(support::Name(point));
    const TempDir dir;
    const std::string path = dir.File("journal.db");
    InChild([&] { MakeJournal(path); });
    const std::string dump = DumpOf(path);
    KillAt(point, [&] { Archive(path); });
    InChild([&] { ExpectWhole(path, dump); });
  }
}

TEST(JournalArchiveKill, AnIdIsUsedAgainBetweenAMoveAndTheRemovalOfItsRecords) {
  const TempDir dir;
  const std::string path = dir.File("journal.db");
  InChild([&] { MakeJournal(path); });
  KillAt(support::Failpoint::kArchiveAfterCommit, [&] { Archive(path); });
  InChild([&] {
    const auto journal = OpenJournal(path);
    ASSERT_THAT(journal->Append(At(1'000, EventBatch("a", 3, 2), false)), IsOk());
  });
  const std::string dump = DumpOf(path);
  ExpectSound(path);
  InChild([&] { EXPECT_EQ(Archive(path), 0); });
  EXPECT_EQ(DumpOf(path), dump);
  ExpectSound(path);
}

TEST(JournalArchiveKill, AtTheFailpointOfARemoval) {
  const TempDir dir;
  const std::string path = dir.File("journal.db");
  InChild([&] { MakeJournal(path); });
  const std::string dump = DumpOf(path);
  KillAt(support::Failpoint::kArchiveBeforeUnlink, [&] { Expire(path); });
  EXPECT_EQ(SegmentsOf(path), 1);
  InChild([&] { ExpectExpiredOrNot(path, dump); });
}
#endif

}  // namespace
}  // namespace holdfast::journal
