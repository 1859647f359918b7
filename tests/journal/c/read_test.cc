// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>

#include <string>
#include <vector>

#include "tests/journal/c/testing.h"

namespace holdfast::journal::testing {
namespace {

class JournalCRead : public JournalCTest {
 protected:
  // Sandboxes a, b and c with two records each; b is not live.
  void SetUp() override {
    Open();
    for (const char* sandbox : {"c", "a", "b"}) {
      const Batch batch = EventBatch(sandbox, 0);
      EXPECT_HF_OK(hf_batch_add_event(batch.get(), "Again", nullptr, 0, 1000, HF_ERROR));
      EXPECT_HF_OK(
          hf_batch_set_projection(batch.get(), "S", *sandbox == 'b' ? 0 : 1, nullptr, 0, HF_ERROR));
      Append(batch);
    }
  }

  std::vector<std::string> List(bool live_only, const char* after, std::size_t limit) {
    std::vector<std::string> seen;
    EXPECT_HF_OK(hf_list_sandboxes(reader_, live_only ? 1 : 0, after, limit, CollectSandboxes,
                                   &seen, HF_ERROR));
    return seen;
  }
};

TEST_F(JournalCRead, ListsSandboxesInOrderAndInPages) {
  EXPECT_EQ(List(false, nullptr, 10), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(List(true, nullptr, 10), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(List(false, "a", 1), (std::vector<std::string>{"b"}));
}

TEST_F(JournalCRead, FindsNoSandboxWithoutRecords) {
  std::vector<std::string> seen;
  Error error;

  EXPECT_EQ(hf_find_sandbox(reader_, "d", CollectSandboxes, &seen, &error.pointer), HF_NOT_FOUND);

  EXPECT_TRUE(seen.empty());
  EXPECT_NE(error.message(), "");
}

TEST_F(JournalCRead, ReadsTheTailInOrderAfterAPosition) {
  std::vector<SeenRecord> seen;

  EXPECT_HF_OK(hf_read_tail(reader_, 2, 3, CollectRecords, &seen, HF_ERROR));

  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].sandbox, "a");
  EXPECT_EQ(seen[2].sandbox, "b");
}

TEST_F(JournalCRead, ReadsASandboxFromASequenceOn) {
  std::vector<SeenRecord> seen;

  EXPECT_HF_OK(hf_read_sandbox(reader_, "a", 2, CollectRecords, &seen, HF_ERROR));

  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].sequence, 2U);
}

TEST_F(JournalCRead, VisitorThatStopsIsNotCalledAgain) {
  int calls = 0;
  const auto stop = [](void* context, const hf_record* /*record*/) -> std::int32_t {
    ++*static_cast<int*>(context);
    return HF_STOP;
  };

  EXPECT_HF_OK(hf_read_tail(reader_, 0, 10, stop, &calls, HF_ERROR));

  EXPECT_EQ(calls, 1);
}

struct Nested {
  hf_reader* reader;
  hf_journal* journal;
  std::vector<SeenRecord> seen;
};

TEST_F(JournalCRead, VisitorMayReadAndAppend) {
  Nested nested{reader_, journal_, {}};
  const auto visit = [](void* context, const hf_sandbox* row) -> std::int32_t {
    auto& here = *static_cast<Nested*>(context);
    const Batch batch = EventBatch(row->sandbox_id, row->head_sequence);
    EXPECT_HF_OK(hf_append(here.journal, batch.get(), nullptr, HF_ERROR));
    EXPECT_HF_OK(hf_read_sandbox(here.reader, row->sandbox_id, row->head_sequence + 1,
                                 CollectRecords, &here.seen, HF_ERROR));
    return HF_CONTINUE;
  };

  EXPECT_HF_OK(hf_list_sandboxes(reader_, 1, nullptr, 10, visit, &nested, HF_ERROR));

  EXPECT_EQ(nested.seen.size(), 2U);
}

TEST_F(JournalCRead, VisitorMayCloseTheReaderItIsCalledFrom) {
  struct Closing {
    hf_reader* reader = nullptr;
    int calls = 0;
  } closing;
  EXPECT_HF_OK(hf_reader_open(Path().c_str(), &closing.reader, HF_ERROR));
  const auto visit = [](void* context, const hf_record* /*record*/) -> std::int32_t {
    auto& here = *static_cast<Closing*>(context);
    hf_reader_close(here.reader, nullptr);
    ++here.calls;
    return HF_CONTINUE;
  };

  EXPECT_HF_OK(hf_read_tail(closing.reader, 0, 10, visit, &closing, HF_ERROR));

  EXPECT_EQ(closing.calls, 6);
}

TEST_F(JournalCRead, CountsWhatWasCommitted) {
  hf_stats stats = HF_STATS_INIT;
  std::int32_t sound = 0;

  EXPECT_HF_OK(hf_read_stats(journal_, &stats, HF_ERROR));
  EXPECT_HF_OK(hf_sound(journal_, &sound, HF_ERROR));

  EXPECT_EQ(stats.batches, 3U);
  EXPECT_EQ(stats.records, 6U);
  EXPECT_EQ(stats.commits_failed, 0U);
  EXPECT_EQ(sound, 1);
}

TEST_F(JournalCRead, VerifyFindsASoundJournalSound) {
  hf_verify_report report = HF_VERIFY_REPORT_INIT;

  EXPECT_HF_OK(hf_verify(reader_, HF_VERIFY_DEEP, nullptr, nullptr, &report, HF_ERROR));

  EXPECT_EQ(report.records, 6U);
  EXPECT_EQ(report.sandboxes, 3U);
  EXPECT_EQ(report.damages, 0U);
}

TEST_F(JournalCRead, VerifiesQuicklyToo) {
  hf_verify_report report = HF_VERIFY_REPORT_INIT;

  EXPECT_HF_OK(hf_verify(reader_, HF_VERIFY_QUICK, nullptr, nullptr, &report, HF_ERROR));

  EXPECT_EQ(report.damages, 0U);
}

// A record is changed with another tool.
class JournalCDamage : public JournalCRead {
 protected:
  void SetUp() override {
    JournalCRead::SetUp();
    Close();
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(Path().c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, "UPDATE records SET payload = x'00' WHERE position = 3", nullptr,
                           nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(db);
    EXPECT_HF_OK(hf_reader_open(Path().c_str(), &reader_, HF_ERROR));
  }
  void TearDown() override { hf_reader_close(reader_, nullptr); }
};

TEST_F(JournalCDamage, IsNamedByVerify) {
  std::vector<std::string> seen;
  hf_verify_report report = HF_VERIFY_REPORT_INIT;
  const auto visit = [](void* context, const hf_damage* damage) -> std::int32_t {
    static_cast<std::vector<std::string>*>(context)->push_back(
        std::string(damage->sandbox_id) + " " + std::to_string(damage->position) + " " +
        damage->kind);
    return HF_CONTINUE;
  };

  EXPECT_HF_OK(hf_verify(reader_, HF_VERIFY_DEEP, visit, &seen, &report, HF_ERROR));

  EXPECT_EQ(report.damages, seen.size());
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0], "a 3 checksum");
}

TEST_F(JournalCDamage, EndsAReadWithDataLoss) {
  std::vector<SeenRecord> seen;
  Error error;

  EXPECT_EQ(hf_read_sandbox(reader_, "a", 0, CollectRecords, &seen, &error.pointer), HF_DATA_LOSS);

  EXPECT_NE(error.message().find("position 3"), std::string::npos) << error.message();
}

}  // namespace
}  // namespace holdfast::journal::testing
