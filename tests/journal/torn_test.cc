// SPDX-License-Identifier: Apache-2.0
//
// Method. A power cut, or storage that lied about fsync, leaves the write-ahead log short or with
// bytes that never arrived. A journal is filled batch by batch, its files are copied as they lie on
// disk (nothing is checkpointed), and the copy's log is cut, or overwritten with zeros or noise, at
// many places. Whatever is left must open, verify clean, and be a prefix of what was written, in
// whole batches: what storage lost is lost, and nothing else is invented, mixed or half there.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using testing::IsOk;

constexpr int kBatches = 40;

struct Filled {
  std::string database;
  std::string log;
  std::vector<Record> records;
};

// Batches of three records for three sandboxes in turn; the files as a crash would leave them.
Filled Fill(const std::string& path) {
  Filled filled;
  auto journal = OpenJournal(path);
  for (int i = 0; i < kBatches; ++i) {
    const std::string id = std::string("s") + std::to_string(i % 3);
    const auto sequence = static_cast<std::uint64_t>(i / 3 * 3);
    EXPECT_THAT(journal->Append(EventBatch(id, sequence, 3)), IsOk());
  }
  filled.records = ReadTailAll(journal->reader());
  filled.database = ReadBytes(path);
  filled.log = ReadBytes(path + "-wal");
  return filled;
}

// Opens what the damage left, and checks it against what was written.
void ExpectAWholePrefix(const Filled& filled, const std::string& log) {
  testing::TempDir dir;
  const std::string path = dir.File("journal.db");
  WriteBytes(path, filled.database);
  WriteBytes(path + "-wal", log);

  auto journal = Journal::Open(OptionsFor(path));
  ASSERT_THAT(journal, IsOk());
  const std::vector<Record> left = ReadTailAll((*journal)->reader());
  auto verified = (*journal)->reader().Verify();

  ASSERT_THAT(verified, IsOk());
  EXPECT_TRUE(verified->ok()) << Summary(*verified);
  ASSERT_LE(left.size(), filled.records.size());
  EXPECT_EQ(left.size() % 3, 0u) << "a batch is half there";
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].position, filled.records[i].position);
    EXPECT_EQ(left[i].sandbox_id, filled.records[i].sandbox_id);
    EXPECT_EQ(left[i].sequence, filled.records[i].sequence);
    EXPECT_EQ(left[i].payload, filled.records[i].payload);
  }
  // And it goes on from there.
  const std::uint64_t head = static_cast<std::uint64_t>(std::count_if(
      left.begin(), left.end(), [](const Record& r) { return r.sandbox_id == "s0"; }));
  EXPECT_THAT((*journal)->Append(EventBatch("s0", head)), IsOk());
}

TEST(Trap19LostFsync, ALogThatWasCutAnywhereLeavesWholeBatches) {
  testing::TempDir dir;
  const Filled filled = Fill(dir.File("journal.db"));
  ASSERT_EQ(filled.records.size(), static_cast<std::size_t>(kBatches) * 3);
  ASSERT_FALSE(filled.log.empty());

  for (std::size_t i = 0; i <= 48; ++i) {
    const std::size_t length = filled.log.size() * i / 48;
    SCOPED_TRACE("cut to " + std::to_string(length) + " bytes");
    ExpectAWholePrefix(filled, filled.log.substr(0, length));
  }
}

TEST(Trap19LostFsync, BytesOfTheLogThatNeverArrivedEndTheHistoryThere) {
  testing::TempDir dir;
  const Filled filled = Fill(dir.File("journal.db"));

  for (std::size_t i = 1; i < 24; ++i) {
    const std::size_t from = filled.log.size() * i / 24;
    for (const char filler : {'\0', '\x5a'}) {
      SCOPED_TRACE("overwritten at " + std::to_string(from));
      std::string log = filled.log;
      const std::size_t length = std::min<std::size_t>(4096, log.size() - from);
      log.replace(from, length, length, filler);
      ExpectAWholePrefix(filled, log);
    }
  }
}

}  // namespace
}  // namespace holdfast::journal
