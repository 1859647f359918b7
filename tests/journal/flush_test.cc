// SPDX-License-Identifier: Apache-2.0
//
// A commit writes records; the tables that are keyed by the sandbox follow with a flush. Nobody who
// reads may see the difference, and no crash may make one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <map>
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
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JournalFlush : public ::testing::Test {
 protected:
  std::string Flushed() {
    return QueryRows(path_, "SELECT value FROM meta WHERE name = 'flushed'").front();
  }
  Batch Ending(std::string id, std::uint64_t expected) {
    Batch batch = EventBatch(std::move(id), expected);
    batch.projection = {.state = "Deleted", .live = false, .summary = ""};
    return batch;
  }
  // As a process that was killed leaves the files.
  std::string CopyWhileOpen() {
    const std::string copy = dir_.File("copy.db");
    WriteBytes(copy, ReadBytes(path_));
    WriteBytes(copy + "-wal", ReadBytes(path_ + "-wal"));
    return copy;
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  std::unique_ptr<Journal> journal_ = OpenJournal(path_);
};

TEST_F(JournalFlush, ACommitLeavesTheTablesAndAReaderSeesItAllTheSame) {
  ASSERT_THAT(journal_->Append(EventBatch("a", 0, 3)), IsOk());

  EXPECT_THAT(QueryRows(path_, "SELECT * FROM heads"), IsEmpty());
  EXPECT_THAT(QueryRows(path_, "SELECT * FROM sandboxes"), IsEmpty());
  HF_ASSERT_OK_AND_ASSIGN(const auto outside, Reader::Open(path_));
  EXPECT_EQ(Dump(*outside), Dump(journal_->reader()));
  EXPECT_EQ(ReadAll(*outside, "a").size(), 3U);
}

TEST_F(JournalFlush, BringsTheTablesUpToTheLastRecord) {
  ASSERT_THAT(journal_->Append(EventBatch("a", 0, 3)), IsOk());
  const std::string before = Dump(journal_->reader());
  ASSERT_THAT(journal_->Flush(), IsOk());

  EXPECT_EQ(Flushed(), "3");
  EXPECT_THAT(QueryRows(path_, "SELECT * FROM heads"), ElementsAre("1|3|3"));
  EXPECT_THAT(QueryRows(path_, "SELECT * FROM pending"), IsEmpty());
  EXPECT_EQ(Dump(journal_->reader()), before);
}

TEST_F(JournalFlush, IsDueWhenManyRecordsLieBehind) {
  journal_.reset();
  Options options = OptionsFor(path_);
  options.limits.flush_records_max = 8;
  HF_ASSERT_OK_AND_ASSIGN(journal_, Journal::Open(options));
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_THAT(journal_->Append(EventBatch("a", i)), IsOk());
  // What is due is done before the writer's next turn.
  ASSERT_THAT(journal_->ReplaceSealed("a", "x", "y"), StatusIs(absl::StatusCode::kAborted));

  EXPECT_GE(std::stoi(Flushed()), 13);
}

TEST_F(JournalFlush, ComesByItselfWhenNobodyAppends) {
  journal_.reset();
  Options options = OptionsFor(path_);
  options.limits.flush_after = std::chrono::milliseconds{5};
  HF_ASSERT_OK_AND_ASSIGN(journal_, Journal::Open(options));
  ASSERT_THAT(journal_->Append(EventBatch("a", 0)), IsOk());

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (Flushed() != "1" && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  EXPECT_EQ(Flushed(), "1");
}

TEST_F(JournalFlush, WhatAKilledWriterDidNotFlushIsFlushedByTheNext) {
  ASSERT_THAT(journal_->Append(EventBatch("a", 0, 2)), IsOk());
  ASSERT_THAT(journal_->Flush(), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("a", 2)), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("b", 0)), IsOk());
  const std::string before = Dump(journal_->reader());
  const std::string copy = CopyWhileOpen();

  const auto next = OpenJournal(copy);
  EXPECT_EQ(Dump(next->reader()), before);
  EXPECT_THAT(QueryRows(copy, "SELECT * FROM heads"), ElementsAre("1|3|3", "4|4|1"));
  EXPECT_THAT(next->Append(EventBatch("a", 3)), IsOk());
}

