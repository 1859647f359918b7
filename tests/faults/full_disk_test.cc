// SPDX-License-Identifier: Apache-2.0
//
// Method. The journal alone on a real file system that is full: a small tmpfs, filled up by
// somebody else to the last page, or to a few pages less, so that the space ends in the middle of
// each thing that the journal does. It refuses with ResourceExhausted, loses nothing, and goes on
// by itself when there is room. Here no VFS of ours is in the way: what is full is the kernel's
// file system.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "tests/journal/testing.h"
#include "tests/support/require.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::faults {
namespace {

using journal::EventBatch;
using journal::Journal;
using journal::OpenJournal;
using journal::OptionsFor;
using journal::ReadAll;
using testing::IsOk;
using testing::StatusIs;

constexpr std::size_t kPage = 4096;

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(Disk());
    mounted_ =
        ::geteuid() == 0 && ::mount("none", Disk().c_str(), "tmpfs", 0, "size=4m,mode=0700") == 0;
    HF_NEEDS("root", mounted_, "a small tmpfs could not be mounted to be filled up");
  }
  void TearDown() override {
    journal_.reset();
    if (!mounted_) return;
    EXPECT_EQ(::umount(Disk().c_str()), 0);
  }

  std::string Disk() const { return dir_.File("disk"); }
  std::string Path() const { return Disk() + "/journal.db"; }

  // Leaves room for `pages`.
  void FillUp(std::size_t pages) const {
    {
      std::ofstream filler(Disk() + "/filler", std::ios::binary);
      const std::string block(kPage, 'x');
      while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
      }
    }
    const auto size = std::filesystem::file_size(Disk() + "/filler") / kPage * kPage;
    std::filesystem::resize_file(Disk() + "/filler", size - pages * kPage);
  }
  void MakeRoom() const { std::filesystem::remove(Disk() + "/filler"); }

  static bool BecomesSound(const Journal& journal) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!journal.sound() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // polls; nothing is assumed of it
    }
    return journal.sound();
  }

  // Appends to "a" until one is refused; how.
  absl::Status AppendUntilRefused() {
    const std::string payload(1'000, 'x');
    while (acknowledged_ < 100'000) {
      const auto appended = journal_->Append(EventBatch("a", acknowledged_, 1, payload));
      if (!appended.ok()) return appended.status();
      ++acknowledged_;
    }
    return absl::OkStatus();
  }

  void ExpectExactlyWhatWasAcknowledged() const {
    EXPECT_EQ(ReadAll(journal_->reader(), "a").size(), acknowledged_);
    const auto report = journal_->reader().Verify();
    ASSERT_THAT(report, IsOk());
    EXPECT_TRUE(report->ok()) << journal::Summary(*report);
    EXPECT_EQ(report->records, acknowledged_);
  }

  const testing::TempDir dir_;
  bool mounted_ = false;
  std::unique_ptr<Journal> journal_;
  std::uint64_t acknowledged_ = 0;
};

TEST_F(FullDisk, RefusesReadsOnAndGoesOnByItselfWhereverTheSpaceEnds) {
  journal_ = OpenJournal(Path());
  for (std::size_t pages = 0; pages < 24 && !HasFailure(); ++pages) {
    SCOPED_TRACE(fmt::format("room for {} pages", pages));
    FillUp(pages);

    EXPECT_THAT(AppendUntilRefused(), StatusIs(absl::StatusCode::kResourceExhausted));
    EXPECT_FALSE(journal_->sound());
    EXPECT_FALSE(journal_->Append(EventBatch("b", 0)).ok());
    ExpectExactlyWhatWasAcknowledged();

    MakeRoom();
    ASSERT_TRUE(BecomesSound(*journal_));
    EXPECT_THAT(journal_->Append(EventBatch("a", acknowledged_)), IsOk());
    ++acknowledged_;
    ExpectExactlyWhatWasAcknowledged();
  }
}

TEST_F(FullDisk, ClosesAndKeepsWhatWasAcknowledgedForTheNextOpen) {
  journal_ = OpenJournal(Path());
  FillUp(3);
  ASSERT_THAT(AppendUntilRefused(), StatusIs(absl::StatusCode::kResourceExhausted));

  EXPECT_FALSE(journal_->Close().ok());  // it says that the last commit failed
  journal_.reset();
  MakeRoom();
  journal_ = OpenJournal(Path());

  ExpectExactlyWhatWasAcknowledged();
}

