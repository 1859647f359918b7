// SPDX-License-Identifier: Apache-2.0
//
// Verify finds what was changed, and names it; and finds nothing where nothing was.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <random>
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
using ::testing::HasSubstr;

class JournalVerify : public ::testing::Test {
 protected:
  // a: positions 1, 2, 5; b: positions 3, 4, 6, of which 3 is an intent and 4 its outcome.
  void SetUp() override {
    const auto journal = OpenJournal(path_);
    ASSERT_THAT(journal->Append(EventBatch("a", 0, 2, "needle-in-a")), IsOk());
    const v1::Intent intent = ForwardIntent("docker", "k", {MakeResource("container", "c")});
    const v1::Outcome outcome =
        MakeOutcome(1, v1::Outcome::DONE, false, {MakeResource("container", "c", "h")});
    ASSERT_THAT(
        journal->Append(BatchOf("b", 0, {Draft::Intent(intent, 1), Draft::Outcome(outcome, 2)})),
        IsOk());
    ASSERT_THAT(journal->Append(EventBatch("a", 2)), IsOk());
    ASSERT_THAT(journal->Append(EventBatch("b", 2)), IsOk());
  }
  std::string VerifyAfter(const std::string& sql) {
    Meddle(path_, sql);
    return VerifyNow();
  }
  std::string VerifyNow() {
    const auto reader = Reader::Open(path_);
    if (!reader.ok()) return reader.status().ToString();
    const auto report = (*reader)->Verify();
    return report.ok() ? Summary(*report) : report.status().ToString();
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
};

TEST_F(JournalVerify, FindsNothingInASoundJournal) {
  HF_ASSERT_OK_AND_ASSIGN(const auto reader, Reader::Open(path_));
  HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, reader->Verify());

  EXPECT_TRUE(report.ok()) << Summary(report);
  EXPECT_EQ(report.records, 6U);
  EXPECT_EQ(report.sandboxes, 2U);
}

TEST_F(JournalVerify, NamesAFlippedBitInThePayload) {
  std::string bytes = ReadBytes(path_);
  const std::size_t at = bytes.find("needle-in-a");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  WriteBytes(path_, bytes);

  EXPECT_THAT(VerifyNow(), HasSubstr("checksum a "));
}

TEST_F(JournalVerify, NamesARowThatWasEdited) {
  EXPECT_EQ(VerifyAfter("UPDATE records SET time_unix_ms = 7 WHERE position = 2"),
            "checksum a 2 2\n");
}

TEST_F(JournalVerify, NamesARowThatWasEditedTogetherWithItsChecksum) {
  // The checksum of the edited row, as an intruder would compute it, found by asking for it.
  Meddle(path_, "UPDATE records SET type = 'Forged' WHERE position = 2");
  const std::string canonical = [] {
    std::string bytes;
    const auto integer = [&](std::uint64_t value, int width) {
      for (int i = 0; i < width; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
    };
    for (const std::uint64_t value : {2, 1, 2, 1, 1'000}) integer(value, 8);
    integer(1, 1);
    for (const std::string_view text : {"a", "Forged", "needle-in-a"}) {
      integer(text.size(), 4);
      bytes += text;
    }
    return bytes;
  }();
  std::uint32_t crc = 0xffffffff;
  for (const char byte : canonical) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1U)));
  }

  EXPECT_EQ(VerifyAfter("UPDATE records SET checksum = " + std::to_string(crc ^ 0xffffffff) +
                        " WHERE position = 2"),
            "chain a 2 2\n");
}

TEST_F(JournalVerify, NamesARowThatWasRemoved) {
  EXPECT_EQ(VerifyAfter("DELETE FROM records WHERE position = 2"), "missing  2 0\ngap a 0 0\n");
}

TEST_F(JournalVerify, NamesALastRowThatWasRemoved) {
  EXPECT_EQ(VerifyAfter("DELETE FROM records WHERE position = 6"), "gap b 0 0\n");
}

TEST_F(JournalVerify, NamesABackPointerThatWasTurned) {
  EXPECT_EQ(VerifyAfter("UPDATE records SET previous = 3 WHERE position = 5"),
            "checksum a 5 3\ngap a 0 0\n");
}

