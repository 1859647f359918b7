// SPDX-License-Identifier: Apache-2.0
//
// What an operator does to a journal, done by a gateway that is not ours: archive and expire,
// checkpoint and prove, back up and restore, while the journal is held.
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tests/journal/c/testing.h"

namespace holdfast::journal::testing {
namespace {

constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();

struct SeenSegment {
  std::uint64_t number, sandboxes, records;
  std::string file;
  bool expired;
};
SeenSegment CopySegment(const hf_segment& segment) {
  return {segment.number, segment.sandboxes, segment.records, segment.file, segment.expired != 0};
}
constexpr auto CollectSegments = Collect<hf_segment, SeenSegment, CopySegment>;

struct SeenProof {
  bool holds = false;
  std::uint64_t records = 0, damages = 0;
  std::string message;
};
void TakeProof(void* context, const hf_proof* proof) {
  *static_cast<SeenProof*>(context) = {proof->holds != 0, proof->records, proof->damages,
                                       proof->message};
}

class JournalCOperator : public JournalCTest {
 protected:
  void SetUp() override {
    Open();
    Append(EventBatch("s1", 0));
    Finish("s2");
  }
  void Finish(const char* sandbox) {
    const Batch batch = EventBatch(sandbox, 0);
    EXPECT_HF_OK(hf_batch_set_projection(batch.get(), "Deleted", 0, nullptr, 0, HF_ERROR));
    Append(batch);
  }
  hf_archive_report Archive() {
    hf_archive_options options = HF_ARCHIVE_OPTIONS_INIT;
    options.finished_before_unix_ms = kAll;
    hf_archive_report report = HF_ARCHIVE_REPORT_INIT;
    EXPECT_HF_OK(hf_archive(journal_, &options, nullptr, nullptr, &report, HF_ERROR));
    return report;
  }
  std::vector<SeenSegment> Segments() {
    std::vector<SeenSegment> seen;
    EXPECT_HF_OK(hf_list_segments(reader_, CollectSegments, &seen, HF_ERROR));
    return seen;
  }
  std::string Checkpoint() {
    char line[HF_CHECKPOINT_BYTES] = "";
    EXPECT_HF_OK(hf_checkpoint(reader_, 0, line, sizeof line, HF_ERROR));
    return line;
  }
  SeenProof Prove(const std::string& line) {
    SeenProof proof;
    EXPECT_HF_OK(hf_verify_against(reader_, line.c_str(), nullptr, TakeProof, &proof, HF_ERROR));
    return proof;
  }

  const std::string backup_ = directory_.File("backup.db");
};

TEST_F(JournalCOperator, ArchivesWhatIsFinishedAndReadsItAsBefore) {
  const hf_archive_report report = Archive();

  EXPECT_EQ(report.segments, 1U);
  EXPECT_EQ(report.sandboxes, 1U);
  EXPECT_EQ(report.records, 1U);
  EXPECT_EQ(report.kept, 0U);
  const std::vector<SeenSegment> segments = Segments();
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].number, 1U);
  EXPECT_TRUE(std::filesystem::exists(Path() + ".archive/" + segments[0].file));
  EXPECT_EQ(Read("s2").size(), 1U);
  EXPECT_EQ(Append(EventBatch("s1", 1)), 2U);
}

TEST_F(JournalCOperator, ArchivesNothingThatIsYounger) {
  const hf_archive_options options = HF_ARCHIVE_OPTIONS_INIT;  // before 1970
  hf_archive_report report = HF_ARCHIVE_REPORT_INIT;

  EXPECT_HF_OK(hf_archive(journal_, &options, nullptr, nullptr, &report, HF_ERROR));

  EXPECT_EQ(report.sandboxes, 0U);
}

TEST_F(JournalCOperator, ArchivesInSegmentsOfTheSizeThatIsAskedFor) {
  Finish("s3");
  hf_archive_options options = HF_ARCHIVE_OPTIONS_INIT;
  options.finished_before_unix_ms = kAll;
  options.sandboxes_per_segment_max = 1;

  EXPECT_HF_OK(hf_archive(journal_, &options, nullptr, nullptr, nullptr, HF_ERROR));

  EXPECT_EQ(Segments().size(), 2U);
}

TEST_F(JournalCOperator, EndsArchivingEarlyWhenAskedTo) {
  int asked = 0;
  hf_archive_options options = HF_ARCHIVE_OPTIONS_INIT;
  options.finished_before_unix_ms = kAll;
  options.stop = [](void* context) -> std::int32_t { return ++*static_cast<int*>(context); };
  options.stop_context = &asked;

  EXPECT_HF_OK(hf_archive(journal_, &options, nullptr, nullptr, nullptr, HF_ERROR));

  EXPECT_GT(asked, 0);
  EXPECT_TRUE(Segments().empty());
}

TEST_F(JournalCOperator, ExpiresSegmentsOfWhichAllIsOlder) {
  Archive();
  std::vector<SeenSegment> removed;

  EXPECT_HF_OK(hf_expire_archives(journal_, 0, CollectSegments, nullptr, &removed, HF_ERROR));
  EXPECT_TRUE(removed.empty());
  EXPECT_HF_OK(hf_expire_archives(journal_, kAll, CollectSegments, nullptr, &removed, HF_ERROR));

  ASSERT_EQ(removed.size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(Path() + ".archive/" + removed[0].file));
  EXPECT_TRUE(Segments().at(0).expired);
  EXPECT_TRUE(Read("s2").empty());
}

TEST_F(JournalCOperator, SaysWhyASegmentStays) {
  Archive();
  Append(EventBatch("s2", 1));  // lives again
  std::string why;

  EXPECT_HF_OK(hf_expire_archives(
      journal_, kAll, nullptr,
      [](void* context, const char* sentence) -> std::int32_t {
        *static_cast<std::string*>(context) = sentence;
        return HF_CONTINUE;
      },
      &why, HF_ERROR));

  EXPECT_NE(why, "");
  EXPECT_EQ(Read("s2").size(), 2U);
}

