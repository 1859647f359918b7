// SPDX-License-Identifier: Apache-2.0
#include "extensions/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holdfast::extensions {
namespace {

using model::Outcome;
using model::Verdict;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AnswerTest : public ::testing::Test {
 protected:
  Outcome Run(Outcome outcome, std::string_view hook = "before_launch") {
    return SanitizeRun(std::move(outcome),
                       {.hook = hook, .descriptor = &descriptor_, .plan = &plan_});
  }
  Outcome Probe(Outcome outcome) {
    return SanitizeProbe(std::move(outcome),
                         {.hook = "before_launch", .descriptor = &descriptor_, .plan = &plan_});
  }

  Descriptor descriptor_{.name = "a", .state_schema_version = 2};
  model::LaunchPlan plan_{.env = {{"TAKEN", "1"}}};
};

Outcome DoneWith(std::size_t resources) {
  Outcome outcome = Outcome::Done();
  outcome.resources.assign(resources, {"lease", "name", "handle"});
  return outcome;
}

TEST_F(AnswerTest, PassesAnOrderlyAnswer) {
  Outcome outcome = DoneWith(256);
  outcome.env = {{"A", "1"}, {"TAKEN", "1"}};
  outcome.state = model::StateBlob{.schema_version = 2, .bytes = std::string("\xff\0", 2)};

  EXPECT_EQ(Run(outcome), outcome);
}

TEST_F(AnswerTest, CutsAndCleansMessages) {
  Outcome failed = Outcome::Failed("Broken", std::string(9000, 'x') + "\xff");

  const Outcome clean = Run(failed);

  EXPECT_EQ(clean.reason, "Broken");
  EXPECT_THAT(clean.message, SizeIs(kMessageBytesMax));
}

TEST_F(AnswerTest, KeepsAReasonThatIsNoWordInTheMessage) {
  const Outcome clean = Run(Outcome::Failed("no word", "said so"));

  EXPECT_EQ(clean.reason, "HookFailed");
  EXPECT_EQ(clean.message, "no word: said so");
}

TEST_F(AnswerTest, FailsAnAnswerWithTooManyResourcesAndKeepsThem) {
  const Outcome failed = Run(DoneWith(257));

  EXPECT_EQ(failed.verdict, Verdict::kFailed);
  EXPECT_EQ(failed.reason, "MalformedAnswer");
  EXPECT_FALSE(failed.no_effect);  // what it made must be undone
  EXPECT_THAT(failed.resources, SizeIs(256));
}

TEST_F(AnswerTest, FailsMalformedEnvironment) {
  Outcome outcome = DoneWith(1);
  outcome.env = {{"1A", "x"}};

  const Outcome failed = Run(outcome);

  EXPECT_EQ(failed.reason, "MalformedAnswer");
  EXPECT_THAT(failed.resources, SizeIs(1));
  EXPECT_THAT(failed.env, IsEmpty());
}

TEST_F(AnswerTest, FailsEnvironmentThatContradictsThePlan) {
  Outcome outcome = Outcome::Done();
  outcome.env = {{"TAKEN", "2"}};

  EXPECT_THAT(Run(outcome).message, HasSubstr("TAKEN"));
}

TEST_F(AnswerTest, FailsResourcesThatCannotBeJournaled) {
  Outcome outcome = Outcome::Done();
  outcome.resources = {{"lease", "name", "\xff"}};

  EXPECT_EQ(Run(outcome).reason, "MalformedAnswer");
}

TEST_F(AnswerTest, FailsStateOfASchemaThatItDoesNotDeclare) {
  Outcome outcome = Outcome::Done();
  outcome.state = model::StateBlob{.schema_version = 3, .bytes = ""};

  EXPECT_EQ(Run(outcome).reason, "MalformedAnswer");
}

TEST_F(AnswerTest, DoesNotBelieveNoEffectBesideResources) {
  Outcome failed = Outcome::Failed("Broken", "");
  failed.no_effect = true;
  failed.resources = {{"lease", "name", "handle"}};

  EXPECT_FALSE(Run(failed).no_effect);
}

TEST_F(AnswerTest, DropsWhatOnlyBeforeLaunchMayGive) {
  Outcome outcome = DoneWith(1);
  outcome.env = {{"A", "1"}};

  EXPECT_EQ(Run(outcome, "before_stop"), Outcome::Done());
}

TEST_F(AnswerTest, TakesTheAnswerOfAProbeToRunForUnknown) {
  EXPECT_EQ(Run(Outcome::Probed(Verdict::kAbsent)).verdict, Verdict::kUnknown);
}

TEST_F(AnswerTest, TakesTheAnswerOfARunToAProbeForCannotTell) {
  EXPECT_EQ(Probe(Outcome::Done()).verdict, Verdict::kCannotTell);
}

TEST_F(AnswerTest, TakesAMalformedPresentForCannotTell) {
  EXPECT_EQ(Probe(Outcome::Probed(Verdict::kPresent, {{"", "", ""}})).verdict,
            Verdict::kCannotTell);
}

}  // namespace
}  // namespace holdfast::extensions
