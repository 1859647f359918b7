// SPDX-License-Identifier: Apache-2.0
//
// Secrets of a create: who is given them, and what becomes of them when the gateway dies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "journal/key_file.h"
#include "tests/simulation/sim_house.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast {
namespace {

using ::holdfast::testing::IsOk;
using model::State;
using simulation::Fault;
using simulation::SimHouse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kGiven[] = "sandbox_token=planted-secret";

class EngineSecrets : public ::testing::Test {
 protected:
  EngineSecrets() {
    house_.sim.secret_steps = {"provision"};
    house_.key_file = NewKeys("keys");
  }

  std::string NewKeys(const std::string& name) {
    const std::string path = keys_.File(name);
    EXPECT_THAT(journal::AddKey(path, name), IsOk());
    return path;
  }
  static model::Command Create(const std::string& id) {
    model::Command command = SimHouse::CreateCommand(id);
    model::Secrets::Values values;
    values.emplace("sandbox_token", support::SecretBytes::CopyOf("planted-secret"));
    std::get<model::CreateSandbox>(command.wish).secrets = model::Secrets(std::move(values));
    return command;
  }
  // Accepts it, and ends with its provision in flight, without effect and without an answer.
  void DieWhileProvisioning(const std::string& id) {
    house_.world().Plan(id, "provision", {Fault::kHangBefore});
    house_.Open();
    ASSERT_THAT(house_.Accept(Create(id)), IsOk());
    house_.Await(id, "provision");
  }
  void Restart() {
    house_.Restart();
    house_.Settle();
  }
  model::Sandbox Get(const std::string& id) { return house_.engine().Get({id})->sandbox; }
  std::optional<std::string> Box(const std::string& id) { return *house_.reader().ReadSealed(id); }

  testing::TempDir keys_;
  SimHouse house_;
};

TEST_F(EngineSecrets, AreGivenToTheStepThatNeedsThemAndToNoOther) {
  house_.Open();

  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
  EXPECT_EQ(house_.world().secrets("s", "provision"), kGiven);
  EXPECT_EQ(house_.world().secrets("s", "start"), "");
}

TEST_F(EngineSecrets, AreJournaledByNameOnly) {
  house_.Open();
  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());

  EXPECT_THAT(Get("s").secret_fields, ElementsAre("sandbox_token"));
  EXPECT_TRUE(Box("s").has_value());
  const std::filesystem::path directory =
      std::filesystem::path(house_.journal_path()).parent_path();
  std::size_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_THAT(text, Not(HasSubstr("planted-secret"))) << entry.path();
    bytes += text.size();
  }
  EXPECT_GT(bytes, 0U);
}

TEST_F(EngineSecrets, AreDroppedWhenTheDriverTakesNone) {
  house_.sim.secret_steps = {};
  house_.Open();

  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());

  EXPECT_EQ(house_.world().secrets("s", "provision"), "");
  EXPECT_THAT(Get("s").secret_fields, IsEmpty());
  EXPECT_FALSE(Box("s").has_value());
}

TEST_F(EngineSecrets, AreThereAgainAfterACrash) {
  ASSERT_NO_FATAL_FAILURE(DieWhileProvisioning("s"));

  Restart();

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
  EXPECT_EQ(house_.world().calls("s", "provision"), 2U);
  EXPECT_EQ(house_.world().secrets("s", "provision"), kGiven);
}

TEST_F(EngineSecrets, AreThereAgainAtALaterStepThatNeedsThem) {
  house_.sim.secret_steps = {"provision", "start"};
  house_.Open();
  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());
  ASSERT_THAT(house_.Stop("s"), IsOk());
  house_.Restart();

  ASSERT_THAT(house_.Start("s"), IsOk());

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
  EXPECT_EQ(house_.world().secrets("s", "start"), kGiven);
}

TEST_F(EngineSecrets, ServeTheFirstRunWithoutAKeyFile) {
  house_.key_file.clear();
  house_.world().Plan("s", "provision", {Fault::kFailRetryable});
  house_.Open();

  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
  EXPECT_EQ(house_.world().calls("s", "provision"), 2U);
  EXPECT_EQ(house_.world().secrets("s", "provision"), kGiven);
  EXPECT_FALSE(Box("s").has_value());
}

TEST_F(EngineSecrets, ThatWereNeverSealedUndoTheCreateAfterACrash) {
  house_.key_file.clear();
  ASSERT_NO_FATAL_FAILURE(DieWhileProvisioning("s"));

  Restart();

  EXPECT_EQ(house_.StateOf("s"), State::kFailed);
  EXPECT_EQ(Get("s").reason, "SecretsUnavailable");
  EXPECT_THAT(Get("s").message, HasSubstr("journal.key_file"));
  EXPECT_EQ(house_.world().calls("s", "provision"), 1U) << "it was called without its secrets";
  EXPECT_TRUE(house_.WorldIsEmpty());
}

