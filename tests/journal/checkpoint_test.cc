// SPDX-License-Identifier: Apache-2.0
//
// A checkpoint stays what it is whatever is appended, flushed, reopened or copied; and it is broken
// by any change of what it was made of, also one that no chain shows.
#include "journal/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "journal/backup.h"
#include "journal/canonical.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using ::testing::HasSubstr;

class JournalCheckpoint : public ::testing::Test {
 protected:
  // a: positions 1, 2, 5; b: 3, 4.
  void SetUp() override {
    journal_ = OpenJournal(path_);
    ASSERT_THAT(journal_->Append(EventBatch("a", 0, 2)), IsOk());
    ASSERT_THAT(journal_->Append(EventBatch("b", 0, 2)), IsOk());
    ASSERT_THAT(journal_->Append(EventBatch("a", 2)), IsOk());
  }
  Checkpoint Make(std::uint64_t position = 0) {
    auto checkpoint = journal_->reader().MakeCheckpoint(position);
    EXPECT_THAT(checkpoint, IsOk());
    return checkpoint.ok() ? *checkpoint : Checkpoint{};
  }
  CheckpointProof ProveOn(const std::string& path, const Checkpoint& checkpoint) {
    const auto reader = Reader::Open(path);
    EXPECT_THAT(reader, IsOk());
    auto proof = Prove(**reader, checkpoint);
    EXPECT_THAT(proof, IsOk());
    return proof.ok() ? *std::move(proof) : CheckpointProof{};
  }
  void CloseJournal() {
    ASSERT_THAT(journal_->Close(), IsOk());
    journal_ = nullptr;
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalCheckpoint, IsOfTheLastRecordUnlessAskedOtherwise) {
  const Checkpoint checkpoint = Make();

  EXPECT_EQ(checkpoint.journal_id, journal_->reader().journal_id());
  EXPECT_EQ(checkpoint.position, 5U);
  EXPECT_EQ(checkpoint.sandboxes, 2U);
  EXPECT_EQ(checkpoint.digest, Make(5).digest);
  EXPECT_EQ(Make(2).sandboxes, 1U);
}

TEST_F(JournalCheckpoint, IsWhatTheFormatDocumentSays) {
  // One sandbox, one record: every byte by hand.
  const std::vector<std::string> hash =
      QueryRows(path_, "SELECT hash FROM records WHERE position = 1");
  std::string bytes = "holdfast-checkpoint-1\n" + journal_->reader().journal_id();
  const auto number = [&bytes](std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  };
  number(1, 8);  // position
  number(1, 8);  // key
  number(1, 4);
  bytes += "a";
  number(1, 8);  // sequence
  for (std::size_t i = 0; i < 64; i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hash.at(0).substr(i, 2), nullptr, 16)));
  }
  HF_ASSERT_OK_AND_ASSIGN(Hasher hasher, Hasher::Create());
  // SHA-256 of these bytes: the hasher's first argument is only what it begins with.
  Hash first{};
  std::copy(bytes.begin(), bytes.begin() + 32, first.begin());
  const Hash digest = hasher.Link(first, std::string_view(bytes).substr(32));

  EXPECT_EQ(Make(1).digest,
            ToHex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size())));
}

TEST_F(JournalCheckpoint, OfAnEmptyJournalHoldsToo) {
  const std::string path = dir_.File("empty.db");
  const auto journal = OpenJournal(path);
  HF_ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint, journal->reader().MakeCheckpoint(0));

  EXPECT_EQ(checkpoint.position, 0U);
  EXPECT_EQ(checkpoint.sandboxes, 0U);
  EXPECT_TRUE(ProveOn(path, checkpoint).holds);
}

TEST_F(JournalCheckpoint, StaysWhatItIsWhenMoreIsAppended) {
  const Checkpoint checkpoint = Make();

  ASSERT_THAT(journal_->Append(EventBatch("a", 3, 4)), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("c", 0, 1)), IsOk());

  EXPECT_EQ(Make(5).digest, checkpoint.digest);
  EXPECT_NE(Make().digest, checkpoint.digest);
  EXPECT_TRUE(ProveOn(path_, checkpoint).holds);
}

TEST_F(JournalCheckpoint, StaysWhatItIsWhenTheProjectionsAreFlushed) {
  const Checkpoint checkpoint = Make();

  ASSERT_THAT(journal_->Flush(), IsOk());

  EXPECT_EQ(Make().digest, checkpoint.digest);
}