TEST_F(JournalCOperator, ProvesThatNothingWasChangedSinceACheckpoint) {
  const std::string line = Checkpoint();
  Append(EventBatch("s1", 1));

  const SeenProof proof = Prove(line);

  EXPECT_TRUE(proof.holds) << proof.message;
  EXPECT_EQ(proof.records, 3U);
  EXPECT_EQ(proof.damages, 0U);
}

TEST_F(JournalCOperator, SaysWhyACheckpointDoesNotHold) {
  std::string line = Checkpoint();
  line.back() = line.back() == '0' ? '1' : '0';

  const SeenProof proof = Prove(line);

  EXPECT_FALSE(proof.holds);
  EXPECT_NE(proof.message, "");
}

TEST_F(JournalCOperator, MakesACheckpointOfAnEarlierPositionAndNoneOfALaterOne) {
  char line[HF_CHECKPOINT_BYTES] = "";
  const std::string before = Checkpoint();
  Append(EventBatch("s1", 1));

  EXPECT_HF_OK(hf_checkpoint(reader_, 2, line, sizeof line, HF_ERROR));
  EXPECT_EQ(line, before);
  EXPECT_EQ(hf_checkpoint(reader_, 4, line, sizeof line, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(JournalCOperator, BacksUpTheJournalThatItHolds) {
  Archive();
  struct Seen {
    std::uint64_t position, records, archive_files;
    std::string id;
  } seen{};

  EXPECT_HF_OK(hf_backup(
      Path().c_str(), backup_.c_str(),
      [](void* context, const hf_backup_report* report) {
        *static_cast<Seen*>(context) = {report->position, report->records, report->archive_files,
                                        report->journal_id};
      },
      &seen, HF_ERROR));

  char id[HF_JOURNAL_ID_BYTES];
  EXPECT_HF_OK(hf_journal_id(reader_, id, sizeof id, HF_ERROR));
  EXPECT_EQ(seen.position, 2U);
  EXPECT_EQ(seen.records, 2U);
  EXPECT_EQ(seen.archive_files, 1U);
  EXPECT_EQ(seen.id, id);
  EXPECT_EQ(Append(EventBatch("s1", 1)), 2U);
}

TEST_F(JournalCOperator, BacksUpOverNothing) {
  EXPECT_HF_OK(hf_backup(Path().c_str(), backup_.c_str(), nullptr, nullptr, HF_ERROR));
  Error error;

  EXPECT_EQ(hf_backup(Path().c_str(), backup_.c_str(), nullptr, nullptr, &error.pointer),
            HF_ALREADY_EXISTS);

  EXPECT_STREQ(hf_code_name(hf_error_code(error.pointer)), "ALREADY_EXISTS");
  EXPECT_EQ(hf_backup(directory_.File("none.db").c_str(), directory_.File("x").c_str(), nullptr,
                      nullptr, nullptr),
            HF_NOT_FOUND);
}

TEST_F(JournalCOperator, RestoresABackupThatReadersThenSee) {
  EXPECT_HF_OK(hf_backup(Path().c_str(), backup_.c_str(), nullptr, nullptr, HF_ERROR));
  Append(EventBatch("s1", 1));
  Close();
  hf_reader* outside = nullptr;
  const std::string path = Path();
  EXPECT_HF_OK(hf_reader_open(path.c_str(), &outside, HF_ERROR));
  std::uint64_t last = 0;
  EXPECT_HF_OK(hf_last_position(outside, &last, HF_ERROR));
  EXPECT_EQ(last, 3U);
  hf_restore_options options = HF_RESTORE_OPTIONS_INIT;
  options.backup = backup_.c_str();
  options.journal_path = path.c_str();
  options.replace = 1;
  struct Seen {
    std::uint64_t position, epoch;
    std::string aside;
  } seen{};

  EXPECT_HF_OK(hf_restore(
      &options,
      [](void* context, const hf_restore_report* report) {
        *static_cast<Seen*>(context) = {report->position, report->epoch, report->set_aside};
      },
      &seen, HF_ERROR));

  EXPECT_EQ(seen.position, 2U);
  EXPECT_TRUE(std::filesystem::exists(seen.aside));
  EXPECT_HF_OK(hf_last_position(outside, &last, HF_ERROR));
  EXPECT_EQ(last, 2U);
  EXPECT_HF_OK(hf_reader_close(outside, HF_ERROR));
  Open();
  std::uint64_t epoch = 0;
  EXPECT_HF_OK(hf_epoch(journal_, &epoch, HF_ERROR));
  EXPECT_GT(epoch, seen.epoch - 1);
}

TEST_F(JournalCOperator, RestoresOverNoJournalThatIsHeldOrUnlessAskedTo) {
  EXPECT_HF_OK(hf_backup(Path().c_str(), backup_.c_str(), nullptr, nullptr, HF_ERROR));
  const std::string path = Path();
  hf_restore_options options = HF_RESTORE_OPTIONS_INIT;
  options.backup = backup_.c_str();
  options.journal_path = path.c_str();
  options.replace = 1;

  EXPECT_EQ(hf_restore(&options, nullptr, nullptr, nullptr), HF_FAILED_PRECONDITION);
  Close();
  options.replace = 0;
  EXPECT_EQ(hf_restore(&options, nullptr, nullptr, nullptr), HF_FAILED_PRECONDITION);
  Open();

  EXPECT_EQ(Append(EventBatch("s1", 1)), 2U);
}

}  // namespace
}  // namespace holdfast::journal::testing