TEST_F(EngineSecrets, ThatWereNotSealedAreMissedAlsoWhenThereIsAKeyNow) {
  const std::string key_file = std::exchange(house_.key_file, "");
  ASSERT_NO_FATAL_FAILURE(DieWhileProvisioning("s"));
  house_.key_file = key_file;

  Restart();

  EXPECT_EQ(Get("s").reason, "SecretsUnavailable");
  EXPECT_EQ(house_.world().calls("s", "provision"), 1U);
}

TEST_F(EngineSecrets, ThatNeedAnUnknownKeyUndoTheCreateAndNameTheKey) {
  ASSERT_NO_FATAL_FAILURE(DieWhileProvisioning("s"));
  house_.key_file = NewKeys("others");

  Restart();

  EXPECT_EQ(house_.StateOf("s"), State::kFailed);
  EXPECT_EQ(Get("s").reason, "SecretsUnavailable");
  EXPECT_THAT(Get("s").message, HasSubstr("the key keys"));
  EXPECT_TRUE(house_.WorldIsEmpty());
}

TEST_F(EngineSecrets, OfADamagedBoxUndoTheCreate) {
  ASSERT_NO_FATAL_FAILURE(DieWhileProvisioning("s"));
  std::string damaged = *Box("s");
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  ASSERT_THAT(house_.journal().ReplaceSealed("s", *Box("s"), damaged), IsOk());

  Restart();

  EXPECT_EQ(house_.StateOf("s"), State::kFailed);
  EXPECT_EQ(Get("s").reason, "SecretsUnavailable");
}

TEST_F(EngineSecrets, OfAnotherSandboxDoNotOpenHere) {
  ASSERT_NO_FATAL_FAILURE(DieWhileProvisioning("s"));
  ASSERT_THAT(house_.engine().SubmitAndWait(Create("other"), true), IsOk());
  ASSERT_THAT(house_.journal().ReplaceSealed("s", *Box("s"), *Box("other")), IsOk());

  Restart();

  EXPECT_EQ(Get("s").reason, "SecretsUnavailable");
  EXPECT_EQ(house_.StateOf("other"), State::kRunning);
}

TEST_F(EngineSecrets, OfAnotherIncarnationDoNotOpenHere) {
  house_.Open();
  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());
  const std::string earlier = *Box("s");
  ASSERT_THAT(house_.Delete("s"), IsOk());
  house_.world().Plan("s", "provision", {Fault::kHangBefore});
  ASSERT_THAT(house_.Accept(Create("s")), IsOk());
  while (house_.world().calls("s", "provision") != 2) std::this_thread::yield();
  ASSERT_THAT(house_.journal().ReplaceSealed("s", *Box("s"), earlier), IsOk());

  Restart();

  EXPECT_EQ(Get("s").reason, "SecretsUnavailable");
  EXPECT_THAT(Get("s").message, HasSubstr("incarnation"));
}

TEST_F(EngineSecrets, AreNotMissedForAStepThatTookEffect) {
  house_.key_file.clear();
  house_.world().Plan("s", "provision", {Fault::kHangAfter});
  house_.Open();
  ASSERT_THAT(house_.Accept(Create("s")), IsOk());
  house_.Await("s", "provision");

  Restart();

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
  EXPECT_EQ(house_.world().calls("s", "provision"), 1U);
}

TEST_F(EngineSecrets, AreNotMissedBySandboxesThatNeverHadAny) {
  house_.key_file.clear();
  house_.world().Plan("s", "provision", {Fault::kHangBefore});
  house_.Open();
  ASSERT_THAT(house_.Accept(SimHouse::CreateCommand("s")), IsOk());
  house_.Await("s", "provision");

  Restart();

  EXPECT_EQ(house_.StateOf("s"), State::kRunning);
}

TEST_F(EngineSecrets, AreNotMissedByADelete) {
  house_.Open();
  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());
  house_.key_file.clear();
  house_.Restart();

  ASSERT_THAT(house_.Delete("s"), IsOk());

  EXPECT_EQ(house_.StateOf("s"), State::kDeleted);
  EXPECT_TRUE(house_.WorldIsEmpty());
}

TEST_F(EngineSecrets, GoWithTheSandbox) {
  house_.Open();
  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());

  ASSERT_THAT(house_.Delete("s"), IsOk());

  EXPECT_FALSE(Box("s").has_value());
}

TEST_F(EngineSecrets, OfTheFirstIncarnationAreNotThoseOfTheNext) {
  house_.key_file.clear();
  house_.Open();
  ASSERT_THAT(house_.engine().SubmitAndWait(Create("s"), true), IsOk());
  ASSERT_THAT(house_.Delete("s"), IsOk());

  ASSERT_THAT(house_.Create("s"), IsOk());

  EXPECT_EQ(house_.world().secrets("s", "provision"), "");
}

}  // namespace
}  // namespace holdfast