TEST_F(JournalFlush, ListsMergeTheTablesWithTheTail) {
  for (const char* id : {"b", "d", "f"}) ASSERT_THAT(journal_->Append(EventBatch(id, 0)), IsOk());
  ASSERT_THAT(journal_->Flush(), IsOk());
  for (const char* id : {"a", "e", "g"}) ASSERT_THAT(journal_->Append(EventBatch(id, 0)), IsOk());
  ASSERT_THAT(journal_->Append(Ending("d", 1)), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("f", 1)), IsOk());

  const auto ids = [&](bool live, std::string_view after, std::size_t limit) {
    std::vector<std::string> names;
    const auto rows = journal_->reader().ListSandboxes(live, after, limit);
    for (const SandboxRow& row : rows.value()) {
      names.push_back(row.sandbox_id + ":" + std::to_string(row.head_sequence));
    }
    return names;
  };
  EXPECT_THAT(ids(true, "", 10), ElementsAre("a:1", "b:1", "e:1", "f:2", "g:1"));
  EXPECT_THAT(ids(false, "", 10), ElementsAre("a:1", "b:1", "d:2", "e:1", "f:2", "g:1"));
  EXPECT_THAT(ids(true, "b", 2), ElementsAre("e:1", "f:2"));
}

TEST_F(JournalFlush, ADamagedRecordOfTheTailStopsOnlyItsSandbox) {
  ASSERT_THAT(journal_->Append(EventBatch("a", 0, 2)), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("b", 0, 2)), IsOk());
  const std::string copy = CopyWhileOpen();
  Meddle(copy, "UPDATE records SET payload = x'00' WHERE position = 2");

  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(copy));
  EXPECT_THAT(reader->ReadSandbox("a", 1, [](const Record&) { return Visit::kContinue; }),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(ReadAll(*reader, "b").size(), 2U);
  EXPECT_THAT(OpenJournal(copy)->Append(EventBatch("b", 2)), IsOk());
}

// --- Snapshots and what is sealed
// -----------------------------------------------------------------

TEST_F(JournalFlush, ASnapshotIsReadWithItsLiveSandbox) {
  Batch batch = EventBatch("a", 0, 2);
  batch.snapshot = "folded";
  ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("a", 2)), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("b", 0)), IsOk());
  ASSERT_THAT(journal_->Flush(), IsOk());

  std::map<std::string, std::string> seen;
  ASSERT_THAT(journal_->reader().ReadLive([&](const SandboxRow& row, const Snapshot* snapshot) {
    seen[row.sandbox_id] =
        snapshot == nullptr ? "none" : snapshot->bytes + std::to_string(snapshot->sequence);
    return Visit::kContinue;
  }),
              IsOk());
  EXPECT_EQ(seen, (std::map<std::string, std::string>{{"a", "folded2"}, {"b", "none"}}));
}

TEST_F(JournalFlush, ADamagedSnapshotIsNamedAndNotUsed) {
  Batch batch = EventBatch("a", 0);
  batch.snapshot = "folded";
  ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  ASSERT_THAT(journal_->Flush(), IsOk());
  Meddle(path_, "UPDATE snapshots SET bytes = x'00'");

  HF_ASSERT_OK_AND_ASSIGN(const auto found, journal_->reader().FindSnapshot("a"));
  EXPECT_FALSE(found.has_value());
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal_->reader().Verify());
  EXPECT_EQ(Summary(report), "snapshot a 0 0\n");
}

TEST_F(JournalFlush, ASnapshotGoesWhenItsSandboxEnds) {
  Batch batch = EventBatch("a", 0);
  batch.snapshot = "folded";
  ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  ASSERT_THAT(journal_->Flush(), IsOk());
  ASSERT_THAT(journal_->Append(Ending("a", 1)), IsOk());
  ASSERT_THAT(journal_->Flush(), IsOk());

  EXPECT_THAT(QueryRows(path_, "SELECT * FROM snapshots"), IsEmpty());
}

