// SPDX-License-Identifier: Apache-2.0
//
// Method. So much is in flight at once that one transaction is planned while another is written,
// with all that makes a plan look into the file or stop: sandboxes that are new, that finished and
// come back, refused batches among the good ones, intents whose ledger was flushed, flushes every
// few hundred records, tasks of others in between. What comes out must be what one appender after
// the other would have made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <latch>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;

constexpr std::size_t kSandboxes = 150;
constexpr std::size_t kRounds = 40;

std::string IdOf(std::size_t sandbox) { return fmt::format("sandbox-{:03}", sandbox); }

// The n-th batch of any sandbox, with an intent in one and its outcome in the next, finished now
// and then; three records each.
Batch NthBatch(std::size_t sandbox, std::size_t n) {
  const std::uint64_t head = n * 3;
  std::vector<Draft> drafts = {
      Draft::Event("holdfast.test.v1.Event", fmt::format("event {}", n), 1)};
  if (n % 2 == 0) {
    drafts.push_back(Draft::Event("holdfast.test.v1.Event", "more", 1));
    drafts.push_back(Draft::Intent(
        ForwardIntent("driver", fmt::format("{}/{}", IdOf(sandbox), n), {MakeResource("vm", "a")}),
        1));
  } else {
    // Of the intent that ended the batch before.
    drafts.push_back(Draft::Outcome(MakeOutcome(head, v1::Outcome::DONE, true), 1));
    drafts.push_back(Draft::Event("holdfast.test.v1.Event", "more", 1));
  }
  Batch batch = BatchOf(IdOf(sandbox), head, std::move(drafts));
  batch.projection = {.state = n % 10 == 9 ? "Deleted" : fmt::format("State{}", n % 4),
                      .live = n % 10 != 9,
                      .summary = fmt::format("summary {}", n)};
  if (n % 5 == 0) batch.sealed = fmt::format("sealed {}", n);
  if (n % 7 == 0) batch.snapshot = fmt::format("snapshot {}", n);
  return batch;
}

class JournalBusy : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> Open(const std::string& name, std::size_t flush_records_max) {
    Options options = OptionsFor(dir_.File(name));
    options.limits.flush_records_max = flush_records_max;
    auto journal = Journal::Open(options);
    EXPECT_THAT(journal, IsOk());
    return *std::move(journal);
  }

  const TempDir dir_;
};

// All at once, and one batch in eight a stale one that is to be refused and to change nothing.
void AppendAllAtOnce(Journal& journal) {
  std::latch answered(kSandboxes * kRounds);
  std::vector<std::size_t> next(kSandboxes, 0);
  for (std::size_t n = 0; n < kRounds; ++n) {
    for (std::size_t sandbox = 0; sandbox < kSandboxes; ++sandbox) {
      if ((sandbox + n) % 8 == 0) {
        journal.AppendAsync(EventBatch(IdOf(sandbox), 1'000'000), [](const auto& answer) {
          EXPECT_TRUE(absl::IsAborted(answer.status())) << answer.status();
        });
      }
      journal.AppendAsync(NthBatch(sandbox, n),
                          [&, sandbox, n](const absl::StatusOr<Appended>& answer) {
                            EXPECT_THAT(answer, IsOk());
                            EXPECT_EQ(next[sandbox]++, n) << "out of turn";
                            answered.count_down();
                          });
    }
  }
  answered.wait();
}

// The records of each sandbox without their positions: those depend on who came first.
std::vector<std::string> HistoryOf(Reader& reader) {
  std::vector<std::string> lines;
  for (std::size_t sandbox = 0; sandbox < kSandboxes; ++sandbox) {
    for (const Record& record : ReadAll(reader, IdOf(sandbox))) {
      lines.push_back(fmt::format("{} {} {} {}", IdOf(sandbox), record.sequence,
                                  static_cast<int>(record.kind), record.payload));
    }
  }
  return lines;
}

TEST_F(JournalBusy, MakesTheHistoryThatOneAfterTheOtherMakes) {
  const auto calm = Open("calm.db", 65'536);
  for (std::size_t sandbox = 0; sandbox < kSandboxes; ++sandbox) {
    // A sandbox after the other, and few enough at once to be written where they are planned.
    std::latch answered(kRounds);
    for (std::size_t n = 0; n < kRounds; ++n) {
      calm->AppendAsync(NthBatch(sandbox, n), [&](const absl::StatusOr<Appended>& answer) {
        EXPECT_THAT(answer, IsOk());
        answered.count_down();
      });
    }
    answered.wait();
  }
  const auto busy = Open("busy.db", 700);

  AppendAllAtOnce(*busy);

  EXPECT_EQ(HistoryOf(busy->reader()), HistoryOf(calm->reader()));
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, busy->reader().Verify());
  EXPECT_TRUE(report.ok()) << Summary(report);
  EXPECT_EQ(busy->stats().batches, kSandboxes * kRounds);
}

