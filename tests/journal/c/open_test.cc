// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/journal/c/testing.h"

namespace holdfast::journal::testing {
namespace {

using JournalCOpen = JournalCTest;

TEST_F(JournalCOpen, RaisesTheEpochEachTime) {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  Open();
  EXPECT_HF_OK(hf_epoch(journal_, &first, HF_ERROR));
  Close();
  Open();
  EXPECT_HF_OK(hf_epoch(journal_, &second, HF_ERROR));

  EXPECT_EQ(second, first + 1);
}

TEST_F(JournalCOpen, WithoutCreateFindsNoJournal) {
  const std::string path = Path();
  hf_options options = HF_OPTIONS_INIT;
  options.path = path.c_str();
  Error error;

  EXPECT_EQ(hf_open(&options, &journal_, &error.pointer), HF_NOT_FOUND);

  EXPECT_EQ(hf_error_code(error.pointer), HF_NOT_FOUND);
  EXPECT_NE(error.message().find(path), std::string::npos) << error.message();
}

TEST_F(JournalCOpen, RefusesASecondWriterAndNamesTheFirst) {
  Open();
  const std::string path = Path();
  hf_options options = HF_OPTIONS_INIT;
  options.path = path.c_str();
  hf_journal* second = nullptr;
  Error error;

  EXPECT_EQ(hf_open(&options, &second, &error.pointer), HF_FAILED_PRECONDITION);

  EXPECT_EQ(second, nullptr);
  EXPECT_NE(error.message().find("test"), std::string::npos) << error.message();
}

TEST_F(JournalCOpen, RefusesASecondWriterByAnotherName) {
  Open();
  const std::string link = directory_.File("link.db");
  std::filesystem::create_symlink(Path(), link);
  hf_options options = HF_OPTIONS_INIT;
  options.path = link.c_str();
  hf_journal* second = nullptr;

  EXPECT_EQ(hf_open(&options, &second, nullptr), HF_FAILED_PRECONDITION);
}

TEST_F(JournalCOpen, RefusesAFileThatIsNotAJournal) {
  std::ofstream(Path()) << std::string(8192, 'x');
  hf_reader* reader = nullptr;

  EXPECT_EQ(hf_reader_open(Path().c_str(), &reader, nullptr), HF_FAILED_PRECONDITION);

  EXPECT_EQ(reader, nullptr);
}

TEST_F(JournalCOpen, HoldsTwoJournalsAtOnce) {
  Open();
  const std::string other_path = directory_.File("other.db");
  hf_options options = HF_OPTIONS_INIT;
  options.path = other_path.c_str();
  options.create = 1;
  hf_journal* other = nullptr;
  hf_reader* other_reader = nullptr;
  EXPECT_HF_OK(hf_open(&options, &other, HF_ERROR));
  EXPECT_HF_OK(hf_journal_reader(other, &other_reader, HF_ERROR));

  EXPECT_HF_OK(hf_append(other, EventBatch("s1", 0).get(), nullptr, HF_ERROR));

  std::vector<SeenRecord> in_other;
  EXPECT_HF_OK(hf_read_sandbox(other_reader, "s1", 0, CollectRecords, &in_other, HF_ERROR));
  EXPECT_EQ(in_other.size(), 1U);
  EXPECT_TRUE(Read("s1").empty());
  EXPECT_HF_OK(hf_close(other, HF_ERROR));
}

TEST_F(JournalCOpen, ReaderAloneReadsWhatTheWriterAppends) {
  Open();
  hf_reader* outside = nullptr;
  EXPECT_HF_OK(hf_reader_open(Path().c_str(), &outside, HF_ERROR));

  Append(EventBatch("s1", 0));

  std::uint64_t last = 0;
  EXPECT_HF_OK(hf_last_position(outside, &last, HF_ERROR));
  EXPECT_EQ(last, 1U);
  EXPECT_HF_OK(hf_reader_close(outside, HF_ERROR));
}

TEST_F(JournalCOpen, ReaderOfADeadWritersJournalNeedsNoWriter) {
  Open();
  Append(EventBatch("s1", 0));
  Close();
  hf_reader* outside = nullptr;
  EXPECT_HF_OK(hf_reader_open(Path().c_str(), &outside, HF_ERROR));

  std::vector<SeenRecord> seen;
  EXPECT_HF_OK(hf_read_sandbox(outside, "s1", 0, CollectRecords, &seen, HF_ERROR));

  EXPECT_EQ(seen.size(), 1U);
  EXPECT_HF_OK(hf_reader_close(outside, HF_ERROR));
}

TEST_F(JournalCOpen, JournalsOwnReaderIsOneHandleAndIsNotClosedAlone) {
  Open();
  hf_reader* again = nullptr;

  EXPECT_HF_OK(hf_journal_reader(journal_, &again, HF_ERROR));

  EXPECT_EQ(again, reader_);
  EXPECT_EQ(hf_reader_close(reader_, nullptr), HF_FAILED_PRECONDITION);
  EXPECT_TRUE(Read("s1").empty());
}

TEST_F(JournalCOpen, SaysWhoHoldsItAndWhoHeldItBefore) {
  Open();
  Close();
  Open();
  struct Seen {
    std::string owner, boot_id;
    std::uint64_t epoch = 0;
    std::int32_t held_now = 0;
  } now, before;
  const auto see = [](void* context, const hf_ownership* row) {
    *static_cast<Seen*>(context) = {row->owner, row->boot_id, row->epoch, row->held_now};
  };

  EXPECT_HF_OK(hf_read_ownership(reader_, see, &now, HF_ERROR));
  EXPECT_HF_OK(hf_previous_ownership(journal_, see, &before, HF_ERROR));

  EXPECT_EQ(now.owner, "test");
  EXPECT_EQ(now.boot_id, "boot");
  EXPECT_EQ(now.held_now, 1);
  EXPECT_EQ(before.owner, "test");
  EXPECT_EQ(before.epoch + 1, now.epoch);
}

TEST_F(JournalCOpen, GivesTheJournalANameThatStays) {
  char first[HF_JOURNAL_ID_BYTES] = "";
  char second[HF_JOURNAL_ID_BYTES] = "";

  Open();
  EXPECT_HF_OK(hf_journal_id(reader_, first, sizeof first, HF_ERROR));
  Close();
  Open();
  EXPECT_HF_OK(hf_journal_id(reader_, second, sizeof second, HF_ERROR));

  EXPECT_EQ(std::string(first).size(), 32U);
  EXPECT_STREQ(first, second);
}

}  // namespace
}  // namespace holdfast::journal::testing
