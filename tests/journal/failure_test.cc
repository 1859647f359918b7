// SPDX-License-Identifier: Apache-2.0
//
// Trap 3: a failed append that is logged and passed over. Here the disk really is full (a small
// tmpfs) or really refuses the write (a file size limit): everybody is told, nothing acknowledged
// is lost, no append is taken meanwhile, and the journal goes on by itself when there is room.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/journal/testing.h"
#include "tests/support/require.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::TempDir;

bool BecomesSound(const Journal& journal) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!journal.sound() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // polls; nothing is assumed of it
  }
  return journal.sound();
}

// Appends until one fails; returns its status and how many were acknowledged.
absl::Status AppendUntilRefused(Journal& journal, std::uint64_t& acknowledged) {
  const std::string payload(4'000, 'x');
  while (acknowledged < 100'000) {
    const auto appended = journal.Append(EventBatch("a", acknowledged, 1, payload));
    if (!appended.ok()) return appended.status();
    ++acknowledged;
  }
  return absl::OkStatus();
}

void ExpectExactly(Journal& journal, std::uint64_t records) {
  const auto report = journal.reader().Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok()) << Summary(*report);
  EXPECT_EQ(report->records, records);
}

class SmallDisk {
 public:
  explicit SmallDisk(const std::string& directory) : directory_(directory) {
    std::filesystem::create_directory(directory);
    mounted_ = ::mount("none", directory.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(directory_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  bool Grow() { return ::mount("none", directory_.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0; }

 private:
  const std::string directory_;
  bool mounted_ = false;
};

TEST(Trap03AppendFailureSwallowed, ADiskThatIsFullRefusesLosesNothingAndRecoversByItself) {
  const TempDir dir;
  SmallDisk disk(dir.File("disk"));
  HF_NEEDS("root", disk.mounted(), "a small tmpfs could not be mounted to be filled up");
  const auto journal = OpenJournal(dir.File("disk/journal.db"));
  std::uint64_t acknowledged = 0;

  const absl::Status refused = AppendUntilRefused(*journal, acknowledged);
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_GT(acknowledged, 0U);
  EXPECT_EQ(ReadAll(journal->reader(), "a").size(), acknowledged);

  ASSERT_TRUE(disk.Grow());
  ASSERT_TRUE(BecomesSound(*journal));
  EXPECT_THAT(journal->Append(EventBatch("a", acknowledged)), IsOk());
  ExpectExactly(*journal, acknowledged + 1);
}

TEST(Trap03AppendFailureSwallowed, ADiskThatIsFullKeepsWhatWasAcknowledgedAcrossAReopen) {
  const TempDir dir;
  SmallDisk disk(dir.File("disk"));
  HF_NEEDS("root", disk.mounted(), "a small tmpfs could not be mounted to be filled up");
  std::uint64_t acknowledged = 0;
  {
    const auto journal = OpenJournal(dir.File("disk/journal.db"));
    const absl::Status refused = AppendUntilRefused(*journal, acknowledged);
    ASSERT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  }
  ASSERT_TRUE(disk.Grow());

  const auto journal = OpenJournal(dir.File("disk/journal.db"));

  ExpectExactly(*journal, acknowledged);
}

// Makes every write beyond `bytes` of any file fail with EFBIG, in this process only.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    previous_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    Set(bytes);
  }
  ~FileSizeLimit() {
    Lift();
    ::signal(SIGXFSZ, previous_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  void Lift() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  void Set(rlim_t bytes) {
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  rlimit before_{};
  void (*previous_handler_)(int) = nullptr;
};

class Trap03WriteError : public ::testing::Test {
 protected:
  const TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  std::unique_ptr<Journal> journal_ = OpenJournal(path_);
};

TEST_F(Trap03WriteError, RefusesLosesNothingAndRecoversByItself) {
  std::uint64_t acknowledged = 0;
  {
    FileSizeLimit limit(200'000);
    const absl::Status refused = AppendUntilRefused(*journal_, acknowledged);
    EXPECT_TRUE(absl::IsUnavailable(refused) || absl::IsResourceExhausted(refused)) << refused;
    EXPECT_FALSE(journal_->sound());
  }
  ASSERT_TRUE(BecomesSound(*journal_));

  EXPECT_THAT(journal_->Append(EventBatch("a", acknowledged)), IsOk());
  ExpectExactly(*journal_, acknowledged + 1);
}

TEST_F(Trap03WriteError, TakesNoAppendWhileItIsUnsound) {
  FileSizeLimit limit(200'000);
  std::uint64_t acknowledged = 0;
  ASSERT_FALSE(AppendUntilRefused(*journal_, acknowledged).ok());

  EXPECT_FALSE(journal_->Append(EventBatch("b", 0)).ok());
  EXPECT_FALSE(journal_->sound());
}

TEST_F(Trap03WriteError, RecoversAlsoWhileAppendsKeepComing) {
  std::uint64_t acknowledged = 0;
  {
    FileSizeLimit limit(200'000);
    ASSERT_FALSE(AppendUntilRefused(*journal_, acknowledged).ok());
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);

  while (!journal_->sound() && std::chrono::steady_clock::now() < deadline) {
    journal_->AppendAsync(EventBatch("b", 0), [](const absl::StatusOr<Appended>&) {});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // sooner than the first probe
  }

  EXPECT_TRUE(journal_->sound());
}

TEST_F(Trap03WriteError, TellsEveryBatchOfTheFailedCommit) {
  FileSizeLimit limit(200'000);
  constexpr std::size_t kBatches = 300;
  std::size_t acknowledged = 0;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kBatches; ++i) {
    journal_->AppendAsync(
        EventBatch(std::to_string(i), 0, 1, std::string(4'000, 'x')),
        [&](absl::StatusOr<Appended> answer) { ++(answer.ok() ? acknowledged : refused); });
  }
  journal_->Close().IgnoreError();  // its error is the one that is tested
  limit.Lift();
  journal_.reset();
  journal_ = OpenJournal(path_);

  EXPECT_EQ(acknowledged + refused, kBatches);
  EXPECT_GT(refused, 0U);
  ExpectExactly(*journal_, acknowledged);
}

}  // namespace
}  // namespace holdfast::journal