TEST_F(JournalFlush, WhatIsSealedIsDurableWithItsBatchAndGoneWithItsSandbox) {
  Batch batch = EventBatch("a", 0);
  batch.sealed = "box";
  ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  HF_ASSERT_OK_AND_ASSIGN(const auto outside, Reader::Open(path_));
  EXPECT_EQ(outside->ReadSealed("a").value(), "box");
  EXPECT_EQ(outside->ReadSealed("b").value(), std::nullopt);

  ASSERT_THAT(journal_->Append(Ending("a", 1)), IsOk());
  EXPECT_EQ(outside->ReadSealed("a").value(), std::nullopt);
}

TEST_F(JournalFlush, WhatIsSealedIsReplacedOnlyForWhatWasExpected) {
  Batch batch = EventBatch("a", 0);
  batch.sealed = "old";
  ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());

  EXPECT_THAT(journal_->ReplaceSealed("a", "other", "new"), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(journal_->ReplaceSealed("b", "old", "new"), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(journal_->ReplaceSealed("a", "old", "new"), IsOk());
  EXPECT_EQ(journal_->reader().ReadSealed("a").value(), "new");
  EXPECT_THAT(journal_->Append(EventBatch("a", 1)), IsOk());
}

// --- Law
// ------------------------------------------------------------------------------------------

// Whatever is appended, and whenever it is flushed: a reader with the tail on top, the tables after
// a flush, and the next life after a kill are one and the same journal.
TEST(JournalFlushProperty, TailFlushAndRestartAreOneHistory) {
  EXPECT_TRUE(rc::check([] {
    const TempDir dir;
    const std::string path = dir.File("journal.db");
    auto journal = OpenJournal(path);
    HF_ASSERT_OK_AND_ASSIGN(const auto outside, Reader::Open(path));
    std::map<std::string, std::uint64_t> heads;
    std::map<std::string, std::vector<std::uint64_t>> intents;
    const int steps = *rc::gen::inRange(1, 25);
    for (int step = 0; step < steps; ++step) {
      const std::string id(1, *rc::gen::inRange('a', 'e'));
      const std::uint64_t head = heads[id];
      std::vector<Draft> drafts;
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          drafts.push_back(Draft::Event("SomethingHappened", "p", step));
          break;
        case 1:
          drafts.push_back(Draft::Intent(
              ForwardIntent("docker", "k",
                            {MakeResource("container", "c" + std::to_string(step % 3))}),
              step));
          intents[id].push_back(head + 1);
          break;
        default:
          if (intents[id].empty()) continue;
          drafts.push_back(Draft::Outcome(
              MakeOutcome(*rc::gen::elementOf(intents[id]),
                          *rc::gen::element(v1::Outcome::DONE, v1::Outcome::FAILED,
                                            v1::Outcome::UNKNOWN, v1::Outcome::RELEASED),
                          *rc::gen::arbitrary<bool>(), {MakeResource("container", "c1", "h")}),
              step));
      }
      Batch batch = BatchOf(id, head, std::move(drafts));
      batch.projection = {.state = "S" + std::to_string(*rc::gen::inRange(0, 3)),
                          .live = *rc::gen::inRange(0, 4) != 0,
                          .summary = ""};
      RC_ASSERT(journal->Append(std::move(batch)).ok());
      heads[id] = head + 1;
      if (*rc::gen::inRange(0, 5) == 0) RC_ASSERT(journal->Flush().ok());
    }
    const std::string before = Dump(journal->reader());
    RC_ASSERT(Dump(*outside) == before);
    const std::string copy = dir.File("copy.db");
    WriteBytes(copy, ReadBytes(path));
    WriteBytes(copy + "-wal", ReadBytes(path + "-wal"));
    RC_ASSERT(Dump(OpenJournal(copy)->reader()) == before);
    RC_ASSERT(journal->Flush().ok());
    RC_ASSERT(Dump(journal->reader()) == before);
    RC_ASSERT(Dump(*outside) == before);
    RC_ASSERT(journal->reader().Verify()->ok());
    RC_ASSERT(OpenJournal(copy)->reader().Verify()->ok());
  }));
}

}  // namespace
}  // namespace holdfast::journal
