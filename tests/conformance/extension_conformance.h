// SPDX-License-Identifier: Apache-2.0
//
// What every lifecycle extension must keep to, given a factory. An extension's world is a
// directory; each call of the factory is another instance over the same world, as after a restart.
//
//   INSTANTIATE_TEST_SUITE_P(Ipam, ExtensionConformance,
//                            ::testing::Values(ExtensionCase{"ipam", [](const std::string& dir)
//                            {…}}), PrintCase);
//
// Include it in one source file of a test program. Method of the kill tests: the program runs
// itself again with HOLDFAST_FAILPOINT_KILL_AT=1, 2, … until a run ends by itself; after each death
// another instance probes, runs the step again, and releases. SIGKILL models the death of the
// process, not power loss. To rerun one case: the same --gtest_filter.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "extensions/chain.h"
#include "extensions/extension.h"
#include "statemachine/model/action.h"
#include "tests/conformance/rerun.h"
#include "tests/support/temp_dir.h"

namespace holdfast::conformance {

struct ExtensionCase {
  std::string name;
  std::function<std::unique_ptr<extensions::Extension>(const std::string& directory)> open;
};

inline std::string PrintCase(const ::testing::TestParamInfo<ExtensionCase>& tested) {
  return tested.param.name;
}

class ExtensionConformance : public ::testing::TestWithParam<ExtensionCase> {
 protected:
  using Outcome = model::Outcome;
  using Verdict = model::Verdict;

  // Tells a rerun its parent's world.
  static constexpr const char* kWorld = "HOLDFAST_CONFORMANCE_WORLD";

  // Another instance over the test's world.
  std::unique_ptr<extensions::Extension> Open() { return GetParam().open(world_->path().string()); }

  bool Has(std::string_view hook) { return Open()->descriptor().hooks.contains(std::string(hook)); }
  bool Launches() { return Has(model::action::kBeforeLaunch); }

  static std::string KeyOf(const std::string& sandbox, std::uint64_t generation) {
    return sandbox + "/" + std::to_string(generation) + "/before_launch/tested";
  }

  // The context of a hook as the engine makes it, for the sandbox's incarnation.
  extensions::HookContext Context(std::string_view hook, const std::string& sandbox = "s1",
                                  std::uint64_t generation = 1) {
    keys_.push_back(std::make_unique<std::string>(KeyOf(sandbox, generation)));
    extensions::HookContext context;
    context.sandbox = {sandbox};
    context.generation = {generation};
    context.spec = &spec_;
    context.plan = &plan_;
    context.hook = hook;
    context.key = *keys_.back();
    context.epoch = {1};
    context.undo_args = undo_args_;
    context.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    return context;
  }

  Outcome Launch(extensions::Extension& extension, const std::string& sandbox = "s1",
                 std::uint64_t generation = 1) {
    undo_args_ = "";
    auto context = Context(model::action::kBeforeLaunch, sandbox, generation);
    undo_args_ = extension.ClaimsOfBeforeLaunch(context).undo_args;
    return extension.Run(context);
  }
  Outcome Release(extensions::Extension& extension, std::string_view hook,
                  const std::string& sandbox = "s1", std::uint64_t generation = 1) {
    return extension.Run(Context(hook, sandbox, generation));
  }
  Outcome ProbeOf(extensions::Extension& extension) {
    return extension.Probe(Context(model::action::kBeforeLaunch));
  }

  std::size_t OwnedCount() {
    const auto owned = Open()->ListOwned();
    EXPECT_TRUE(owned.ok()) << owned.status();
    return owned.ok() ? owned->size() : 0;
  }