TEST_F(JournalCheckpoint, StaysWhatItIsWhenTheJournalIsReopened) {
  const Checkpoint checkpoint = Make();

  CloseJournal();
  journal_ = OpenJournal(path_);

  EXPECT_EQ(Make().digest, checkpoint.digest);
}

TEST_F(JournalCheckpoint, HoldsOfABackupAndOfWhatIsRestoredFromIt) {
  const Checkpoint checkpoint = Make();
  const std::string backup = dir_.File("backup.db");
  const std::string restored = dir_.File("restored.db");

  ASSERT_THAT(Backup(path_, backup), IsOk());
  ASSERT_THAT(Restore({.backup = backup, .journal_path = restored}), IsOk());

  EXPECT_TRUE(ProveOn(backup, checkpoint).holds);
  EXPECT_TRUE(ProveOn(restored, checkpoint).holds);
}

class ArchivedCheckpoint : public JournalCheckpoint {
 protected:
  // b is finished, and goes into a segment.
  void Archive() {
    Batch last = EventBatch("b", 2);
    last.projection.live = false;
    ASSERT_THAT(journal_->Append(std::move(last)), IsOk());
    before_ = Make();
    ArchiveOptions options;
    options.finished_before_unix_ms = 1'000'000;
    HF_ASSERT_OK_AND_ASSIGN(const ArchiveReport report, journal_->Archive(options));
    ASSERT_EQ(report.sandboxes, 1U);
  }
  Checkpoint before_;
};

TEST_F(ArchivedCheckpoint, StaysWhatItIsWhenSandboxesAreArchived) {
  const Checkpoint early = Make(4);  // before the last record of what goes
  Archive();

  EXPECT_EQ(FormatCheckpoint(Make()), FormatCheckpoint(before_));
  EXPECT_EQ(FormatCheckpoint(Make(4)), FormatCheckpoint(early));
  EXPECT_TRUE(ProveOn(path_, before_).holds);
  EXPECT_TRUE(ProveOn(path_, early).holds);
}

TEST_F(ArchivedCheckpoint, StaysWhatItIsWhenAnArchivedSandboxLivesAgain) {
  Archive();

  ASSERT_THAT(journal_->Append(EventBatch("b", 3)), IsOk());

  EXPECT_EQ(Make(6).digest, before_.digest);
  EXPECT_TRUE(ProveOn(path_, before_).holds);
}

TEST_F(ArchivedCheckpoint, HoldsOfABackupWithItsArchiveAndOfWhatIsRestoredFromIt) {
  Archive();
  const std::string backup = dir_.File("backup.db");
  const std::string restored = dir_.File("restored.db");

  HF_ASSERT_OK_AND_ASSIGN(const BackupReport report, Backup(path_, backup));
  ASSERT_THAT(Restore({.backup = backup, .journal_path = restored}), IsOk());

  EXPECT_EQ(report.archive_files, 1U);
  EXPECT_EQ(report.sandboxes, 2U);
  EXPECT_TRUE(ProveOn(backup, before_).holds);
  EXPECT_TRUE(ProveOn(restored, before_).holds);
}

TEST_F(ArchivedCheckpoint, SaysThatAnExpiredSegmentMayBeWhyItIsNotProved) {
  Archive();
  HF_ASSERT_OK_AND_ASSIGN(const ExpireReport report, journal_->ExpireArchives(1'000'000));
  ASSERT_EQ(report.segments.size(), 1U);

  const CheckpointProof proof = ProveOn(path_, before_);

  EXPECT_FALSE(proof.holds);
  EXPECT_THAT(proof.message, HasSubstr("1 segments of the archive were removed"));
}

TEST_F(JournalCheckpoint, IsALineThatCanBeKept) {
  const Checkpoint checkpoint = Make();

  const std::string line = FormatCheckpoint(checkpoint);
  HF_ASSERT_OK_AND_ASSIGN(const Checkpoint parsed, ParseCheckpoint("  " + line + "\r\n"));

  EXPECT_EQ(line, fmt::format("holdfast-checkpoint-1 {} 5 2 {}", checkpoint.journal_id,
                              checkpoint.digest));
  EXPECT_EQ(FormatCheckpoint(parsed), line);
}

TEST_F(JournalCheckpoint, IsNoOtherLine) {
  const std::string line = FormatCheckpoint(Make());
  for (const std::string& other :
       {std::string(), line + " more", line.substr(0, line.size() - 1), "x" + line,
        "holdfast-checkpoint-2" + line.substr(21), std::string("holdfast-checkpoint-1 a b c d")}) {
    EXPECT_THAT(ParseCheckpoint(other), StatusIs(absl::StatusCode::kInvalidArgument)) << other;
  }
}

