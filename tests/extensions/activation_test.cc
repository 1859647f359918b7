// SPDX-License-Identifier: Apache-2.0
#include "extensions/activation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/extensions/fake_extension.h"
#include "tests/support/status_matchers.h"

namespace holdfast::extensions {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::IsOkAndHolds;
using ::holdfast::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ActivationRule OnRequest(std::set<std::string> workspaces = {}) {
  return {.extension = "ipam",
          .global = false,
          .key = "ipam",
          .allowed_workspaces = std::move(workspaces)};
}

model::SandboxSpec Asking(const std::string& value, const std::string& workspace = "") {
  model::SandboxSpec spec;
  spec.workspace = workspace;
  spec.labels["openshell.io/extension.ipam"] = value;
  return spec;
}

struct Value {
  std::string label;
  bool requested;
};
class RequestValue : public ::testing::TestWithParam<Value> {};

TEST_P(RequestValue, DecidesActivation) {
  const auto why = Activation(OnRequest(), Asking(GetParam().label));

  EXPECT_THAT(why, IsOkAndHolds(GetParam().requested
                                    ? "label openshell.io/extension.ipam=" + GetParam().label
                                    : std::string()));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RequestValue,
    ::testing::Values(Value{"enabled", true}, Value{"enable", true}, Value{"requested", true},
                      Value{"request", true}, Value{"true", true}, Value{"yes", true},
                      Value{"on", true}, Value{"1", true}, Value{"EnAbLeD", true},
                      Value{"TRUE", true}, Value{"", false}, Value{"0", false},
                      Value{"false", false}, Value{"off", false}, Value{"disabled", false},
                      Value{" true", false}, Value{"true ", false}, Value{"11", false},
                      Value{"{\"v\":true}", false}, Value{std::string("true\0", 5), false}));

TEST(Activation, IsGlobalWhateverTheLabelsSay) {
  ActivationRule rule = OnRequest();
  rule.global = true;

  EXPECT_THAT(Activation(rule, Asking("false")), IsOkAndHolds(std::string("global")));
  EXPECT_THAT(Activation(rule, {}), IsOkAndHolds(std::string("global")));
}

TEST(Activation, IsNotGivenWithoutTheLabel) {
  EXPECT_THAT(Activation(OnRequest(), {}), IsOkAndHolds(std::string()));
}

TEST(Activation, RefusesAWorkspaceThatIsNotAllowed) {
  EXPECT_THAT(Activation(OnRequest({"blue"}), Asking("on", "red")),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("'ipam'"), HasSubstr("'red'"))));
}

TEST(Activation, IgnoresAWorkspaceThatDidNotAsk) {
  model::SandboxSpec spec;
  spec.workspace = "red";
  EXPECT_THAT(Activation(OnRequest({"blue"}), spec), IsOkAndHolds(std::string()));
}

TEST(Activation, TakesTheEmptyWorkspaceForDefault) {
  EXPECT_THAT(Activation(OnRequest({"default"}), Asking("on")), IsOk());
}

TEST(Activate, FreezesTheChainInTheOperatorsOrder) {
  auto items = List(Fake("z"), Fake("a"), Fake("asleep"));
  items[0].config_digest = "sha256:1";
  items[0].deadline = std::chrono::milliseconds(7);
  items[1].on_failure = model::FailurePolicy::kFail;
  items[1].global = false;
  items[1].activation_key = "other";
  items[2].global = false;
  model::SandboxSpec spec;
  spec.labels["openshell.io/extension.other"] = "yes";
  const auto chain = MakeChain(std::move(items));

  const auto frozen = chain->Activate(spec);

  ASSERT_THAT(frozen, IsOk());
  const model::Chain expected = {{.name = "z",
                                  .version = "1",
                                  .config_digest = "sha256:1",
                                  .activation = "global",
                                  .hooks = AllHooks(),
                                  .on_failure = model::FailurePolicy::kKeep,
                                  .deadline = std::chrono::milliseconds(7)},
                                 {.name = "a",
                                  .version = "1",
                                  .config_digest = "",
                                  .activation = "label openshell.io/extension.other=yes",
                                  .hooks = AllHooks(),
                                  .on_failure = model::FailurePolicy::kFail}};
  EXPECT_EQ(*frozen, expected);
}

}  // namespace
}  // namespace holdfast::extensions