TEST_F(JournalBusy, LeavesWhatTheNextOpenReads) {
  auto journal = Open("journal.db", 700);
  AppendAllAtOnce(*journal);
  const std::string before = Dump(journal->reader());

  journal.reset();
  journal = Open("journal.db", 700);

  EXPECT_EQ(Dump(journal->reader()), before);
}

TEST_F(JournalBusy, LetsTasksFlushesAndReadersInBetween) {
  const auto journal = Open("journal.db", 700);
  ArchiveOptions all_that_is_finished;
  all_that_is_finished.finished_before_unix_ms = 2;
  std::jthread others([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      EXPECT_THAT(journal->Flush(), IsOk());
      EXPECT_THAT(journal->Archive(all_that_is_finished), IsOk());
      const auto report = journal->reader().Verify();
      EXPECT_TRUE(report.ok() && report->ok());
    }
  });

  AppendAllAtOnce(*journal);
  others.request_stop();
  others.join();

  EXPECT_EQ(journal->stats().batches, kSandboxes * kRounds);
  EXPECT_EQ(journal->stats().commits_failed, 0U);
}

// What it is late behind is planned with it, and on no disk yet.
TEST_F(JournalBusy, TakesALateOutcomeBehindABatchOfTheSameTransaction) {
  const auto journal = Open("journal.db", 65'536);
  ASSERT_THAT(
      journal->Append(BatchOf(
          "a", 0, {Draft::Intent(ForwardIntent("driver", "a/1", {MakeResource("vm", "a")}), 1)})),
      IsOk());
  const Draft done = Draft::Outcome(MakeOutcome(1, v1::Outcome::DONE, true), 1);
  ASSERT_THAT(journal->Append(BatchOf("a", 1, {done})), IsOk());
  ASSERT_THAT(journal->Flush(), IsOk());
  std::promise<void> go;
  journal->AppendAsync(EventBatch("holds up the writer", 0),
                       [&go](const auto&) { go.get_future().wait(); });

  std::vector<std::promise<absl::Status>> answers(3);
  const auto append = [&](std::size_t n, Batch batch) {
    journal->AppendAsync(std::move(batch), [&answers, n](const auto& answer) {
      answers[n].set_value(answer.status());
    });
  };
  append(0, EventBatch("a", 2));
  append(1, BatchOf("a", 3, {done}));
  append(2, BatchOf("a", 4, {Draft::Outcome(MakeOutcome(3, v1::Outcome::DONE, true), 1)}));
  go.set_value();

  EXPECT_THAT(answers[0].get_future().get(), IsOk());
  EXPECT_THAT(answers[1].get_future().get(), IsOk());
  EXPECT_THAT(answers[2].get_future().get(), StatusIs(absl::StatusCode::kInvalidArgument))
      << "record 3 is an event";
}

TEST_F(JournalBusy, FlushesInTimeUnderLoadThatNeverEnds) {
  Options options = OptionsFor(dir_.File("journal.db"));
  options.limits.flush_after = std::chrono::milliseconds(50);
  options.limits.flush_records_max = 100'000'000;
  HF_ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(options));
  std::counting_semaphore<1'000> room(1'000);
  std::jthread load([&](const std::stop_token& stop) {
    for (std::uint64_t head = 0; !stop.stop_requested(); ++head) {
      room.acquire();
      journal->AppendAsync(EventBatch("a", head), [&room](const auto&) { room.release(); });
    }
    for (int left = 1'000; left > 0; --left) room.acquire();
  });

  const auto flushed = [&] {
    return std::stoull(
        QueryRows(options.path, "SELECT value FROM meta WHERE name = 'flushed'").at(0));
  };
  std::uint64_t first = 0;
  while (first == 0) first = flushed();
  EXPECT_LT(first, 150'000U)
      << "else it came with the checkpoint of the WAL, and is bounded by that";
}

}  // namespace
}  // namespace holdfast::journal
