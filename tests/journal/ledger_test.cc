// SPDX-License-Identifier: Apache-2.0
//
// The ledger's rules, one verdict at a time, and which intents are open.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Ledger : public ::testing::Test {
 protected:
  // Returns the sequence of the record.
  std::uint64_t Intend(const v1::Intent& intent) { return Append(Draft::Intent(intent, Now())); }
  std::uint64_t Answer(const v1::Outcome& outcome) {
    return Append(Draft::Outcome(outcome, Now()));
  }
  std::uint64_t IntendForward() {
    return Intend(ForwardIntent("docker", "key-1",
                                {MakeResource("container", "c"), MakeResource("volume", "v")}));
  }
  std::vector<std::string> Rows() {
    const auto rows = journal_->reader().ReadLedger("a", true);
    std::vector<std::string> texts;
    if (!rows.ok()) return {rows.status().ToString()};
    constexpr const char* kNames[] = {"?", "maybe", "held", "released", "gone"};
    for (const LedgerRow& row : *rows) {
      texts.push_back(fmt::format("{} {} {} {} by {}", row.kind, row.name,
                                  kNames[static_cast<int>(row.status)], row.handle, row.intent));
    }
    return texts;
  }
  std::vector<std::uint64_t> Open() {
    std::vector<std::uint64_t> open;
    const auto intents = journal_->reader().ListOpenIntents("a");
    if (intents.ok()) {
      for (const OpenIntent& intent : *intents) open.push_back(intent.intent);
    }
    return open;
  }
  void TearDown() override {
    HF_ASSERT_OK_AND_ASSIGN(const VerifyReport report, journal_->reader().Verify());
    EXPECT_TRUE(report.ok()) << Summary(report);
  }

 private:
  std::uint64_t Append(Draft draft) {
    const auto appended = journal_->Append(BatchOf("a", head_, {std::move(draft)}));
    EXPECT_THAT(appended, IsOk());
    return ++head_;
  }
  std::int64_t Now() const { return 1'000 + static_cast<std::int64_t>(head_); }

  const TempDir dir_;

 protected:
  std::unique_ptr<Journal> journal_ = OpenJournal(dir_.File("journal.db"));
  std::uint64_t head_ = 0;
};

TEST_F(Ledger, AClaimIsMaybeHeld) {
  IntendForward();
  EXPECT_THAT(Rows(), ElementsAre("container c maybe  by 1", "volume v maybe  by 1"));
}

TEST_F(Ledger, ARowTellsItsIntentsKeyAndSinceWhen) {
  IntendForward();
  HF_ASSERT_OK_AND_ASSIGN(const auto rows, journal_->reader().ReadLedger("", false));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].sandbox_id, "a");
  EXPECT_EQ(rows[0].participant, "docker");
  EXPECT_EQ(rows[0].key, "key-1");
  EXPECT_EQ(rows[0].since_unix_ms, 1'000);
}

TEST_F(Ledger, DoneHoldsItsResourcesAndEndsClaimsThatCameToNothing) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::DONE, true,
                     {MakeResource("container", "c", "h1"), MakeResource("network", "n", "h2")}));
  EXPECT_THAT(Rows(), ElementsAre("container c held h1 by 1", "network n held h2 by 1",
                                  "volume v gone  by 1"));
}

TEST_F(Ledger, PresentHoldsLikeDone) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::PRESENT, false,
                     {MakeResource("volume", "v", "h")}));
  EXPECT_THAT(Rows(), ElementsAre("container c gone  by 1", "volume v held h by 1"));
}

TEST_F(Ledger, FailedWithoutEffectEndsTheClaims) {
  v1::Outcome outcome = MakeOutcome(IntendForward(), v1::Outcome::FAILED, true);
  outcome.set_no_effect(true);
  Answer(outcome);
  EXPECT_THAT(Rows(), ElementsAre("container c gone  by 1", "volume v gone  by 1"));
}

TEST_F(Ledger, FailedWithResourcesHoldsThemAndLeavesTheRestMaybe) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::FAILED, false,
                     {MakeResource("container", "c", "h")}));
  EXPECT_THAT(Rows(), ElementsAre("container c held h by 1", "volume v maybe  by 1"));
}

TEST_F(Ledger, FailedWithoutAWordLeavesTheClaimsMaybe) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::FAILED, false));
  EXPECT_THAT(Rows(), ElementsAre("container c maybe  by 1", "volume v maybe  by 1"));
}

TEST_F(Ledger, UnknownCannotTellAndAbandonedChangeNothing) {
  const std::uint64_t intent = IntendForward();
  Answer(MakeOutcome(intent, v1::Outcome::UNKNOWN, false));
  Answer(MakeOutcome(intent, v1::Outcome::CANNOT_TELL, false));
  Answer(MakeOutcome(intent, v1::Outcome::ABANDONED, true));
  EXPECT_THAT(Rows(), ElementsAre("container c maybe  by 1", "volume v maybe  by 1"));
}

TEST_F(Ledger, AbsentEndsTheClaims) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::ABSENT, true));
  EXPECT_THAT(Rows(), ElementsAre("container c gone  by 1", "volume v gone  by 1"));
}

TEST_F(Ledger, VanishedEndsWhatWasHeldAlsoWhenTheIntentIsClosed) {
  const std::uint64_t intent = IntendForward();
  Answer(MakeOutcome(intent, v1::Outcome::DONE, true,
                     {MakeResource("container", "c", "h"), MakeResource("volume", "v", "h")}));
  Answer(MakeOutcome(intent, v1::Outcome::VANISHED, true));
  EXPECT_THAT(Rows(), ElementsAre("container c gone h by 1", "volume v gone h by 1"));
}