// Changes a record and everything that follows from it, as somebody would who knows the format.
void Forge(const std::string& path, const std::string& id, std::uint64_t from) {
  const auto reader = Reader::Open(path);
  ASSERT_THAT(reader, IsOk());
  const std::vector<Record> records = ReadAll(**reader, id);
  HF_ASSERT_OK_AND_ASSIGN(Hasher hasher, Hasher::Create());
  Hash hash = kChainStart;
  std::uint64_t previous = 0;
  std::string sql;
  for (const Record& record : records) {
    const std::string payload = record.sequence == from ? "forged" : record.payload;
    std::string canonical;
    AppendCanonical({.position = record.position,
                     .previous = previous,
                     .sequence = record.sequence,
                     .epoch = record.epoch,
                     .time_unix_ms = record.time_unix_ms,
                     .kind = record.kind,
                     .sandbox_id = record.sandbox_id,
                     .type = record.type,
                     .payload = payload},
                    canonical);
    hash = hasher.Link(hash, canonical);
    sql += fmt::format(
        "UPDATE records SET payload = x'{}', checksum = {}, hash = x'{}' WHERE position = {};",
        ToHex(payload), Checksum(canonical),
        ToHex(std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size())),
        record.position);
    previous = record.position;
  }
  Meddle(path, sql);
}

TEST_F(JournalCheckpoint, IsBrokenByAForgerWhoRewritesTheChainToItsEnd) {
  const Checkpoint checkpoint = Make();
  ASSERT_THAT(journal_->Append(EventBatch("a", 3)), IsOk());
  CloseJournal();

  Forge(path_, "a", 2);

  const CheckpointProof proof = ProveOn(path_, checkpoint);
  EXPECT_TRUE(proof.verified.ok()) << "verify alone cannot know: " << Summary(proof.verified);
  EXPECT_FALSE(proof.holds);
  EXPECT_THAT(proof.message, HasSubstr("not those of the checkpoint"));
}

TEST_F(JournalCheckpoint, HoldsWhenOnlyWhatCameLaterWasForged) {
  const Checkpoint checkpoint = Make();
  ASSERT_THAT(journal_->Append(EventBatch("c", 0, 2)), IsOk());
  CloseJournal();

  Forge(path_, "c", 1);

  EXPECT_TRUE(ProveOn(path_, checkpoint).holds);
}

TEST_F(JournalCheckpoint, IsBrokenByDamageAnywhereBeforeIt) {
  const Checkpoint checkpoint = Make();
  CloseJournal();
  Meddle(path_, "UPDATE records SET payload = x'00' WHERE position = 1");

  const CheckpointProof proof = ProveOn(path_, checkpoint);

  EXPECT_FALSE(proof.holds);
  EXPECT_THAT(proof.message, HasSubstr("damages"));
  EXPECT_FALSE(proof.verified.ok());
}

TEST_F(JournalCheckpoint, CannotBeComparedWhenALastRecordIsDamaged) {
  const Checkpoint checkpoint = Make();
  CloseJournal();
  Meddle(path_, "UPDATE records SET payload = x'00' WHERE position = 4");

  const CheckpointProof proof = ProveOn(path_, checkpoint);

  EXPECT_FALSE(proof.holds);
  EXPECT_THAT(proof.message, HasSubstr("sandbox \"b\""));
}

TEST_F(JournalCheckpoint, SaysThatItIsOfAnotherJournal) {
  const Checkpoint checkpoint = Make();
  const std::string other = dir_.File("other.db");
  OpenJournal(other);

  const CheckpointProof proof = ProveOn(other, checkpoint);

  EXPECT_FALSE(proof.holds);
  EXPECT_THAT(proof.message, HasSubstr("of another journal, " + checkpoint.journal_id));
}

TEST_F(JournalCheckpoint, SaysThatTheJournalEndsBeforeIt) {
  const std::string backup = dir_.File("backup.db");
  ASSERT_THAT(Backup(path_, backup), IsOk());
  ASSERT_THAT(journal_->Append(EventBatch("c", 0, 2)), IsOk());
  const Checkpoint checkpoint = Make();

  const CheckpointProof proof = ProveOn(backup, checkpoint);

  EXPECT_FALSE(proof.holds);
  EXPECT_THAT(proof.message, HasSubstr("at position 7, and the journal ends at 5"));
}

}  // namespace
}  // namespace holdfast::journal
