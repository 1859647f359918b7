// SPDX-License-Identifier: Apache-2.0
//
// What an append promises: whole or not at all, gapless, in one order, refused when it is stale.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using ::testing::HasSubstr;

class JournalAppend : public ::testing::Test {
 protected:
  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  std::unique_ptr<Journal> journal_ = OpenJournal(path_);
};

TEST_F(JournalAppend, NumbersRecordsPerSandboxAndInTheWholeJournal) {
  ASSERT_THAT(journal_->Append(EventBatch("a", 0, 2)), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("b", 0, 1)), IsOk());
  HF_ASSERT_OK_AND_ASSIGN(const Appended appended, journal_->Append(EventBatch("a", 2, 3)));

  EXPECT_EQ(appended.first_position, 4U);
  EXPECT_EQ(appended.last_position, 6U);
  EXPECT_EQ(appended.last_sequence, 5U);
}

TEST_F(JournalAppend, GivesBackWhatWasAppended) {
  const std::string payload("\0\xff binary", 9);
  Batch batch = BatchOf("a", 0, {Draft::Event("Made", payload, -5)});
  ASSERT_THAT(journal_->Append(batch), IsOk());

  const std::vector<Record> records = ReadAll(journal_->reader(), "a");

  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].position, 1U);
  EXPECT_EQ(records[0].sequence, 1U);
  EXPECT_EQ(records[0].epoch, journal_->epoch());
  EXPECT_EQ(records[0].time_unix_ms, -5);
  EXPECT_EQ(records[0].kind, RecordKind::kEvent);
  EXPECT_EQ(records[0].type, "Made");
  EXPECT_EQ(records[0].payload, payload);
}

TEST_F(JournalAppend, RefusesAStaleExpectationAndWritesNothing) {
  ASSERT_THAT(journal_->Append(EventBatch("a", 0, 2)), IsOk());

  EXPECT_THAT(journal_->Append(EventBatch("a", 1)),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("sequence 2")));
  EXPECT_EQ(ReadAll(journal_->reader(), "a").size(), 2U);
}

TEST_F(JournalAppend, RefusesAnExpectationAheadOfTheHead) {
  EXPECT_THAT(journal_->Append(EventBatch("a", 1)), StatusIs(absl::StatusCode::kAborted));
}

// All of these wait while one commit runs, so they are gathered into one transaction.
TEST_F(JournalAppend, AnswersAStaleBatchAloneAmongOthersOfItsTransaction) {
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  journal_->AppendAsync(EventBatch("first", 0), [gate](absl::StatusOr<Appended>) { gate.wait(); });
  std::vector<absl::Status> answers(4, absl::UnknownError("no answer"));
  std::promise<void> done;
  const auto keep = [&](std::size_t i) {
    return [&answers, &done, i](absl::StatusOr<Appended> answer) {
      answers[i] = answer.status();
      if (i == 3) done.set_value();
    };
  };
  journal_->AppendAsync(EventBatch("a", 0, 2), keep(0));
  journal_->AppendAsync(EventBatch("a", 0, 2), keep(1));
  journal_->AppendAsync(EventBatch("a", 2, 2), keep(2));
  journal_->AppendAsync(EventBatch("b", 0), keep(3));
  go.set_value();
  done.get_future().wait();

  EXPECT_THAT(answers[0], IsOk());
  EXPECT_THAT(answers[1], StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(answers[2], IsOk());
  EXPECT_THAT(answers[3], IsOk());
}

TEST_F(JournalAppend, ShowsABatchToReadersWhenItsCallbackRuns) {
  std::promise<std::size_t> seen;
  journal_->AppendAsync(EventBatch("a", 0, 3), [&](absl::StatusOr<Appended>) {
    seen.set_value(ReadAll(journal_->reader(), "a").size());
  });

  EXPECT_EQ(seen.get_future().get(), 3U);
}

TEST_F(JournalAppend, KeepsTheLastProjectionOfASandbox) {
  Batch first = EventBatch("a", 0);
  Batch second = EventBatch("a", 1);
  second.projection = {.state = "Deleted", .live = false, .summary = "gone"};
  ASSERT_THAT(journal_->Append(first), IsOk());
  ASSERT_THAT(journal_->Append(second), IsOk());

  HF_ASSERT_OK_AND_ASSIGN(const SandboxRow row, journal_->reader().FindSandbox("a"));
  EXPECT_EQ(row.head_sequence, 2U);
  EXPECT_EQ(row.head_position, 2U);
  EXPECT_EQ(row.projection.state, "Deleted");
  EXPECT_FALSE(row.projection.live);
  EXPECT_EQ(row.projection.summary, "gone");
}

TEST_F(JournalAppend, ContinuesASandboxThatWasFinished) {
  Batch finished = EventBatch("a", 0);
  finished.projection.live = false;
  ASSERT_THAT(journal_->Append(finished), IsOk());

  ASSERT_THAT(journal_->Append(EventBatch("a", 1)), IsOk());

  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal_->reader().Verify());
  EXPECT_TRUE(report.ok()) << Summary(report);
  HF_ASSERT_OK_AND_ASSIGN(const auto live, journal_->reader().ListSandboxes(true, "", 10));
  EXPECT_EQ(live.size(), 1U);
}

