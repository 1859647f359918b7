// SPDX-License-Identifier: Apache-2.0
#include "extensions/env/env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/extensions/fake_extension.h"
#include "tests/support/status_matchers.h"

namespace holdfast::extensions {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

absl::StatusOr<model::LaunchPlan> Configure(EnvConfig config, model::LaunchPlan plan = {}) {
  ChainItem item;
  item.extension = MakeEnvExtension(std::move(config)).value();
  const auto chain = MakeChain(List(std::move(item)));
  return chain->ConfigureLaunch(chain->Activate({}).value(), {"s1"}, {1}, {}, KeyOfStep,
                                std::move(plan));
}

TEST(EnvExtension, AddsEnvironmentAndLabelsInItsName) {
  const auto plan = Configure({.env = {{"PROXY", "http://p"}}, .labels = {{"team", "blue"}}});

  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->env.at("PROXY"), "http://p");
  EXPECT_EQ(plan->labels.at("team"), "blue");
  EXPECT_THAT(plan->changes, ElementsAre(model::PlanChange{"env", "env.PROXY", "http://p"},
                                         model::PlanChange{"env", "label.team", "blue"}));
}

TEST(EnvExtension, DoesNotOverruleTheDriver) {
  model::LaunchPlan plan;
  plan.env["PROXY"] = "mine";
  EXPECT_THAT(Configure({.env = {{"PROXY", "http://p"}}}, plan),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("the driver"), HasSubstr("'env'"))));
}

TEST(EnvExtension, RefusesAMalformedConfiguration) {
  EXPECT_THAT(MakeEnvExtension({.env = {{"1A", ""}}}), StatusIs(kInvalid, HasSubstr("1A")));
  EXPECT_THAT(MakeEnvExtension({.env = {{"A", std::string(4097, 'x')}}}), StatusIs(kInvalid));
  EXPECT_THAT(MakeEnvExtension({.env = {{"A", std::string(1, '\0')}}}), StatusIs(kInvalid));
  EXPECT_THAT(MakeEnvExtension({.env = {{"HOLDFAST_A", "1"}}}),
              StatusIs(kInvalid, HasSubstr("the driver's")));
  EXPECT_THAT(MakeEnvExtension({.labels = {{"not a label", ""}}}), StatusIs(kInvalid));
}

}  // namespace
}  // namespace holdfast::extensions
