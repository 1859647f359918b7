// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "extensions/plan_builder.h"
#include "tests/extensions/fake_extension.h"
#include "tests/support/status_matchers.h"

namespace holdfast::extensions {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kConflict = absl::StatusCode::kFailedPrecondition;

class PlanBuilderTest : public ::testing::Test {
 protected:
  PlanBuilderTest() {
    spec_.driver = "process";
    spec_.environment = {{"ASKED", "by request"}};
    plan_.env = {{"ASKED", "by request"}, {"PATH", "/bin"}, {"HOLDFAST_SANDBOX_ID", "s1"}};
    limits_.launcher_args_allowed = {"--quiet", "--memory=*"};
    limits_.launcher_args_max = 2;
    limits_.value_bytes_max = 16;
    limits_.entries_max = 3;
  }

  model::SandboxSpec spec_;
  model::LaunchPlan plan_;
  PlanLimits limits_;
  BoundedPlanBuilder a_{"a", spec_, limits_, plan_};
  BoundedPlanBuilder b_{"b", spec_, limits_, plan_};
};

TEST_F(PlanBuilderTest, RecordsWhoChangedWhat) {
  EXPECT_THAT(a_.AddEnv("FOO", "1"), IsOk());
  EXPECT_THAT(b_.AddLabel("team", "blue"), IsOk());
  EXPECT_THAT(b_.AddLauncherArg("--memory=1G"), IsOk());

  EXPECT_THAT(plan_.changes, ElementsAre(model::PlanChange{"a", "env.FOO", "1"},
                                         model::PlanChange{"b", "label.team", "blue"},
                                         model::PlanChange{"b", "launcher_args", "--memory=1G"}));
  EXPECT_EQ(plan_.env["FOO"], "1");
  EXPECT_EQ(plan_.labels["team"], "blue");
  EXPECT_THAT(plan_.launcher_args, ElementsAre("--memory=1G"));
}

TEST_F(PlanBuilderTest, TakesTheSameValueTwiceForNothing) {
  EXPECT_THAT(a_.AddEnv("FOO", "1"), IsOk());
  EXPECT_THAT(b_.AddEnv("FOO", "1"), IsOk());
  EXPECT_THAT(b_.AddEnv("HOLDFAST_SANDBOX_ID", "s1"), IsOk());
  EXPECT_THAT(plan_.changes, SizeIs(1));
}

TEST_F(PlanBuilderTest, NamesBothPartiesOfAConflict) {
  EXPECT_THAT(a_.AddEnv("FOO", "1"), IsOk());
  EXPECT_THAT(b_.AddEnv("FOO", "2"),
              StatusIs(kConflict, HasSubstr("env.FOO: 'a' set it to '1', 'b' wants '2'")));
  EXPECT_EQ(plan_.env["FOO"], "1");
}

TEST_F(PlanBuilderTest, NamesBothPartiesOfALabelConflict) {
  EXPECT_THAT(a_.AddLabel("team", "red"), IsOk());
  EXPECT_THAT(b_.AddLabel("team", "blue"),
              StatusIs(kConflict, HasSubstr("label.team: 'a' set it to 'red', 'b' wants 'blue'")));
}

TEST_F(PlanBuilderTest, NamesTheRequestAsOwnerOfWhatItAskedFor) {
  EXPECT_THAT(a_.AddEnv("ASKED", "x"),
              StatusIs(kConflict, AllOf(HasSubstr("the request"), HasSubstr("'a'"))));
}

TEST_F(PlanBuilderTest, NamesTheDriverAsOwnerOfItsValues) {
  EXPECT_THAT(a_.AddEnv("PATH", "/x"),
              StatusIs(kConflict, AllOf(HasSubstr("the driver 'process'"), HasSubstr("'a'"))));
}

TEST_F(PlanBuilderTest, KeepsTheDriversPrefixFromExtensions) {
  EXPECT_THAT(a_.AddEnv("HOLDFAST_NEW", "1"), StatusIs(kConflict, HasSubstr("'process'")));
  EXPECT_THAT(a_.AddEnv("HOLDFAST_SANDBOX_ID", "s2"), StatusIs(kConflict, HasSubstr("'process'")));
  EXPECT_EQ(plan_.env["HOLDFAST_SANDBOX_ID"], "s1");
}

TEST_F(PlanBuilderTest, RefusesMalformedNamesAndValues) {
  EXPECT_THAT(a_.AddEnv("1X", "1"), StatusIs(kInvalid));
  EXPECT_THAT(a_.AddEnv("A=B", "1"), StatusIs(kInvalid));
  EXPECT_THAT(a_.AddEnv("A", std::string_view("\0", 1)), StatusIs(kInvalid));
  EXPECT_THAT(a_.AddEnv("A", "\xff"), StatusIs(kInvalid));
  EXPECT_THAT(a_.AddLabel("", "1"), StatusIs(kInvalid));
  EXPECT_THAT(plan_.changes, IsEmpty());
}

TEST_F(PlanBuilderTest, RefusesValuesAndEntriesOverTheBounds) {
  EXPECT_THAT(a_.AddEnv("A", std::string(17, 'x')), StatusIs(kInvalid, HasSubstr("17 bytes")));
  for (const char* name : {"A", "B", "C"}) EXPECT_THAT(a_.AddEnv(name, "1"), IsOk());
  EXPECT_THAT(a_.AddEnv("D", "1"), StatusIs(kInvalid, HasSubstr("bound")));
}

TEST_F(PlanBuilderTest, TakesOnlyAllowedLauncherArgs) {
  EXPECT_THAT(a_.AddLauncherArg("--quiet"), IsOk());
  EXPECT_THAT(a_.AddLauncherArg("--quiet=1"), StatusIs(kInvalid, HasSubstr("--quiet=1")));
  EXPECT_THAT(a_.AddLauncherArg("--privileged"), StatusIs(kInvalid));
}

TEST_F(PlanBuilderTest, BoundsTheNumberOfLauncherArgs) {
  EXPECT_THAT(a_.AddLauncherArg("--memory=1"), IsOk());
  EXPECT_THAT(a_.AddLauncherArg("--memory=2"), IsOk());
  EXPECT_THAT(a_.AddLauncherArg("--memory=3"), StatusIs(kInvalid, HasSubstr("bound")));
}

model::Chain Frozen(ExtensionChain& chain) { return chain.Activate({}).value(); }

absl::StatusOr<model::LaunchPlan> Configure(ExtensionChain& chain, model::LaunchPlan plan = {}) {
  return chain.ConfigureLaunch(Frozen(chain), {"s1"}, {1}, {}, KeyOfStep, std::move(plan));
}

FakeHooks Adding(const std::string& name, const std::string& value) {
  return {.configure = [=](const HookContext&, PlanBuilder& builder) {
    return builder.AddEnv(name, value);
  }};
}

TEST(ConfigureLaunch, GivesEachWhatThoseBeforeItLeft) {
  const auto chain =
      MakeChain(List(Fake("a", Adding("FOO", "1")),
                     Fake("b", {.configure = [](const HookContext& context, PlanBuilder& builder) {
                            EXPECT_EQ(context.plan->env.at("FOO"), "1");
                            return builder.AddEnv("SEEN", builder.plan().env.at("FOO"));
                          }})));

  const auto plan = Configure(*chain);

  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->changes, ElementsAre(model::PlanChange{"a", "env.FOO", "1"},
                                         model::PlanChange{"b", "env.SEEN", "1"}));
}

