// SPDX-License-Identifier: Apache-2.0
//
// Method. The promise: an acknowledged batch is never lost, and nothing appears that was not sent.
// A child appends and reports each answer over a pipe; it is killed with SIGKILL after a number of
// answers that differs each round, and the file is read. Killing between COMMIT and the answer is
// legal, so the bounds are two-sided: acknowledged <= durable <= acknowledged + in flight.
// SIGKILL models the death of the process. It does not model the loss of power: what the kernel has
// taken stays. Rerun one round: --gtest_filter=*JournalKill*, the rounds are not random.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ostream>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::TempDir;

constexpr std::uint64_t kBatchRecords = 3;
constexpr int kAppenders = 4;

[[noreturn]] void AppendForEver(const std::string& path, int answers) {
  const auto journal = OpenJournal(path);
  std::vector<std::thread> appenders;
  for (int i = 0; i < kAppenders; ++i) {
    appenders.emplace_back([&, i] {
      const std::string id = "sandbox-" + std::to_string(i);
      const auto row = journal->reader().FindSandbox(id);
      std::uint64_t head = row.ok() ? row->head_sequence : 0;
      while (true) {
        if (!journal->Append(EventBatch(id, head, kBatchRecords)).ok()) ::_exit(2);
        head += kBatchRecords;
        const char answer = static_cast<char>(i);
        if (::write(answers, &answer, 1) != 1) ::_exit(3);
      }
    });
  }
  for (std::thread& appender : appenders) appender.join();
  ::_exit(4);
}

// Without waiting for answers: so many at once that one transaction is planned while another is
// written.
constexpr std::uint64_t kInFlight = 600;

[[noreturn]] void AppendManyForEver(const std::string& path, int answers) {
  const auto journal = OpenJournal(path);
  std::counting_semaphore<kInFlight> room(kInFlight);
  std::vector<std::uint64_t> heads(kAppenders, 0);
  for (int i = 0; i < kAppenders; ++i) {
    const auto row = journal->reader().FindSandbox("sandbox-" + std::to_string(i));
    if (row.ok()) heads[static_cast<std::size_t>(i)] = row->head_sequence;
  }
  for (int i = 0;; i = (i + 1) % kAppenders) {
    room.acquire();
    std::uint64_t& head = heads[static_cast<std::size_t>(i)];
    journal->AppendAsync(EventBatch("sandbox-" + std::to_string(i), head, kBatchRecords),
                         [&, i](const absl::StatusOr<Appended>& answer) {
                           if (!answer.ok()) ::_exit(2);
                           const char byte = static_cast<char>(i);
                           if (::write(answers, &byte, 1) != 1) ::_exit(3);
                           room.release();
                         });
    head += kBatchRecords;
  }
}

// How appenders live, and how many of one sandbox's batches they have in flight at most.
struct Life {
  void (*live)(const std::string& path, int answers);
  std::uint64_t in_flight;
};
void PrintTo(const Life& life, std::ostream* out) { *out << life.in_flight << " in flight"; }

class JournalKill : public ::testing::TestWithParam<Life> {};
INSTANTIATE_TEST_SUITE_P(
    By, JournalKill, ::testing::Values(Life{AppendForEver, 1}, Life{AppendManyForEver, kInFlight}),
    [](const auto& life) { return life.param.in_flight == 1 ? "Threads" : "ManyInFlight"; });

TEST_P(JournalKill, KeepsEveryAcknowledgedBatchAndInventsNone) {
  const TempDir dir;
  const std::string path = dir.File("journal.db");
  std::vector<std::uint64_t> acknowledged(kAppenders, 0);
  for (int round = 0; round < 12; ++round) {
    int answers[2];
    ASSERT_EQ(::pipe(answers), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(answers[0]);
      GetParam().live(path, answers[1]);
    }
    ::close(answers[1]);
    char answer = 0;
    for (int left = static_cast<int>(GetParam().in_flight) + round * 7;
         left > 0 && ::read(answers[0], &answer, 1) == 1; --left) {
      ++acknowledged[static_cast<std::size_t>(answer)];
    }
    ::kill(child, SIGKILL);
    // Answers that were sent before the kill count too.
    while (::read(answers[0], &answer, 1) == 1) ++acknowledged[static_cast<std::size_t>(answer)];
    ::close(answers[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;

    const auto journal = OpenJournal(path);
    for (std::size_t i = 0; i < acknowledged.size(); ++i) {
      const auto records = ReadAll(journal->reader(), "sandbox-" + std::to_string(i));
      ASSERT_EQ(records.size() % kBatchRecords, 0U) << "half a batch, round " << round;
      const std::uint64_t durable = records.size() / kBatchRecords;
      ASSERT_GE(durable, acknowledged[i]) << "lost an acknowledged batch, round " << round;
      ASSERT_LE(durable, acknowledged[i] + GetParam().in_flight)
          << "invented a batch, round " << round;
      acknowledged[i] = durable;  // from here on all of it is known to be there
    }
    HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal->reader().Verify());
    ASSERT_TRUE(report.ok()) << Summary(report);
  }
}

#ifdef HOLDFAST_FAILPOINTS
// One batch, killed at each side of its COMMIT.
std::size_t RecordsAfterKillAt(const char* failpoint) {
  const TempDir dir;
  const std::string path = dir.File("journal.db");
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("HOLDFAST_FAILPOINT_KILL_ON", (std::string(failpoint) + ":1").c_str(), 1);
    const auto journal = OpenJournal(path);
    journal->Append(EventBatch("a", 0, 3)).status().IgnoreError();  // it does not return
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  const auto journal = OpenJournal(path);
  return ReadAll(journal->reader(), "a").size();
}

TEST(JournalKillAt, NothingOfABatchIsThereWhenKilledBeforeItsCommit) {
  EXPECT_EQ(RecordsAfterKillAt("kJournalBeforeCommit"), 0U);
}

TEST(JournalKillAt, AllOfABatchIsThereWhenKilledAfterItsCommit) {
  EXPECT_EQ(RecordsAfterKillAt("kJournalAfterCommit"), 3U);
}
#endif

}  // namespace
}  // namespace holdfast::journal
