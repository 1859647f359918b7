// SPDX-License-Identifier: Apache-2.0
//
// A box opens with its key, under its context, unchanged; and in no other case.
#include "journal/seal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <string>

#include "tests/journal/testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kOldKey = "old " + std::string(64, 'a') + "\n";
const std::string kNewKey = "new " + std::string(64, 'b') + "\n";
constexpr char kSecret[] = "planted-secret";

class Sealing : public ::testing::Test {
 protected:
  std::unique_ptr<Sealer> With(const std::string& keys) {
    const std::string path = dir_.File("keys");
    std::ofstream(path, std::ios::binary | std::ios::trunc) << keys;
    chmod(path.c_str(), 0600);
    auto sealer = Sealer::FromKeyFile(path);
    EXPECT_THAT(sealer, IsOk());
    return *std::move(sealer);
  }
  // The box of kSecret for kContext.
  std::string Box(const Sealer& sealer) {
    auto box = sealer.Seal(kSecret, kContext);
    EXPECT_THAT(box, IsOk());
    return *std::move(box);
  }

  testing::TempDir dir_;
  const std::string kContext = SealContext("journal-1", "sandbox-1");
};

TEST_F(Sealing, OpensWhatItSealed) {
  const auto sealer = With(kOldKey);
  for (const std::string& text :
       {std::string(), std::string(kSecret), std::string(kSealedPlaintextBytesMax, 'x'),
        std::string("\0\xff", 2)}) {
    const auto box = sealer->Seal(text, kContext);
    ASSERT_THAT(box, IsOk());
    const auto opened = sealer->Open(*box, kContext);
    ASSERT_THAT(opened, IsOk());
    EXPECT_EQ(opened->Reveal(), text);
  }
}

TEST_F(Sealing, ShowsNothingOfTheSecretInItsBox) {
  EXPECT_THAT(Box(*With(kOldKey)), Not(HasSubstr(std::string(kSecret).substr(0, 4))));
}

TEST_F(Sealing, NeverMakesTheSameBoxTwice) {
  const auto sealer = With(kOldKey);

  EXPECT_NE(Box(*sealer), Box(*sealer));
}

TEST_F(Sealing, RefusesMoreThanItsLimit) {
  EXPECT_THAT(With(kOldKey)->Seal(std::string(kSealedPlaintextBytesMax + 1, 'x'), kContext),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(Sealing, MakesNoBoxThatAJournalDoesNotStore) {
  const std::string longest_id(kKeyIdBytesMax, 'i');
  const auto box = With(longest_id + " " + std::string(64, 'b') + "\n")
                       ->Seal(std::string(kSealedPlaintextBytesMax, 'x'), kContext);
  ASSERT_THAT(box, IsOk());
  const auto journal = OpenJournal(dir_.File("journal.db"));
  Batch batch = EventBatch("a", 0);
  batch.sealed = *box;

  EXPECT_THAT(journal->Append(std::move(batch)), IsOk());
}

TEST_F(Sealing, DoesNotOpenABoxOfWhichAnyBitWasChanged) {
  const auto sealer = With(kOldKey);
  const std::string box = Box(*sealer);
  for (std::size_t i = 0; i < box.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = box;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_FALSE(sealer->Open(changed, kContext).ok()) << "byte " << i << " bit " << bit;
    }
  }
}

TEST_F(Sealing, DoesNotOpenABoxThatIsCutOrExtended) {
  const auto sealer = With(kOldKey);
  const std::string box = Box(*sealer);
  for (std::size_t size = 0; size < box.size(); ++size) {
    EXPECT_THAT(sealer->Open(box.substr(0, size), kContext), StatusIs(absl::StatusCode::kDataLoss))
        << size;
  }
  EXPECT_THAT(sealer->Open(box + '\0', kContext), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(sealer->Open(std::string(4 << 20, '\1'), kContext),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(Sealing, DoesNotOpenABoxUnderAnotherContext) {
  const auto sealer = With(kOldKey);
  const std::string box = Box(*sealer);
  for (const std::string& context :
       {SealContext("journal-1", "sandbox-2"), SealContext("journal-2", "sandbox-1"), std::string(),
        kContext + "x"}) {
    EXPECT_THAT(sealer->Open(box, context), StatusIs(absl::StatusCode::kDataLoss));
  }
}

TEST_F(Sealing, GivesNoTwoPairsOneContext) {
  EXPECT_NE(SealContext("a", "bc"), SealContext("ab", "c"));
  EXPECT_NE(SealContext("a 1:b", "c"), SealContext("a", "b 1:c"));
}

TEST_F(Sealing, SaysTheSameOfABoxThatWasChangedAndOneThatWasMoved) {
  const auto sealer = With(kOldKey);
  std::string changed = Box(*sealer);
  changed.back() = static_cast<char>(changed.back() ^ 1);

  EXPECT_EQ(sealer->Open(changed, kContext).status(),
            sealer->Open(Box(*sealer), "elsewhere").status());
}

TEST_F(Sealing, NamesTheKeyThatIsMissing) {
  const std::string box = Box(*With(kOldKey));

  const auto opened = With(kNewKey)->Open(box, kContext);

  ASSERT_THAT(opened, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("the key old"));
}

TEST_F(Sealing, DoesNotOpenWithAnotherKeyOfTheSameId) {
  const std::string box = Box(*With(kOldKey));

  EXPECT_THAT(With("old " + std::string(64, 'c'))->Open(box, kContext),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(Sealing, SealsWithTheFirstKeyAndOpensWithTheOthersToo) {
  const std::string old_box = Box(*With(kOldKey));

  const auto both = With(kNewKey + kOldKey);

  EXPECT_THAT(both->key_ids(), ElementsAre("new", "old"));
  EXPECT_EQ(both->current_key_id(), "new");
  EXPECT_THAT(both->Open(old_box, kContext), IsOk());
  EXPECT_EQ(*KeyIdOf(old_box), "old");
  EXPECT_EQ(*KeyIdOf(Box(*both)), "new");
}

TEST_F(Sealing, TakesWhatIsNoBoxForNone) {
  for (const std::string& text : {std::string(), std::string(kSecret), std::string(100, '\0')}) {
    EXPECT_THAT(KeyIdOf(text), StatusIs(absl::StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace holdfast::journal
