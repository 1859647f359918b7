// SPDX-License-Identifier: Apache-2.0
//
// A deep verify folds: a snapshot that lies, and records that cannot follow each other, are named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/snapshot.h"
#include "statemachine/planning/fold.h"
#include "tests/statemachine/planned_sandbox.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tools/views/journal_view.h"

namespace holdfast::testing {
namespace {

using ::testing::HasSubstr;

class SnapshotCheck : public ::testing::Test {
 protected:
  void SetUp() override {
    while (planned_.Step(tests::Succeed)) {
    }
    journal::Options options;
    options.path = dir_.File("j");
    auto journal = journal::Journal::Open(std::move(options));
    ASSERT_THAT(journal, IsOk());
    journal_ = *std::move(journal);
  }

  // The sandbox's history, one record a batch; with the record `at`, what `snapshot` makes of the
  // truth.
  void Write(std::uint64_t at, const std::function<std::string(model::Sandbox)>& snapshot) {
    model::Sandbox folded;
    folded.id = planned_.sandbox().id;
    for (const model::Recorded& recorded : planned_.history()) {
      ASSERT_THAT(planning::Fold(folded, recorded), IsOk());
      Append(recorded, folded,
             recorded.sequence.value == at ? std::optional(snapshot(folded)) : std::nullopt);
    }
  }
  void Append(const model::Recorded& recorded, const model::Sandbox& folded,
              std::optional<std::string> snapshot) {
    journal::Batch batch;
    batch.sandbox_id = folded.id.value;
    batch.expected_sequence = recorded.sequence.value - 1;
    batch.drafts = {codec::Encode(recorded.event, recorded.time)};
    batch.projection.state = Name(folded.state);
    batch.snapshot = std::move(snapshot);
    ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  }
  lifecycle::v1::VerifyResponse Verify(bool quick = false) {
    EXPECT_THAT(journal_->Flush(), IsOk());
    lifecycle::v1::VerifyRequest request;
    request.set_quick(quick);
    auto report = views::JournalView(journal_->reader()).Verify(request);
    EXPECT_THAT(report, IsOk());
    return *std::move(report);
  }

  TempDir dir_;
  tests::PlannedSandbox planned_;
  std::unique_ptr<journal::Journal> journal_;
};

TEST_F(SnapshotCheck, FindsNothingWrongWithOneThatIsTrue) {
  Write(9, codec::EncodeSnapshot);

  EXPECT_EQ(Verify().damages_size(), 0);
}

TEST_F(SnapshotCheck, NamesOneThatLies) {
  Write(9, [](model::Sandbox truth) {
    truth.held.clear();
    return codec::EncodeSnapshot(truth);
  });

  const auto report = Verify();

  ASSERT_EQ(report.damages_size(), 1);
  EXPECT_EQ(report.damages(0).kind(), "snapshot");
  EXPECT_EQ(report.damages(0).sandbox_id(), "sb-1");
  EXPECT_EQ(report.damages(0).sequence(), 9u);
  EXPECT_EQ(report.damages(0).position(), 9u);
}

TEST_F(SnapshotCheck, LeavesThatToADeepVerify) {
  Write(9, [](model::Sandbox truth) {
    truth.held.clear();
    return codec::EncodeSnapshot(truth);
  });

  EXPECT_EQ(Verify(/*quick=*/true).damages_size(), 0);
}

TEST_F(SnapshotCheck, NamesOneThatCannotBeRead) {
  Write(9, [](const model::Sandbox&) { return std::string("\x08\x01\x12"); });

  const auto report = Verify();

  ASSERT_EQ(report.damages_size(), 1);
  EXPECT_EQ(report.damages(0).kind(), "snapshot");
  EXPECT_THAT(report.damages(0).message(), HasSubstr("nothing is lost"));
}

TEST_F(SnapshotCheck, NamesOneThatIsOfAnotherRecord) {
  Write(9, [](model::Sandbox truth) {
    truth.head.value = 8;
    return codec::EncodeSnapshot(truth);
  });

  const auto report = Verify();

  ASSERT_EQ(report.damages_size(), 1);
  EXPECT_EQ(report.damages(0).kind(), "snapshot");
}

TEST_F(SnapshotCheck, AcceptsOneOfAnotherVersionBecauseNobodyUsesIt) {
  Write(9, [](const model::Sandbox& truth) {
    std::string bytes = codec::EncodeSnapshot(truth);
    bytes[1] = static_cast<char>(codec::kSnapshotVersion + 1);
    return bytes;
  });

  EXPECT_EQ(Verify().damages_size(), 0);
}

TEST_F(SnapshotCheck, NamesTheRecordThatCannotFollow) {
  Write(9, codec::EncodeSnapshot);
  const model::Sandbox& last = planned_.sandbox();
  Append({{last.head.value + 1}, {0}, model::StepRetried{{1}, 2, false, false}}, last, {});

  const auto report = Verify();

  ASSERT_EQ(report.damages_size(), 1);
  EXPECT_EQ(report.damages(0).kind(), "fold");
  EXPECT_EQ(report.damages(0).sequence(), last.head.value + 1);
  EXPECT_THAT(report.damages(0).message(), HasSubstr("set aside at the next start"));
}

}  // namespace
}  // namespace holdfast::testing