TEST(ConfigureLaunch, FailsOnAConflictThatTheExtensionPassesOver) {
  const auto chain =
      MakeChain(List(Fake("a", Adding("FOO", "1")),
                     Fake("b", {.configure = [](const HookContext&, PlanBuilder& builder) {
                            builder.AddEnv("FOO", "2").IgnoreError();  // what is tested
                            return absl::OkStatus();
                          }})));

  EXPECT_THAT(Configure(*chain),
              StatusIs(kConflict, AllOf(HasSubstr("extension 'b'"), HasSubstr("'a' set it"))));
}

TEST(ConfigureLaunch, LeavesBackendAndDriverPlanAlone) {
  const auto chain = MakeChain(List(Fake("a", Adding("FOO", "1"))));
  model::LaunchPlan plan;
  plan.backend = "bubblewrap";
  plan.driver_plan_type = "holdfast.T";
  plan.driver_plan = "bytes";

  const auto configured = Configure(*chain, plan);

  ASSERT_THAT(configured, IsOk());
  EXPECT_EQ(configured->backend, "bubblewrap");
  EXPECT_EQ(configured->driver_plan_type, "holdfast.T");
  EXPECT_EQ(configured->driver_plan, "bytes");
}

TEST(ConfigureLaunch, AppendsTheClaimsOfEachBeforeLaunch) {
  const auto claiming = [](const HookContext& context) {
    EXPECT_EQ(context.hook, "before_launch");
    EXPECT_EQ(context.plan->env.at("LATE"), "1");  // of an extension after it
    model::StepClaims claims;
    claims.step = "ignored";
    claims.claims = {{.kind = "lease", .name = std::string(context.key)}};
    claims.undo_args = "{}";
    return claims;
  };
  const auto chain = MakeChain(
      List(Fake("a", {.claims = claiming}), Fake("b", Adding("LATE", "1"), {"configure_launch"})));
  model::LaunchPlan plan;
  plan.claims.push_back({.step = "provision"});

  const auto configured = Configure(*chain, plan);

  ASSERT_THAT(configured, IsOk());
  ASSERT_THAT(configured->claims, SizeIs(2));
  EXPECT_EQ(configured->claims[0].step, "provision");
  EXPECT_EQ(configured->claims[1].step, "before_launch/a");
  EXPECT_THAT(configured->claims[1].claims,
              ElementsAre(model::ResourceClaim{"lease", "s1/1/before_launch/a"}));
  EXPECT_EQ(configured->claims[1].undo_args, "{}");
}

TEST(ConfigureLaunch, RefusesClaimsWithoutBounds) {
  const auto chain = MakeChain(List(Fake("a", {.claims = [](const HookContext&) {
                                           model::StepClaims claims;
                                           claims.claims.assign(257, {"lease", "x"});
                                           return claims;
                                         }})));
  EXPECT_THAT(Configure(*chain), StatusIs(absl::StatusCode::kInternal, HasSubstr("extension 'a'")));
}

}  // namespace
}  // namespace holdfast::extensions