TEST_F(JournalVerify, NamesAHeadThatWasTurnedBack) {
  EXPECT_EQ(VerifyAfter("UPDATE heads SET position = 2, sequence = 2 WHERE sandbox = 1"),
            "gap a 5 3\n");
}

TEST_F(JournalVerify, NamesAHeadThatIsMissing) {
  EXPECT_EQ(VerifyAfter("DELETE FROM heads WHERE sandbox = 1"), "missing a 0 0\n");
}

TEST_F(JournalVerify, NamesALiveRowThatWasEdited) {
  EXPECT_EQ(VerifyAfter("UPDATE sandboxes SET live = 0 WHERE id = 'a'"), "projection a 0 0\n");
}

TEST_F(JournalVerify, NamesASandboxWhoseNameIsMissing) {
  EXPECT_EQ(VerifyAfter("DELETE FROM sandboxes WHERE id = 'a'"),
            "missing  1 1\nmissing  2 2\nmissing  5 3\nprojection  1 0\n");
}

TEST_F(JournalVerify, NamesALedgerThatDoesNotFollowFromTheRecords) {
  EXPECT_EQ(VerifyAfter("UPDATE ledger SET status = 3"), "projection b 0 0\n");
}

TEST_F(JournalVerify, NamesAnOpenIntentThatWasForgotten) {
  EXPECT_EQ(VerifyAfter("DELETE FROM open_intents"), "projection b 0 0\n");
}

TEST_F(JournalVerify, NamesAnOpenIntentWhoseKindWasTurned) {
  EXPECT_EQ(VerifyAfter("UPDATE open_intents SET kind = 2"), "projection b 0 0\n");
}

TEST_F(JournalVerify, NamesAnOpenIntentThatUndoesSomethingElse) {
  EXPECT_EQ(VerifyAfter("UPDATE open_intents SET undoes = 1"), "projection b 0 0\n");
}

TEST_F(JournalVerify, NamesAPositionThatIsAbsurd) {
  EXPECT_THAT(VerifyAfter("UPDATE records SET position = 1 << 60 WHERE position = 6"),
              HasSubstr("checksum b 1152921504606846976 3"));
}

TEST_F(JournalVerify, NamesRowsOfNobody) {
  EXPECT_EQ(VerifyAfter("INSERT INTO heads VALUES (77, 1, 1)"), "projection  77 0\n");
}

// Either the bit is part of what the journal says, and then it is found; or it is not, and then all
// that is read is what was written.
TEST_F(JournalVerify, FindsAnyFlippedBitThatChangesWhatIsRead) {
  const std::string sound = ReadBytes(path_);
  HF_ASSERT_OK_AND_ASSIGN(const auto sound_reader, Reader::Open(path_));
  const std::string sound_dump = Dump(*sound_reader);
  const std::string flipped_path = dir_.File("flipped.db");
  constexpr unsigned kSeed = 20'260'101;
  std::mt19937 random(kSeed);
  int found = 0;
  for (int round = 0; round < 1'500; ++round) {
    std::string bytes = sound;
    const std::size_t bit = random() % (bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    WriteBytes(flipped_path, bytes);
    const auto reader = Reader::Open(flipped_path);
    if (!reader.ok()) {
      ++found;
      continue;
    }
    const auto report = (*reader)->Verify();
    if (!report.ok() || !report->ok()) {
      ++found;
      continue;
    }
    ASSERT_EQ(Dump(**reader), sound_dump) << "bit " << bit << " of seed " << kSeed;
  }
  EXPECT_GT(found, 0) << "no flip hit anything: the test proves nothing";
}

TEST_F(JournalVerify, RunsBesideALiveWriterAndFindsNothing) {
  const auto journal = OpenJournal(path_);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (std::uint64_t head = 0; !stop; ++head) {
      if (!journal->Append(EventBatch("busy", head)).ok()) return;
    }
  });
  for (int i = 0; i < 10; ++i) {
    const auto report = journal->reader().Verify();
    EXPECT_TRUE(report.ok() && report->ok()) << (report.ok() ? Summary(*report) : "");
  }
  stop = true;
  writer.join();
  EXPECT_TRUE(journal->sound());
}

}  // namespace
}  // namespace holdfast::journal