TEST_F(FullDisk, IsNotOpenedForWritingUntilThereIsRoomForIt) {
  for (std::size_t pages = 0; pages < 24 && !HasFailure(); ++pages) {
    SCOPED_TRACE(fmt::format("room for {} pages", pages));
    FillUp(pages);

    auto opened = Journal::Open(OptionsFor(Path()));

    if (!opened.ok()) {
      EXPECT_THAT(opened, StatusIs(absl::StatusCode::kResourceExhausted));
      MakeRoom();
      opened = Journal::Open(OptionsFor(Path()));
    }
    ASSERT_THAT(opened, IsOk());
    MakeRoom();
    journal_ = *std::move(opened);
    EXPECT_THAT(journal_->Append(EventBatch("a", acknowledged_)), IsOk());
    ++acknowledged_;
    ExpectExactlyWhatWasAcknowledged();
    journal_.reset();
  }
}

TEST_F(FullDisk, IsMadeWholeOrNotAtAllWhereverTheSpaceEnds) {
  bool made = false;
  for (std::size_t pages = 0; !made && !HasFailure(); ++pages) {
    SCOPED_TRACE(fmt::format("room for {} pages", pages));
    FillUp(pages);

    const absl::Status opened = Journal::Open(OptionsFor(Path())).status();
    MakeRoom();

    made = opened.ok();
    if (!made) {
      EXPECT_THAT(opened, StatusIs(absl::StatusCode::kResourceExhausted));
    }
    EXPECT_FALSE(std::filesystem::exists(Path() + ".holdfast-unfinished"));
    if (!std::filesystem::exists(Path())) continue;
    journal_ = OpenJournal(Path());
    ExpectExactlyWhatWasAcknowledged();
    journal_.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(Path() + suffix);
  }
}

// So many at once that one transaction is planned upon another, which then fails.
TEST_F(FullDisk, AnswersAllThatAreInFlightWhereverTheSpaceEnds) {
  constexpr std::size_t kSandboxes = 100;
  constexpr std::size_t kEach = 12;
  std::size_t refused = 0;
  for (std::size_t pages = 0; pages < 120 && !HasFailure(); pages += 7) {
    SCOPED_TRACE(fmt::format("room for {} pages", pages));
    journal_.reset();
    for (const auto& old : std::filesystem::directory_iterator(Disk())) {
      std::filesystem::remove_all(old);
    }
    journal_ = OpenJournal(Path());
    FillUp(pages);

    std::vector<std::uint64_t> acknowledged(kSandboxes, 0);
    std::latch answered(kSandboxes * kEach);
    std::vector<std::uint64_t> heads = acknowledged;
    for (std::size_t i = 0; i < kSandboxes * kEach; ++i) {
      const std::size_t sandbox = i % kSandboxes;
      journal_->AppendAsync(
          EventBatch(fmt::format("sandbox-{}", sandbox), heads[sandbox]++, 1, "payload"),
          [&, sandbox](const absl::StatusOr<journal::Appended>& answer) {
            if (answer.ok()) {
              EXPECT_EQ(answer->last_sequence, ++acknowledged[sandbox]);
            } else {
              // Aborted: the journal was sound again before it came to this one.
              EXPECT_TRUE(absl::IsResourceExhausted(answer.status()) ||
                          absl::IsAborted(answer.status()))
                  << answer.status();
              ++refused;
            }
            answered.count_down();
          });
    }
    answered.wait();
    MakeRoom();
    while (!journal_->Append(EventBatch("last", 0)).ok()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // polls; nothing is assumed of it
    }
    for (std::size_t i = 0; i < kSandboxes; ++i) {
      ASSERT_EQ(ReadAll(journal_->reader(), fmt::format("sandbox-{}", i)).size(), acknowledged[i]);
    }
    const auto report = journal_->reader().Verify();
    ASSERT_THAT(report, IsOk());
    EXPECT_TRUE(report->ok()) << journal::Summary(*report);
  }
  EXPECT_GT(refused, 0U) << "the case is about refusals";
}

}  // namespace
}  // namespace holdfast::faults