TEST_F(JournalAppend, RefusesWhatIsEmptyOrOverALimit) {
  const Limits limits;
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(journal_->Append(EventBatch("", 0)), refused);
  EXPECT_THAT(journal_->Append(EventBatch("a", 0, 0)), refused);
  EXPECT_THAT(journal_->Append(EventBatch("a", 0, limits.batch_records_max + 1)), refused);
  EXPECT_THAT(journal_->Append(EventBatch(std::string(limits.id_bytes_max + 1, 'x'), 0)), refused);
  EXPECT_THAT(
      journal_->Append(EventBatch("a", 0, 1, std::string(limits.payload_bytes_max + 1, 'x'))),
      refused);
  EXPECT_THAT(journal_->Append(BatchOf("a", 0, {Draft::Event("", "payload", 0)})), refused);
  EXPECT_THAT(journal_->reader().LastPosition(), testing::IsOkAndHolds(0U));
}

TEST_F(JournalAppend, TakesWhatIsJustWithinTheLimits) {
  const Limits limits;
  EXPECT_THAT(journal_->Append(
                  EventBatch(std::string(limits.id_bytes_max, 'x'), 0, limits.batch_records_max)),
              IsOk());
  EXPECT_THAT(journal_->Append(EventBatch("a", 0, 1, std::string(limits.payload_bytes_max, 'x'))),
              IsOk());
}

TEST_F(JournalAppend, RefusesAnIntentOrOutcomeThatIsNone) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  Draft garbage = Draft::Intent(v1::Intent(), 0);
  garbage.payload = "\xff\xff\xff";
  EXPECT_THAT(journal_->Append(BatchOf("a", 0, {garbage})), refused);
  EXPECT_THAT(journal_->Append(BatchOf("a", 0, {Draft::Intent(v1::Intent(), 0)})), refused);
  EXPECT_THAT(journal_->Append(BatchOf("a", 0, {Draft::Outcome(v1::Outcome(), 0)})), refused);
}

TEST_F(JournalAppend, RefusesAnOutcomeOfARecordThatIsNoIntent) {
  ASSERT_THAT(journal_->Append(EventBatch("a", 0)), IsOk());

  const v1::Outcome outcome = MakeOutcome(1, v1::Outcome::DONE, true);
  EXPECT_THAT(journal_->Append(BatchOf("a", 1, {Draft::Outcome(outcome, 0)})),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(JournalAppend, RefusesMoreThanMayWait) {
  journal_.reset();
  Options options = OptionsFor(path_);
  options.limits.queue_batches_max = 2;
  HF_ASSERT_OK_AND_ASSIGN(journal_, Journal::Open(options));
  std::promise<void> go;
  std::promise<void> blocked;
  journal_->AppendAsync(EventBatch("first", 0), [&](absl::StatusOr<Appended>) {
    blocked.set_value();
    go.get_future().wait();
  });
  blocked.get_future().wait();
  std::vector<std::promise<absl::Status>> answers(3);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    journal_->AppendAsync(EventBatch(std::to_string(i), 0),
                          [&answers, i](auto answer) { answers[i].set_value(answer.status()); });
  }
  go.set_value();

  EXPECT_THAT(answers[0].get_future().get(), IsOk());
  EXPECT_THAT(answers[1].get_future().get(), IsOk());
  EXPECT_THAT(answers[2].get_future().get(), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(JournalAppend, CommitsWhatWaitsWhenItIsClosed) {
  constexpr std::size_t kBatches = 500;
  std::atomic<std::size_t> done = 0;
  for (std::size_t i = 0; i < kBatches; ++i) {
    journal_->AppendAsync(EventBatch(std::to_string(i), 0), [&](absl::StatusOr<Appended> answer) {
      if (answer.ok()) ++done;
    });
  }

  EXPECT_THAT(journal_->Close(), IsOk());

  EXPECT_EQ(done, kBatches);
  EXPECT_THAT(journal_->Append(EventBatch("late", 0)), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(JournalAppend, ManyThreadsOnOneSandboxAdvanceItOneByOne) {
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  std::vector<std::thread> threads;
  std::atomic<int> conflicts = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int left = kEach; left > 0;) {
        const auto row = journal_->reader().FindSandbox("a");
        const std::uint64_t head = row.ok() ? row->head_sequence : 0;
        const auto appended = journal_->Append(EventBatch("a", head));
        if (appended.ok()) --left;
        if (absl::IsAborted(appended.status())) ++conflicts;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  const std::vector<Record> records = ReadAll(journal_->reader(), "a");
  ASSERT_EQ(records.size(), static_cast<std::size_t>(kThreads * kEach));
  for (std::size_t i = 0; i < records.size(); ++i) ASSERT_EQ(records[i].sequence, i + 1);
}

}  // namespace
}  // namespace holdfast::journal
