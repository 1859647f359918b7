// SPDX-License-Identifier: Apache-2.0
//
// Arguments that make no sense: each is answered with an error, none is followed.
#include <cstdint>
#include <limits>
#include <string>

#include "tests/journal/c/testing.h"

namespace holdfast::journal::testing {
namespace {

class JournalCMisuse : public JournalCTest {
 protected:
  void SetUp() override { Open(); }
};

std::int32_t IgnoreRecord(void* /*context*/, const hf_record* /*record*/) { return HF_CONTINUE; }
std::int32_t IgnoreSandbox(void* /*context*/, const hf_sandbox* /*row*/) { return HF_CONTINUE; }
std::int32_t IgnoreIntent(void* /*context*/, const hf_open_intent* /*row*/) { return HF_CONTINUE; }
std::int32_t IgnoreLedger(void* /*context*/, const hf_ledger_row* /*row*/) { return HF_CONTINUE; }
void IgnoreOwnership(void* /*context*/, const hf_ownership* /*row*/) {}
std::int32_t IgnoreLive(void* /*context*/, const hf_sandbox* /*row*/, const hf_snapshot* /*snap*/) {
  return HF_CONTINUE;
}
void IgnoreSnapshot(void* /*context*/, const hf_snapshot* /*snapshot*/) {}
void IgnoreBytes(void* /*context*/, const void* /*bytes*/, size_t /*size*/) {}
void IgnoreProof(void* /*context*/, const hf_proof* /*proof*/) {}
std::int32_t IgnoreSegment(void* /*context*/, const hf_segment* /*row*/) { return HF_CONTINUE; }
void IgnoreAnswer(void* /*context*/, hf_code /*code*/, const hf_appended* /*appended*/,
                  const hf_error* /*error*/) {}

// Every call that takes a journal.
void ExpectAllRefuse(hf_journal* journal) {
  const Batch batch(hf_batch_new("s1", 0));
  hf_reader* reader = nullptr;
  std::uint64_t number = 0;
  std::int32_t flag = 0;
  hf_stats stats = HF_STATS_INIT;
  EXPECT_EQ(hf_append(journal, batch.get(), nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_append_async(journal, batch.get(), IgnoreAnswer, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_replace_sealed(journal, "s1", "a", 1, "b", 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_flush(journal, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_journal_reader(journal, &reader, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_epoch(journal, &number, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_sound(journal, &flag, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_stats(journal, &stats, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_previous_ownership(journal, IgnoreOwnership, nullptr, nullptr), HF_INVALID_ARGUMENT);
  const hf_archive_options archive = HF_ARCHIVE_OPTIONS_INIT;
  EXPECT_EQ(hf_archive(journal, &archive, nullptr, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_expire_archives(journal, 0, nullptr, nullptr, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_close(journal, nullptr), HF_INVALID_ARGUMENT);
}

// Every call that takes a reader.
void ExpectAllRefuse(hf_reader* reader) {
  std::uint64_t number = 0;
  char id[HF_JOURNAL_ID_BYTES];
  hf_verify_report report = HF_VERIFY_REPORT_INIT;
  EXPECT_EQ(hf_read_sandbox(reader, "s1", 0, IgnoreRecord, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_tail(reader, 0, 1, IgnoreRecord, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_find_sandbox(reader, "s1", IgnoreSandbox, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_list_sandboxes(reader, 0, nullptr, 1, IgnoreSandbox, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_list_open_intents(reader, nullptr, IgnoreIntent, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_ledger(reader, nullptr, 0, IgnoreLedger, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_live(reader, IgnoreLive, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_find_snapshot(reader, "s1", IgnoreSnapshot, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_sealed(reader, "s1", IgnoreBytes, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_last_position(reader, &number, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_ownership(reader, IgnoreOwnership, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_journal_id(reader, id, sizeof id, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_verify(reader, HF_VERIFY_DEEP, nullptr, nullptr, &report, nullptr),
            HF_INVALID_ARGUMENT);
  char checkpoint[HF_CHECKPOINT_BYTES];
  EXPECT_EQ(hf_checkpoint(reader, 0, checkpoint, sizeof checkpoint, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_verify_against(reader, "", nullptr, IgnoreProof, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_list_segments(reader, IgnoreSegment, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_reader_close(reader, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(JournalCMisuse, HandlesThatAreNullAreRefused) {
  ExpectAllRefuse(static_cast<hf_journal*>(nullptr));
  ExpectAllRefuse(static_cast<hf_reader*>(nullptr));
}

TEST_F(JournalCMisuse, HandlesThatWereClosedAreRefused) {
  hf_journal* const journal = journal_;
  hf_reader* const reader = reader_;

  Close();

  ExpectAllRefuse(journal);
  ExpectAllRefuse(reader);
}

TEST_F(JournalCMisuse, HandlesThatNeverWereOnesAreRefused) {
  int somewhere = 0;
  ExpectAllRefuse(reinterpret_cast<hf_journal*>(&somewhere));
  ExpectAllRefuse(reinterpret_cast<hf_reader*>(journal_));
  ExpectAllRefuse(reinterpret_cast<hf_journal*>(reader_));
  ExpectAllRefuse(reinterpret_cast<hf_reader*>(std::numeric_limits<std::uintptr_t>::max()));
}

TEST_F(JournalCMisuse, VisitorsAndPlacesThatAreNullAreRefused) {
  const Batch batch = EventBatch("s1", 0);
  const char byte = 0;
  char small[HF_JOURNAL_ID_BYTES - 1];
  hf_verify_report report = HF_VERIFY_REPORT_INIT;
  EXPECT_EQ(hf_read_sandbox(reader_, "s1", 0, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_tail(reader_, 0, 1, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_find_sandbox(reader_, "s1", nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_list_sandboxes(reader_, 0, nullptr, 1, nullptr, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_list_open_intents(reader_, nullptr, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_ledger(reader_, nullptr, 0, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_ownership(reader_, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_last_position(reader_, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_journal_id(reader_, nullptr, HF_JOURNAL_ID_BYTES, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_journal_id(reader_, small, sizeof small, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_verify(reader_, HF_VERIFY_DEEP, nullptr, nullptr, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_verify(reader_, 0, nullptr, nullptr, &report, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_live(reader_, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_find_snapshot(reader_, "s1", nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_sealed(reader_, "s1", nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_append_async(journal_, batch.get(), nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_append(journal_, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_epoch(journal_, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_sound(journal_, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_stats(journal_, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_previous_ownership(journal_, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_journal_reader(journal_, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_decode_intent(&byte, 1, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_decode_outcome(&byte, 1, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_reader_open(nullptr, &reader_, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_reader_open("x", nullptr, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(JournalCMisuse, WhatAnOperatorDoesIsRefusedWithoutWhatItNeeds) {
  char small[HF_CHECKPOINT_BYTES - 1];
  hf_archive_options archive = HF_ARCHIVE_OPTIONS_INIT;
  hf_archive_report report = {};
  hf_restore_options restore = HF_RESTORE_OPTIONS_INIT;
  EXPECT_EQ(hf_checkpoint(reader_, 0, nullptr, HF_CHECKPOINT_BYTES, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_checkpoint(reader_, 0, small, sizeof small, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_verify_against(reader_, nullptr, nullptr, IgnoreProof, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_verify_against(reader_, "no checkpoint", nullptr, IgnoreProof, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_verify_against(reader_, "", nullptr, nullptr, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_list_segments(reader_, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_archive(journal_, nullptr, nullptr, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_archive(journal_, &archive, nullptr, nullptr, &report, nullptr),
            HF_INVALID_ARGUMENT);
  archive.size += 8;
  EXPECT_EQ(hf_archive(journal_, &archive, nullptr, nullptr, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_backup(nullptr, "x", nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_backup("x", "", nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_restore(nullptr, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_restore(&restore, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  restore.backup = "x";
  EXPECT_EQ(hf_restore(&restore, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  restore.journal_path = "y";
  restore.reserved = 1;
  EXPECT_EQ(hf_restore(&restore, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(JournalCMisuse, TextThatIsNullIsRefusedWhereItMustBe) {
  const Batch batch(hf_batch_new("s1", 0));
  EXPECT_EQ(hf_batch_new(nullptr, 0), nullptr);
  EXPECT_EQ(hf_batch_add_event(batch.get(), nullptr, nullptr, 0, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_projection(batch.get(), nullptr, 1, nullptr, 0, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_sandbox(reader_, nullptr, 0, IgnoreRecord, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_find_sandbox(reader_, nullptr, IgnoreSandbox, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_find_snapshot(reader_, nullptr, IgnoreSnapshot, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_read_sealed(reader_, nullptr, IgnoreBytes, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_replace_sealed(journal_, nullptr, "a", 1, "b", 1, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(JournalCMisuse, BatchThatIsNullIsRefused) {
  const hf_intent intent = HF_INTENT_INIT;
  const hf_outcome outcome = HF_OUTCOME_INIT;
  EXPECT_EQ(hf_batch_add_event(nullptr, "E", nullptr, 0, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_add_intent(nullptr, &intent, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_add_outcome(nullptr, &outcome, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_add_encoded(nullptr, HF_INTENT_RECORD, "", 0, 0, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_expected_sequence(nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_projection(nullptr, "", 0, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_snapshot(nullptr, "", 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_sealed(nullptr, "", 0, nullptr), HF_INVALID_ARGUMENT);
  hf_batch_free(nullptr);
  hf_error_free(nullptr);
}

TEST_F(JournalCMisuse, BytesThatCannotBeAreNotRead) {
  const Batch batch(hf_batch_new("s1", 0));
  const char byte = 'x';
  const std::size_t huge = std::numeric_limits<std::size_t>::max();

  EXPECT_EQ(hf_batch_add_event(batch.get(), "E", nullptr, 1, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_add_event(batch.get(), "E", &byte, huge, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_projection(batch.get(), "", 1, &byte, huge, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_snapshot(batch.get(), nullptr, 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_set_sealed(batch.get(), &byte, huge, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_add_encoded(batch.get(), HF_INTENT_RECORD, &byte, huge, 0, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_add_encoded(batch.get(), HF_INTENT_RECORD, &byte, 1, 0, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_batch_add_encoded(batch.get(), HF_EVENT_RECORD, "", 0, 0, nullptr),
            HF_INVALID_ARGUMENT);
}

TEST_F(JournalCMisuse, StructsOfAnotherSizeAreRefused) {
  const std::string path = Path();
  hf_journal* journal = nullptr;
  hf_options options = HF_OPTIONS_INIT;
  options.path = path.c_str();
  Error error;

  options.size = 0;
  EXPECT_EQ(hf_open(&options, &journal, nullptr), HF_INVALID_ARGUMENT);
  options.size = sizeof(hf_options) + 8;
  EXPECT_EQ(hf_open(&options, &journal, &error.pointer), HF_INVALID_ARGUMENT);
  EXPECT_NE(error.message().find("48 bytes"), std::string::npos) << error.message();
  options = HF_OPTIONS_INIT;
  options.path = path.c_str();
  options.reserved = 1;
  EXPECT_EQ(hf_open(&options, &journal, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_open(nullptr, &journal, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_open(&options, nullptr, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(JournalCMisuse, PlaceForTheResultIsLookedAtBeforeAnythingIsAppended) {
  hf_appended appended = {};

  EXPECT_EQ(hf_append(journal_, EventBatch("s1", 0).get(), &appended, nullptr),
            HF_INVALID_ARGUMENT);

  EXPECT_TRUE(Read("s1").empty());
}

TEST_F(JournalCMisuse, IntentsAndOutcomesThatCannotBeAreRefused) {
  const Batch batch(hf_batch_new("s1", 0));
  const hf_resource* const null_element[] = {nullptr};
  const auto add = [&](auto change) {
    hf_intent intent = HF_INTENT_INIT;
    intent.participant = "p";
    change(intent);
    return hf_batch_add_intent(batch.get(), &intent, 0, nullptr);
  };
  EXPECT_EQ(hf_batch_add_intent(batch.get(), nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(add([](hf_intent& intent) { intent.kind = 77; }), HF_INVALID_ARGUMENT);
  EXPECT_EQ(add([](hf_intent& intent) { intent.args = "\xC0\xAF"; }), HF_INVALID_ARGUMENT);
  EXPECT_EQ(add([](hf_intent& intent) { intent.claims_count = 1; }), HF_INVALID_ARGUMENT);
  EXPECT_EQ(add([&](hf_intent& intent) {
              intent.claims = null_element;
              intent.claims_count = 1;
            }),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(add([&](hf_intent& intent) {
              intent.claims = null_element;
              intent.claims_count = std::numeric_limits<std::size_t>::max();
            }),
            HF_INVALID_ARGUMENT);
  hf_outcome outcome = HF_OUTCOME_INIT;
  EXPECT_EQ(hf_batch_add_outcome(batch.get(), &outcome, 0, nullptr), HF_INVALID_ARGUMENT);
  outcome.verdict = 10;
  EXPECT_EQ(hf_batch_add_outcome(batch.get(), &outcome, 0, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(JournalCMisuse, RefusedPartLeavesTheBatchAsItWas) {
  const Batch batch = EventBatch("s1", 0);
  const hf_intent nothing = {};

  EXPECT_EQ(hf_batch_add_intent(batch.get(), &nothing, 0, nullptr), HF_INVALID_ARGUMENT);

  EXPECT_EQ(Append(batch), 1U);
}

TEST_F(JournalCMisuse, NumbersBeyondTheLastFindNothing) {
  Append(EventBatch("s1", 0));
  constexpr std::uint64_t kBeyond = std::numeric_limits<std::uint64_t>::max();
  std::vector<SeenRecord> seen;

  EXPECT_HF_OK(hf_read_sandbox(reader_, "s1", kBeyond, CollectRecords, &seen, HF_ERROR));
  EXPECT_HF_OK(hf_read_tail(reader_, kBeyond, 10, CollectRecords, &seen, HF_ERROR));
  EXPECT_TRUE(seen.empty());
  EXPECT_HF_OK(hf_read_tail(reader_, 0, std::numeric_limits<std::size_t>::max(), CollectRecords,
                            &seen, HF_ERROR));
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(hf_append(journal_, EventBatch("s1", kBeyond).get(), nullptr, nullptr), HF_ABORTED);
}

TEST_F(JournalCMisuse, DecodingWhatIsNoIntentIsDataLoss) {
  const std::string garbage = "\xFF\xFF\xFF";
  const auto ignore = [](void* /*context*/, const hf_intent* /*intent*/) {};

  EXPECT_EQ(hf_decode_intent(garbage.data(), garbage.size(), ignore, nullptr, nullptr),
            HF_DATA_LOSS);
}

TEST(JournalCErrors, NoErrorIsOkAndSaysNothing) {
  EXPECT_EQ(hf_error_code(nullptr), HF_OK);
  EXPECT_STREQ(hf_error_message(nullptr), "");
  EXPECT_STREQ(hf_code_name(HF_ABORTED), "ABORTED");
  EXPECT_STREQ(hf_code_name(-1), "UNKNOWN");
}

TEST_F(JournalCMisuse, SuccessClearsTheCallersError) {
  hf_error* error = reinterpret_cast<hf_error*>(this);
  std::uint64_t epoch = 0;

  EXPECT_EQ(hf_epoch(journal_, &epoch, &error), HF_OK);

  EXPECT_EQ(error, nullptr);
}

}  // namespace
}  // namespace holdfast::journal::testing