TEST_F(Ledger, PresentAfterTheIntentWasClosedHoldsAgain) {
  const std::uint64_t intent = IntendForward();
  Answer(MakeOutcome(intent, v1::Outcome::ABSENT, true));
  Answer(MakeOutcome(intent, v1::Outcome::PRESENT, true, {MakeResource("container", "c", "h")}));
  EXPECT_THAT(Rows(), ElementsAre("container c held h by 1", "volume v gone  by 1"));
}

TEST_F(Ledger, ReleasedByAnOperatorReleases) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::RELEASED, true));
  EXPECT_THAT(Rows(), ElementsAre("container c released  by 1", "volume v released  by 1"));
}

TEST_F(Ledger, AnUndoThatIsDoneReleasesWhatTheStepHeld) {
  const std::uint64_t made = IntendForward();
  Answer(MakeOutcome(made, v1::Outcome::DONE, true, {MakeResource("container", "c", "h")}));
  const std::uint64_t undo = Intend(UndoIntent("docker", "key-2", made));
  EXPECT_THAT(Rows(), ElementsAre("container c held h by 1", "volume v gone  by 1"));
  Answer(MakeOutcome(undo, v1::Outcome::DONE, true));
  EXPECT_THAT(Rows(), ElementsAre("container c released h by 1", "volume v gone  by 1"));
}

TEST_F(Ledger, AnUndoThatFindsNothingEndsTheRows) {
  const std::uint64_t made = IntendForward();
  Answer(MakeOutcome(Intend(UndoIntent("docker", "k", made)), v1::Outcome::ABSENT, true));
  EXPECT_THAT(Rows(), ElementsAre("container c gone  by 1", "volume v gone  by 1"));
}

TEST_F(Ledger, AnUndoThatFailsOrIsUnknownChangesNothing) {
  const std::uint64_t undo = Intend(UndoIntent("docker", "k", IntendForward()));
  Answer(MakeOutcome(undo, v1::Outcome::FAILED, false));
  Answer(MakeOutcome(undo, v1::Outcome::UNKNOWN, false));
  Answer(MakeOutcome(undo, v1::Outcome::PRESENT, false));
  EXPECT_THAT(Rows(), ElementsAre("container c maybe  by 1", "volume v maybe  by 1"));
}

TEST_F(Ledger, ANewIntentTakesARowOver) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::RELEASED, true));
  Intend(ForwardIntent("docker", "key-2", {MakeResource("container", "c")}));
  EXPECT_THAT(Rows(), ElementsAre("container c maybe  by 3", "volume v released  by 1"));
}

TEST_F(Ledger, TheUndoOfAnOldIntentLeavesARowThatWasTakenOver) {
  const std::uint64_t old = IntendForward();
  Intend(ForwardIntent("docker", "key-2", {MakeResource("container", "c")}));
  Answer(MakeOutcome(Intend(UndoIntent("docker", "k", old)), v1::Outcome::DONE, true));
  EXPECT_THAT(Rows(), ElementsAre("container c maybe  by 2", "volume v released  by 1"));
}

TEST_F(Ledger, TwoParticipantsHoldThingsOfOneName) {
  Intend(ForwardIntent("docker", "k1", {MakeResource("lease", "x")}));
  Intend(ForwardIntent("ipam", "k2", {MakeResource("lease", "x")}));
  EXPECT_THAT(Rows(), ElementsAre("lease x maybe  by 1", "lease x maybe  by 2"));
}

TEST_F(Ledger, IsShortWhenOnlyWhatIsHoldingIsAskedFor) {
  Answer(MakeOutcome(IntendForward(), v1::Outcome::DONE, true, {MakeResource("volume", "v", "h")}));
  for (const char* sandbox : {"a", ""}) {
    HF_ASSERT_OK_AND_ASSIGN(const auto rows, journal_->reader().ReadLedger(sandbox, false));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].name, "v");
  }
}

TEST_F(Ledger, IntentAndOutcomeInOneBatchCount) {
  const v1::Intent intent = ForwardIntent("docker", "k", {MakeResource("container", "c")});
  const v1::Outcome outcome =
      MakeOutcome(1, v1::Outcome::DONE, true, {MakeResource("container", "c", "h")});
  ASSERT_THAT(
      journal_->Append(BatchOf("a", 0, {Draft::Intent(intent, 1), Draft::Outcome(outcome, 2)})),
      IsOk());
  EXPECT_THAT(Rows(), ElementsAre("container c held h by 1"));
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(Ledger, AnIntentIsOpenUntilAnOutcomeClosesIt) {
  const std::uint64_t intent = IntendForward();
  EXPECT_THAT(Open(), ElementsAre(intent));
  Answer(MakeOutcome(intent, v1::Outcome::UNKNOWN, false));
  EXPECT_THAT(Open(), ElementsAre(intent));
  Answer(MakeOutcome(intent, v1::Outcome::DONE, true));
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(Ledger, AnOpenIntentTellsWhatIsOwed) {
  IntendForward();
  HF_ASSERT_OK_AND_ASSIGN(const auto intents, journal_->reader().ListOpenIntents(""));
  ASSERT_EQ(intents.size(), 1U);
  EXPECT_EQ(intents[0].sandbox_id, "a");
  EXPECT_EQ(intents[0].position, 1U);
  EXPECT_EQ(intents[0].key, "key-1");
  EXPECT_EQ(intents[0].participant, "docker");
  EXPECT_EQ(intents[0].action, "make");
  EXPECT_EQ(intents[0].time_unix_ms, 1'000);
}

}  // namespace
}  // namespace holdfast::journal
