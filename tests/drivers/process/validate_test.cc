// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/support/status_matchers.h"

namespace holdfast::drivers::process {
namespace {

using holdfast::testing::IsOk;
using holdfast::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kNotHere = absl::StatusCode::kFailedPrecondition;

model::SandboxSpec Good() {
  model::SandboxSpec spec;
  spec.command = {"sh", "-c", "true"};
  return spec;
}

template <typename Change>
absl::Status With(const Change& change) {
  model::SandboxSpec spec = Good();
  change(spec);
  return ValidateSpec(spec);
}

TEST(ProcessValidate, AcceptsAShell) { EXPECT_THAT(ValidateSpec(Good()), IsOk()); }

TEST(ProcessValidate, RefusesAnEmptyCommand) {
  EXPECT_THAT(With([](auto& spec) { spec.command.clear(); }), StatusIs(kInvalid));
}

TEST(ProcessValidate, SaysWhatToDoAboutAMissingCommand) {
  EXPECT_THAT(With([](auto& spec) { spec.command = {"no-such-command"}; }),
              StatusIs(kNotHere, HasSubstr("install it")));
  EXPECT_THAT(With([](auto& spec) { spec.command = {"/etc/passwd"}; }), StatusIs(kNotHere));
  EXPECT_THAT(With([](auto& spec) { spec.command = {"./relative"}; }), StatusIs(kNotHere));
}

TEST(ProcessValidate, LooksInThePathOfTheEnvironment) {
  EXPECT_THAT(With([](auto& spec) { spec.environment["PATH"] = "/nowhere"; }), StatusIs(kNotHere));
}

TEST(ProcessValidate, RefusesNulBytesAndBadNames) {
  EXPECT_THAT(With([](auto& spec) { spec.environment["A"] = std::string("a\0b", 3); }),
              StatusIs(kInvalid));
  EXPECT_THAT(With([](auto& spec) { spec.command.push_back(std::string("\0", 1)); }),
              StatusIs(kInvalid));
  EXPECT_THAT(With([](auto& spec) { spec.environment["A=B"] = "c"; }), StatusIs(kInvalid));
  EXPECT_THAT(With([](auto& spec) { spec.environment[""] = "c"; }), StatusIs(kInvalid));
}

TEST(ProcessValidate, RefusesReservedVariables) {
  EXPECT_THAT(With([](auto& spec) { spec.environment["HOLDFAST_SANDBOX_OWNER"] = "me"; }),
              StatusIs(kInvalid));
}

TEST(ProcessValidate, RefusesAbsurdSizes) {
  EXPECT_THAT(With([](auto& spec) { spec.command.push_back(std::string(200'000, 'x')); }),
              StatusIs(kInvalid));
  EXPECT_THAT(With([](auto& spec) {
                for (int i = 0; i < 20; ++i) {
                  spec.environment[fmt::format("V{}", i)] = std::string(100'000, 'x');
                }
              }),
              StatusIs(kInvalid, HasSubstr("1 MiB")));
  EXPECT_THAT(With([](auto& spec) { spec.command.resize(5'000, "x"); }), StatusIs(kInvalid));
}

TEST(ProcessValidate, TakesRequestsAndRefusesLimits) {
  EXPECT_THAT(With([](auto& spec) { spec.cpu_request = "500m"; }), IsOk());
  EXPECT_THAT(With([](auto& spec) { spec.memory_request = "1Gi"; }), IsOk());
  EXPECT_THAT(With([](auto& spec) { spec.memory_limit = "1Gi"; }), StatusIs(kNotHere));
  EXPECT_THAT(With([](auto& spec) { spec.cpu_limit = "2"; }), StatusIs(kNotHere));
  EXPECT_THAT(With([](auto& spec) { spec.cpu_request = "lots"; }), StatusIs(kInvalid));
  EXPECT_THAT(With([](auto& spec) { spec.memory_limit = "1 GB"; }), StatusIs(kInvalid));
}

TEST(ProcessValidate, RefusesWhatItCannotCarry) {
  EXPECT_THAT(With([](auto& spec) { spec.gpu = true; }), StatusIs(kNotHere));
  EXPECT_THAT(With([](auto& spec) { spec.image = "debian"; }), StatusIs(kNotHere));
  EXPECT_THAT(With([](auto& spec) { spec.platform_config = R"({"a":1})"; }), StatusIs(kNotHere));
  EXPECT_THAT(With([](auto& spec) { spec.platform_config = "{}"; }), IsOk());
  EXPECT_THAT(With([](auto& spec) { spec.driver_config = R"({"a":1})"; }), StatusIs(kInvalid));
}

TEST(ProcessValidate, KnowsQuantities) {
  for (const char* good : {"1", "0.5", "500m", "2Gi", "1e3", "1E-2", "+1k", ".5", "10Ki"}) {
    EXPECT_TRUE(IsQuantity(good)) << good;
  }
  for (const char* bad : {"", "m", "1GB", "-1", "1 Gi", "0x10", "1e", "1.2.3", "Gi", "1K"}) {
    EXPECT_FALSE(IsQuantity(bad)) << bad;
  }
}

TEST(ProcessPlan, RefusesLauncherArguments) {
  const Owner owner{.sandbox = {"s"}, .generation = {1}};
  HF_ASSERT_OK_AND_ASSIGN(model::LaunchPlan plan, PlanLaunch(owner, Good()));
  plan.launcher_args = {"--share-net"};

  EXPECT_THAT(ResolveLaunch(owner, plan, true), StatusIs(kNotHere));
}

TEST(ProcessPlan, RefusesAForeignPlan) {
  const Owner owner{.sandbox = {"s"}, .generation = {1}};
  HF_ASSERT_OK_AND_ASSIGN(model::LaunchPlan plan, PlanLaunch(owner, Good()));
  plan.driver_plan_type = "somebody.else.Plan";

  EXPECT_THAT(ResolveLaunch(owner, plan, false), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(ProcessPlan, NamesItsBackend) {
  const Owner owner{.sandbox = {"s"}, .generation = {1}};
  HF_ASSERT_OK_AND_ASSIGN(const model::LaunchPlan plan, PlanLaunch(owner, Good()));
  HF_ASSERT_OK_AND_ASSIGN(const model::LaunchPlan group, ResolveLaunch(owner, plan, false));
  HF_ASSERT_OK_AND_ASSIGN(const model::LaunchPlan wrapped, ResolveLaunch(owner, plan, true));

  EXPECT_EQ(group.backend, "process-group");
  EXPECT_EQ(wrapped.backend, "bubblewrap");
}

}  // namespace
}  // namespace holdfast::drivers::process