  const std::vector<std::string_view> releases_ = {model::action::kAfterLaunchFailed,
                                                   model::action::kAfterDelete};
  // None in a rerun: it works in its parent's, and would leave its own behind when it is killed.
  const std::unique_ptr<testing::TempDir> world_ =
      testing::InRerun(kWorld) ? nullptr : std::make_unique<testing::TempDir>();
  model::SandboxSpec spec_;
  model::LaunchPlan plan_;
  std::string undo_args_;                           // of the last Launch
  std::vector<std::unique_ptr<std::string>> keys_;  // contexts point into them
};

TEST_P(ExtensionConformance, IsAcceptedByTheChain) {
  std::vector<extensions::ChainItem> items(1);
  items[0].extension = Open();

  const auto chain = extensions::ExtensionChain::Make(std::move(items));

  EXPECT_TRUE(chain.ok()) << chain.status();
}

TEST_P(ExtensionConformance, ValidatingAndClaimingTouchNothing) {
  const auto extension = Open();

  EXPECT_TRUE(extension->Validate(Context("validate")).ok());
  extension->ClaimsOfBeforeLaunch(Context(model::action::kBeforeLaunch));

  EXPECT_EQ(OwnedCount(), 0U);
}

TEST_P(ExtensionConformance, ConfiguringTwiceGivesTheSamePlan) {
  std::vector<extensions::ChainItem> items(1);
  items[0].extension = Open();
  auto chain = extensions::ExtensionChain::Make(std::move(items));
  ASSERT_TRUE(chain.ok()) << chain.status();
  const auto frozen = (*chain)->Activate(spec_);
  ASSERT_TRUE(frozen.ok()) << frozen.status();
  const auto configure = [&] {
    return (*chain)->ConfigureLaunch(*frozen, {"s1"}, {1}, spec_,
                                     [](std::string_view step) { return std::string(step); }, {});
  };

  const auto first = configure();
  const auto second = configure();

  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(*first == *second);
}

TEST_P(ExtensionConformance, EveryDeclaredHookCalledTwiceIsDoneTwice) {
  const auto extension = Open();
  for (const std::string& hook : extension->descriptor().hooks) {
    if (hook == "validate" || hook == "configure_launch") continue;
    EXPECT_EQ(extension->Run(Context(hook)).verdict, Verdict::kDone) << hook;
    EXPECT_EQ(extension->Run(Context(hook)).verdict, Verdict::kDone) << hook << ", again";
  }
}

TEST_P(ExtensionConformance, LaunchingTwiceWithOneKeyGivesTheSameAnswerAndOneEffect) {
  const auto extension = Open();

  const Outcome first = Launch(*extension);
  const Outcome second = Launch(*extension);

  EXPECT_TRUE(first == second);
  EXPECT_EQ(OwnedCount(), first.resources.size());
}

TEST_P(ExtensionConformance, MakesOnlyWhatItClaimed) {
  const auto extension = Open();
  const auto claims = extension->ClaimsOfBeforeLaunch(Context(model::action::kBeforeLaunch)).claims;

  for (const auto& resource : Launch(*extension).resources) {
    const model::ResourceClaim claim{.kind = resource.kind, .name = resource.name};
    EXPECT_TRUE(std::find(claims.begin(), claims.end(), claim) != claims.end())
        << resource.kind << " " << resource.name << " was not claimed";
  }
}

TEST_P(ExtensionConformance, ListsWhatItMadeWithItsOwner) {
  const auto extension = Open();
  const Outcome launched = Launch(*extension, "s1", 7);

  const auto owned = Open()->ListOwned();

  ASSERT_TRUE(owned.ok()) << owned.status();
  ASSERT_EQ(owned->size(), launched.resources.size());
  for (std::size_t i = 0; i < owned->size(); ++i) {
    EXPECT_EQ((*owned)[i].sandbox.value, "s1");
    EXPECT_EQ((*owned)[i].generation.value, 7U);
    EXPECT_TRUE((*owned)[i].resource == launched.resources[i]);
  }
}

TEST_P(ExtensionConformance, ProbeBeforeLaunchFindsNothing) {
  EXPECT_NE(ProbeOf(*Open()).verdict, Verdict::kPresent);
}

TEST_P(ExtensionConformance, ProbeOfAnotherInstanceAnswersWhatLaunchAnswered) {
  if (!Launches()) return;  // nothing to probe for
  Outcome launched = Launch(*Open());

  const Outcome probed = ProbeOf(*Open());

  launched.verdict = Verdict::kPresent;
  EXPECT_TRUE(probed == launched);
}

TEST_P(ExtensionConformance, ProbingChangesNothing) {
  Launch(*Open());
  const std::size_t before = OwnedCount();

  ProbeOf(*Open());

  EXPECT_EQ(OwnedCount(), before);
}

TEST_P(ExtensionConformance, ReleaseWithoutLaunchIsDone) {
  for (const auto hook : releases_) {
    if (!Has(hook)) continue;
    EXPECT_EQ(Release(*Open(), hook).verdict, Verdict::kDone) << hook;
  }
}

TEST_P(ExtensionConformance, ReleaseByAnotherInstanceLeavesNothing) {
  for (const auto hook : releases_) {
    if (!Has(hook)) continue;
    Launch(*Open());

    EXPECT_EQ(Release(*Open(), hook).verdict, Verdict::kDone) << hook;

    EXPECT_EQ(OwnedCount(), 0U) << hook;
    EXPECT_EQ(ProbeOf(*Open()).verdict, Verdict::kAbsent) << hook;
    EXPECT_EQ(Release(*Open(), hook).verdict, Verdict::kDone) << hook << ", again";
  }
}

TEST_P(ExtensionConformance, ReleaseSparesOtherSandboxesAndGenerations) {
  if (!Launches()) return;
  const auto extension = Open();
  const std::size_t each = Launch(*extension, "s1", 1).resources.size();
  Launch(*extension, "s1", 2);
  Launch(*extension, "s2", 1);

  for (const auto hook : releases_) Release(*extension, hook, "s1", 1);

  EXPECT_EQ(OwnedCount(), 2 * each);
}

TEST_P(ExtensionConformance, KilledAnywhereInLaunchAndReleaseIsFinishedByAnotherInstance) {
  if (const char* world = testing::InRerun(kWorld)) {
    const auto extension = GetParam().open(world);
    bool ok = Launch(*extension).verdict == Verdict::kDone;
    for (const auto hook : releases_)
      ok = Release(*extension, hook).verdict == Verdict::kDone && ok;
    testing::EndRerun(ok);
  }
#ifndef HOLDFAST_FAILPOINTS
  GTEST_SKIP()
      << "NOT TESTED: this build has no failpoints, so nothing can be killed inside a hook";
#endif
  constexpr int kPointsMax = 1000;
  for (int point = 1; point <= kPointsMax; ++point) {
    SCOPED_TRACE("HOLDFAST_FAILPOINT_KILL_AT=" + std::to_string(point));
    const int status = testing::RerunThisTest(
        {{kWorld, world_->path().string()}, {"HOLDFAST_FAILPOINT_KILL_AT", std::to_string(point)}});
    if (!testing::WasKilled(status)) {
      EXPECT_TRUE(testing::EndedWell(status));
      // An extension that makes something has at least a point before and one after it.
      if (!Open()->descriptor().resource_families.empty()) {
        EXPECT_GT(point, 2);
      }
      break;
    }

    const Outcome probed = ProbeOf(*Open());
    const std::size_t owned = OwnedCount();
    const Outcome launched = Launch(*Open());

    EXPECT_EQ(launched.verdict, Verdict::kDone);
    EXPECT_EQ(OwnedCount(), launched.resources.size()) << "doubled";
    EXPECT_EQ(probed.verdict, owned > 0 ? Verdict::kPresent : Verdict::kAbsent);
    if (probed.verdict == Verdict::kPresent) {
      EXPECT_TRUE(probed.resources == launched.resources);
    }
    for (const auto hook : releases_) {
      EXPECT_EQ(Release(*Open(), hook).verdict, Verdict::kDone) << hook;
    }
    EXPECT_EQ(OwnedCount(), 0U) << "leaked";
    ASSERT_LT(point, kPointsMax) << "the sweep does not end";
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ExtensionConformance);

}  // namespace holdfast::conformance
