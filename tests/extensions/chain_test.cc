// SPDX-License-Identifier: Apache-2.0
#include "extensions/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "tests/extensions/fake_extension.h"
#include "tests/support/status_matchers.h"

namespace holdfast::extensions {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using model::Outcome;
using model::Verdict;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

ChainItem Described(Descriptor descriptor) {
  ChainItem item;
  item.extension = std::make_unique<FakeExtension>(std::move(descriptor), FakeHooks{});
  return item;
}

TEST(MakeChain, RefusesADuplicateName) {
  EXPECT_THAT(ExtensionChain::Make(List(Fake("a"), Fake("b"), Fake("a"))),
              StatusIs(kInvalid, HasSubstr("'a' is listed twice")));
}

TEST(MakeChain, RefusesAMalformedName) {
  EXPECT_THAT(ExtensionChain::Make(List(Fake("Not A Name"))), StatusIs(kInvalid));
  EXPECT_THAT(ExtensionChain::Make(List(Fake(""))), StatusIs(kInvalid));
}

TEST(MakeChain, RefusesAnUnknownHook) {
  EXPECT_THAT(ExtensionChain::Make(List(Fake("a", {}, {"before_lunch"}))),
              StatusIs(kInvalid, AllOf(HasSubstr("'a'"), HasSubstr("before_lunch"))));
}

TEST(MakeChain, RefusesResourcesThatNoHookReleases) {
  EXPECT_THAT(ExtensionChain::Make(List(Described({.name = "a",
                                                   .hooks = {"before_launch", "after_delete"},
                                                   .resource_families = {"lease"}}))),
              StatusIs(kInvalid, HasSubstr("after_launch_failed")));
}

TEST(MakeChain, RefusesADeadlineOfZero) {
  auto items = List(Fake("a"));
  items[0].deadline = std::chrono::milliseconds(0);
  EXPECT_THAT(ExtensionChain::Make(std::move(items)), StatusIs(kInvalid));
}

TEST(CheckDriver, NamesBothWhenAFeatureIsMissing) {
  const auto chain = MakeChain(List(Described({.name = "a", .required_features = {"gpu", "tap"}})));

  EXPECT_THAT(chain->CheckDriver("process", {"gpu"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'a' requires tap"), HasSubstr("'process'"))));
  EXPECT_THAT(chain->CheckDriver("vm", {"gpu", "tap", "more"}), IsOk());
}

TEST(CheckDriver, AsksForAnExtensionOnRequestOnlyWhenItIsActive) {
  auto items = List(Described({.name = "a", .required_features = {"tap"}}));
  items[0].global = false;
  const auto chain = MakeChain(std::move(items));
  const model::Chain active = {{.name = "a"}};

  EXPECT_THAT(chain->CheckDriver("process", {}), IsOk());
  EXPECT_THAT(chain->CheckDriver("process", {}, active),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(Validate, AsksInOrderAndStopsAtTheFirstRefusal) {
  CallLog log;
  const auto saying = [&](const std::string& name, absl::Status status) {
    return FakeHooks{.validate = [&log, name, status](const HookContext& context) {
      EXPECT_EQ(context.hook, "validate");
      EXPECT_EQ(context.spec->image, "img");
      log.Add(name);
      return status;
    }};
  };
  const auto chain = MakeChain(List(Fake("b", saying("b", absl::OkStatus())),
                                    Fake("a", saying("a", absl::ResourceExhaustedError("full"))),
                                    Fake("c", saying("c", absl::OkStatus()))));
  model::SandboxSpec spec;
  spec.image = "img";

  const auto status = chain->Validate(chain->Activate(spec).value(), {"s1"}, {1}, spec);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, "extension 'a': full"));
  EXPECT_THAT(log.calls(), ElementsAre("b", "a"));
}

TEST(Validate, DoesNotAskWhoIsNotFrozenOrDoesNotDeclareIt) {
  const FakeHooks refusing{
      .validate = [](const HookContext&) { return absl::InternalError("asked"); }};
  const auto chain =
      MakeChain(List(Fake("a", refusing), Fake("b", refusing, {"configure_launch"})));
  model::Chain frozen = chain->Activate({}).value();
  frozen.erase(frozen.begin());

  EXPECT_THAT(chain->Validate(frozen, {"s1"}, {1}, {}), IsOk());
}

TEST(RunHook, GivesTheHookWhatTheCallHolds) {
  HookCall call = Call("a", "after_launch_failed");
  call.generation = {4};
  call.attempt = 3;
  call.epoch = {9};
  call.plan = model::LaunchPlan{.backend = "bwrap"};
  call.state = model::StateBlob{.schema_version = 0, .bytes = "mine"};
  call.held = {{"lease", "n", "h"}};
  call.undo_args = "{}";
  call.failure_reason = "NoImage";
  const auto chain = MakeChain(List(Fake("a", {.run = [&](const HookContext& context) {
                                           EXPECT_EQ(context.sandbox.value, "s1");
                                           EXPECT_EQ(context.generation.value, 4U);
                                           EXPECT_EQ(context.hook, "after_launch_failed");
                                           EXPECT_EQ(context.key, "s1/1/after_launch_failed/a");
                                           EXPECT_EQ(context.attempt, 3U);
                                           EXPECT_EQ(context.epoch.value, 9U);
                                           EXPECT_EQ(context.plan->backend, "bwrap");
                                           EXPECT_EQ(context.state->bytes, "mine");
                                           EXPECT_EQ(context.held.size(), 1U);
                                           EXPECT_EQ(context.undo_args, "{}");
                                           EXPECT_EQ(context.failure_reason, "NoImage");
                                           return Outcome::Done();
                                         }})));

  EXPECT_EQ(RunNow(*chain, call), Outcome::Done());
}

TEST(RunHook, AnswersDoneForAHookThatIsNotDeclared) {
  const auto chain = MakeChain(List(Fake("a", {.run = [](const HookContext&) -> Outcome {
                                           ADD_FAILURE() << "called";
                                           return Outcome::Done();
                                         }},
                                         {"validate"})));

  EXPECT_EQ(RunNow(*chain, Call("a", "before_stop")), Outcome::Done());
  EXPECT_EQ(RunNow(*chain, Call("a", "after_delete")), Outcome::Done());
}

TEST(RunHook, BlocksTheUndoOfWhatThisVersionCannotRelease) {
  const auto chain = MakeChain(List(Fake("a", {}, {"validate"})));
  HookCall call = Call("a", "after_delete");
  call.held = {{"lease", "n", "h"}};

  EXPECT_EQ(RunNow(*chain, call).reason, "UndoBlocked");
}

TEST(RunHook, FailsWhenTheExtensionIsMissing) {
  const auto chain = MakeChain({});

  const Outcome outcome = RunNow(*chain, Call("gone", "before_start"));

  EXPECT_EQ(outcome.verdict, Verdict::kFailed);
  EXPECT_EQ(outcome.reason, "ExtensionMissing");
  EXPECT_FALSE(outcome.retryable);
  EXPECT_TRUE(outcome.no_effect);
}

TEST(RunHook, DoesNotVouchForEarlierAttemptsOfAMissingExtension) {
  const auto chain = MakeChain({});
  HookCall call = Call("gone", "before_launch");
  call.attempt = 2;

  EXPECT_FALSE(RunNow(*chain, call).no_effect);
}

TEST(Trap04CleanupChosenFromLiveConfig, ReleaseOfARemovedExtensionIsBlockedAndNotDone) {
  const auto chain = MakeChain(List(Fake("other")));
  for (const std::string hook : {"after_launch_failed", "after_delete"}) {
    const Outcome outcome = RunNow(*chain, Call("gone", hook));

    EXPECT_EQ(outcome.verdict, Verdict::kFailed) << hook;
    EXPECT_EQ(outcome.reason, "UndoBlocked") << hook;
    EXPECT_FALSE(outcome.retryable) << hook;
    EXPECT_FALSE(outcome.no_effect) << hook;
    EXPECT_THAT(outcome.message, HasSubstr("'gone'"));
  }
}

TEST(Trap04CleanupChosenFromLiveConfig, ReleaseRunsWhateverTheLabelsSayNow) {
  auto items = List(Fake("a"));
  items[0].global = false;  // was global at create
  const auto chain = MakeChain(std::move(items));

  EXPECT_EQ(RunNow(*chain, Call("a", "after_delete")), Outcome::Done());
}

TEST(Trap04CleanupChosenFromLiveConfig, ProbeOfARemovedExtensionCannotTell) {
  const auto chain = MakeChain({});
  EXPECT_EQ(ProbeNow(*chain, Call("gone", "before_launch")).verdict, Verdict::kCannotTell);
}

TEST(RunHook, RefusesStateOfANewerSchema) {
  const auto chain = MakeChain(List(Fake("a", {.run = [](const HookContext&) -> Outcome {
                                           ADD_FAILURE() << "called";
                                           return Outcome::Done();
                                         }})));
  HookCall call = Call("a", "after_delete");
  call.state = model::StateBlob{.schema_version = 1, .bytes = ""};

  const Outcome outcome = RunNow(*chain, call);

  EXPECT_EQ(outcome.verdict, Verdict::kFailed);
  EXPECT_EQ(outcome.reason, "StateTooNew");
  EXPECT_FALSE(outcome.retryable);
  EXPECT_EQ(ProbeNow(*chain, call).verdict, Verdict::kCannotTell);
}

TEST(ProbeHook, IsOfBeforeLaunch) {
  const auto chain =
      MakeChain(List(Fake("a", {.probe = [](const HookContext& context) {
                            EXPECT_EQ(context.hook, "before_launch");
                            return Outcome::Probed(Verdict::kPresent, {{"lease", "n", "h"}});
                          }})));

  const Outcome outcome = ProbeNow(*chain, Call("a", ""));

  EXPECT_EQ(outcome.verdict, Verdict::kPresent);
  EXPECT_THAT(outcome.resources, ElementsAre(model::Resource{"lease", "n", "h"}));
}

TEST(ListOwned, NamesTheExtensionOfEach) {
  const auto owning = [](const std::string& sandbox) {
    return FakeHooks{.owned = [sandbox]() -> absl::StatusOr<std::vector<OwnedResource>> {
      return std::vector<OwnedResource>{{{sandbox}, {1}, {"lease", "n", "h"}}};
    }};
  };
  const auto chain = MakeChain(List(Fake("a", owning("s1")), Fake("b", owning("s2"))));

  const auto owned = chain->ListOwned();

  ASSERT_THAT(owned, IsOk());
  ASSERT_EQ(owned->size(), 2U);
  EXPECT_EQ((*owned)[0].extension, "a");
  EXPECT_EQ((*owned)[1].extension, "b");
  EXPECT_EQ((*owned)[1].resource.sandbox.value, "s2");
}

TEST(Trap11LeakedVsLive, AListThatIsNotCompleteIsAnError) {
  const auto chain = MakeChain(
      List(Fake("a"), Fake("b", {.owned = []() -> absl::StatusOr<std::vector<OwnedResource>> {
                             return absl::UnavailableError("no answer");
                           }})));

  EXPECT_THAT(chain->ListOwned(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("extension 'b'")));
}

}  // namespace
}  // namespace holdfast::extensions
