// SPDX-License-Identifier: Apache-2.0
//
// Key rotation on a journal: which keys are needed, and that boxes come to need the current one.
#include "journal/rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

bool Always() { return true; }

class Rotation : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options;
    options.path = dir_.File("journal.db");
    auto journal = Journal::Open(std::move(options));
    ASSERT_THAT(journal, IsOk());
    journal_ = *std::move(journal);
    AddKeyNamed("old");
  }

  void AddKeyNamed(const std::string& id) {
    ASSERT_THAT(AddKey(dir_.File("keys"), id), IsOk());
    auto sealer = Sealer::FromKeyFile(dir_.File("keys"));
    ASSERT_THAT(sealer, IsOk());
    sealer_ = *std::move(sealer);
  }
  std::string Context(const std::string& id) {
    return SealContext(journal_->reader().journal_id(), id);
  }
  void Append(const std::string& id, std::optional<std::string> sealed) {
    Batch batch;
    batch.sandbox_id = id;
    batch.drafts.push_back(Draft::Event("Something", "", 1));
    batch.projection.state = "Running";
    batch.sealed = std::move(sealed);
    ASSERT_THAT(journal_->Append(std::move(batch)), IsOk());
  }
  void Put(const std::string& id) {
    auto box = sealer_->Seal("secret of " + id, Context(id));
    ASSERT_THAT(box, IsOk());
    Append(id, *std::move(box));
  }
  std::string Opened(const std::string& id) {
    const auto box = journal_->reader().ReadSealed(id);
    EXPECT_THAT(box, IsOk());
    const auto opened = sealer_->Open(**box, Context(id));
    EXPECT_THAT(opened, IsOk());
    return std::string(opened->Reveal());
  }
  BoxesByKey Count() {
    const auto count = CountBoxes(journal_->reader());
    EXPECT_THAT(count, IsOk());
    return *count;
  }

  testing::TempDir dir_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Sealer> sealer_;
};

TEST_F(Rotation, CountsBoxesByTheKeyThatTheyNeed) {
  Put("a");
  AddKeyNamed("new");
  Put("b");
  Put("c");
  Append("none", std::nullopt);
  Append("broken", "not a box");

  const BoxesByKey count = Count();

  EXPECT_THAT(count.boxes, ElementsAre(Pair("new", 2U), Pair("old", 1U)));
  EXPECT_EQ(count.damaged, 1U);
}

TEST_F(Rotation, SealsAnewWhatIsNotUnderTheCurrentKey) {
  Put("a");
  Put("b");
  AddKeyNamed("new");
  Put("c");

  const auto report = ResealBoxes(*journal_, *sealer_, Always);

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->boxes, 3U);
  EXPECT_EQ(report->resealed, 2U);
  EXPECT_EQ(report->failures, 0U);
  EXPECT_THAT(Count().boxes, ElementsAre(Pair("new", 3U)));
  EXPECT_EQ(Opened("a"), "secret of a");
  EXPECT_EQ(Opened("c"), "secret of c");
}

TEST_F(Rotation, HasNothingToDoTheSecondTime) {
  Put("a");
  AddKeyNamed("new");
  ASSERT_THAT(ResealBoxes(*journal_, *sealer_, Always), IsOk());

  const auto again = ResealBoxes(*journal_, *sealer_, Always);

  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->resealed, 0U);
}

TEST_F(Rotation, NamesTheBoxesThatItCannotOpenAndGoesOn) {
  Put("a");
  Append("broken", "not a box");
  Put("moved");
  ASSERT_THAT(journal_->ReplaceSealed("moved", **journal_->reader().ReadSealed("moved"),
                                      **journal_->reader().ReadSealed("a")),
              IsOk());
  AddKeyNamed("new");
  Put("z");

  const auto report = ResealBoxes(*journal_, *sealer_, Always);

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->boxes, 4U);
  EXPECT_EQ(report->resealed, 1U);
  EXPECT_THAT(report->failed, ElementsAre(HasSubstr("broken: "), HasSubstr("moved: ")));
  EXPECT_EQ(report->failures, 2U);
}

TEST_F(Rotation, EndsWhenItIsToldTo) {
  Put("a");
  Put("b");
  AddKeyNamed("new");
  int asked = 0;

  const auto report = ResealBoxes(*journal_, *sealer_, [&asked] { return ++asked == 1; });

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->resealed, 1U);
}

TEST_F(Rotation, CoversMoreThanOnePage) {
  for (int i = 0; i < 520; ++i) Put("s" + std::to_string(i));
  AddKeyNamed("new");

  const auto report = ResealBoxes(*journal_, *sealer_, Always);

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->resealed, 520U);
}

TEST_F(Rotation, IsKeptOverAReopen) {
  Put("a");
  AddKeyNamed("new");
  ASSERT_THAT(ResealBoxes(*journal_, *sealer_, Always), IsOk());
  ASSERT_THAT(journal_->Close(), IsOk());
  journal_.reset();
  const auto reader = Reader::Open(dir_.File("journal.db"));
  ASSERT_THAT(reader, IsOk());

  const auto count = CountBoxes(**reader);

  ASSERT_THAT(count, IsOk());
  EXPECT_THAT(count->boxes, ElementsAre(Pair("new", 1U)));
}

TEST_F(Rotation, FindsNothingInAnEmptyJournal) { EXPECT_THAT(Count().boxes, IsEmpty()); }

}  // namespace
}  // namespace holdfast::journal
