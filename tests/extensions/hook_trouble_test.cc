// SPDX-License-Identifier: Apache-2.0
//
// Hooks that throw, are late, or never return. They hang at a gate that the test opens at its end;
// deadlines are short, and no test waits for time to pass but by waiting for an answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/extensions/fake_extension.h"
#include "tests/support/status_matchers.h"

namespace holdfast::extensions {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using model::Outcome;
using model::Verdict;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr milliseconds kShort{50};
// So that a test with a hanging hook does not wait for it when its chain goes away.
constexpr HookLimits kLimits{
    .concurrent_max = 2, .hung_max = 2, .queued_max = 4, .close_grace = milliseconds(50)};

FakeHooks Hanging(const Gate& gate) {
  return {.run = [wait = gate.waiter()](const HookContext&) {
    wait();
    return Outcome::Done();
  }};
}

TEST(HookThatThrows, IsUnknownWithWhat) {
  const auto chain = MakeChain(List(Fake("a", {.run = [](const HookContext&) -> Outcome {
                                           throw std::runtime_error("out of order");
                                         }})));

  const Outcome outcome = RunNow(*chain, Call("a", "before_launch"));

  EXPECT_EQ(outcome.verdict, Verdict::kUnknown);
  EXPECT_EQ(outcome.reason, "HookThrew");
  EXPECT_THAT(outcome.message, AllOf(HasSubstr("'a'"), HasSubstr("out of order")));
}

TEST(HookThatThrows, IsUnknownWhateverItThrows) {
  const auto chain =
      MakeChain(List(Fake("a", {.run = [](const HookContext&) -> Outcome { throw 42; }})));

  EXPECT_EQ(RunNow(*chain, Call("a", "before_launch")).reason, "HookThrew");
}

TEST(HookThatThrows, CannotTellWhenProbed) {
  const auto chain = MakeChain(List(Fake("a", {.probe = [](const HookContext&) -> Outcome {
                                           throw std::runtime_error("out of order");
                                         }})));

  EXPECT_EQ(ProbeNow(*chain, Call("a", "before_launch")).verdict, Verdict::kCannotTell);
}

TEST(HookThatThrows, RefusesTheRequestInValidateAndConfigure) {
  const auto chain =
      MakeChain(List(Fake("a", {.validate = [](const HookContext&) -> absl::Status { throw 1; },
                                .configure = [](const HookContext&, PlanBuilder&) -> absl::Status {
                                  throw std::runtime_error("out of order");
                                }})));
  const model::Chain frozen = chain->Activate({}).value();

  EXPECT_THAT(chain->Validate(frozen, {"s1"}, {1}, {}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(chain->ConfigureLaunch(frozen, {"s1"}, {1}, {}, KeyOfStep, {}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("out of order")));
}

TEST(Trap12HookThatNeverReturns, IsAnsweredForAtItsDeadline) {
  Gate gate;
  const auto chain = MakeChain(List(Fake("a", Hanging(gate))), {}, kLimits);

  const Outcome outcome = RunNow(*chain, Call("a", "before_launch", kShort));

  EXPECT_EQ(outcome.verdict, Verdict::kUnknown);
  EXPECT_EQ(outcome.reason, "DeadlineExceeded");
  EXPECT_THAT(outcome.message, AllOf(HasSubstr("'a'"), HasSubstr("before_launch")));
}

TEST(Trap12HookThatNeverReturns, IsAnsweredForAtEveryVerb) {
  Gate gate;
  const auto wait = gate.waiter();
  auto items = List(Fake("a", {.validate =
                                   [wait](const HookContext&) {
                                     wait();
                                     return absl::OkStatus();
                                   },
                               .configure =
                                   [wait](const HookContext&, PlanBuilder& builder) {
                                     wait();
                                     return builder.AddEnv("LATE", "1");
                                   },
                               .probe =
                                   [wait](const HookContext&) {
                                     wait();
                                     return Outcome::Probed(Verdict::kAbsent);
                                   },
                               .owned = [wait]() -> absl::StatusOr<std::vector<OwnedResource>> {
                                 wait();
                                 return std::vector<OwnedResource>{};
                               }}));
  items[0].deadline = kShort;
  HookLimits limits = kLimits;
  limits.hung_max = 8;
  const auto chain = MakeChain(std::move(items), {}, limits);
  const model::Chain frozen = chain->Activate({}).value();

  EXPECT_THAT(chain->Validate(frozen, {"s1"}, {1}, {}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(chain->ConfigureLaunch(frozen, {"s1"}, {1}, {}, KeyOfStep, {}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(chain->ListOwned(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(ProbeNow(*chain, Call("a", "before_launch", kShort)).verdict, Verdict::kCannotTell);
}

TEST(Trap12HookThatNeverReturns, DoesNotTroubleOtherExtensions) {
  Gate gate;
  const auto chain = MakeChain(List(Fake("hangs", Hanging(gate)), Fake("works")), {}, kLimits);
  std::vector<FutureOutcome> hanging;
  for (int i = 0; i < 4; ++i)
    hanging.push_back(Start(*chain, Call("hangs", "before_stop", kShort)));

  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(RunNow(*chain, Call("works", "before_stop")), Outcome::Done());
  }

  for (FutureOutcome& answer : hanging) EXPECT_NE(answer.get().verdict, Verdict::kDone);
}

TEST(Trap12HookThatNeverReturns, LeavesTheSameExtensionRunningUntilTheBound) {
  Gate gate;
  const auto chain = MakeChain(
      List(Fake("a", {.run =
                          [wait = gate.waiter()](const HookContext& context) {
                            if (context.hook == "before_stop") wait();
                            return Outcome::Done();
                          }})),
      {}, HookLimits{.concurrent_max = 1, .hung_max = 2, .close_grace = milliseconds(50)});

  EXPECT_EQ(RunNow(*chain, Call("a", "before_stop", kShort)).reason, "DeadlineExceeded");
  EXPECT_EQ(RunNow(*chain, Call("a", "after_stop")), Outcome::Done());  // by a replacement
  EXPECT_EQ(RunNow(*chain, Call("a", "before_stop", kShort)).reason, "DeadlineExceeded");

  const Outcome refused = RunNow(*chain, Call("a", "after_stop"));
  EXPECT_EQ(refused.verdict, Verdict::kFailed);
  EXPECT_EQ(refused.reason, "ExtensionHung");
  EXPECT_TRUE(refused.retryable);
  EXPECT_TRUE(refused.no_effect);
}

TEST(Trap12HookThatNeverReturns, IsTakenBackWhenItReturnsAfterAll) {
  Gate gate;
  const auto chain =
      MakeChain(List(Fake("a", Hanging(gate))), {},
                HookLimits{.concurrent_max = 1, .hung_max = 1, .close_grace = milliseconds(50)});
  ASSERT_EQ(RunNow(*chain, Call("a", "before_stop", kShort)).reason, "DeadlineExceeded");
  ASSERT_EQ(RunNow(*chain, Call("a", "before_stop")).reason, "ExtensionHung");

  gate.Open();

  // The thread comes back when the system lets it; until then the extension is refused.
  Outcome outcome;
  do {
    outcome = RunNow(*chain, Call("a", "before_stop"));
  } while (outcome.reason == "ExtensionHung");
  EXPECT_EQ(outcome, Outcome::Done());
}

TEST(Trap12HookThatNeverReturns, DoesNotHoldTheChainsEndUp) {
  Gate gate;
  FutureOutcome running;
  {
    const auto chain = MakeChain(List(Fake("a", Hanging(gate))), {}, kLimits);
    running = Start(*chain, Call("a", "before_launch"));
  }
  // Answered although its deadline is far away: exactly once, by the end of the chain at the
  // latest.
  ASSERT_EQ(running.wait_for(milliseconds(0)), std::future_status::ready);
  EXPECT_NE(running.get().verdict, Verdict::kDone);
}

TEST(ChainsEnd, WaitsForHooksThatAnswer) {
  Gate gate;
  std::promise<void> started;
  auto chain =
      MakeChain(List(Fake("a", {.run = [wait = gate.waiter(), &started](const HookContext&) {
                            started.set_value();
                            wait();
                            return Outcome::Done();
                          }})));
  FutureOutcome running = Start(*chain, Call("a", "before_launch"));
  started.get_future().wait();

  std::thread end([&] { chain.reset(); });
  gate.Open();
  end.join();

  EXPECT_EQ(running.get(), Outcome::Done());
}

TEST(BusyExtension, RunsNoMoreHooksAtOnceThanItsBound) {
  Gate gate;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  const auto chain =
      MakeChain(List(Fake("a", {.run =
                                    [&](const HookContext&) {
                                      const int now = ++running;
                                      int seen = most.load();
                                      while (seen < now && !most.compare_exchange_weak(seen, now)) {
                                      }
                                      --running;
                                      return Outcome::Done();
                                    }})),
                {}, HookLimits{.concurrent_max = 3});
  std::vector<FutureOutcome> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(Start(*chain, Call("a", "before_stop")));

  for (FutureOutcome& answer : answers) EXPECT_EQ(answer.get(), Outcome::Done());
  EXPECT_LE(most.load(), 3);
}

TEST(BusyExtension, FailsWithoutEffectWhatCouldNotBeginInTime) {
  Gate gate;
  const auto chain =
      MakeChain(List(Fake("a", Hanging(gate))), {},
                HookLimits{.concurrent_max = 1, .hung_max = 9, .close_grace = milliseconds(50)});
  FutureOutcome first = Start(*chain, Call("a", "before_launch"));

  const Outcome outcome = RunNow(*chain, Call("a", "before_launch", kShort));

  EXPECT_EQ(outcome.verdict, Verdict::kFailed);
  EXPECT_EQ(outcome.reason, "ExtensionBusy");
  EXPECT_TRUE(outcome.retryable);
  EXPECT_TRUE(outcome.no_effect);
  gate.Open();
  EXPECT_EQ(first.get(), Outcome::Done());
}

TEST(BusyExtension, RefusesMoreThanItsQueueHolds) {
  Gate gate;
  const auto chain =
      MakeChain(List(Fake("a", Hanging(gate))), {},
                HookLimits{.concurrent_max = 1, .queued_max = 2, .close_grace = milliseconds(50)});
  std::vector<FutureOutcome> answers;
  // One runs, or is about to; two or three wait; the rest is refused.
  for (int i = 0; i < 8; ++i) answers.push_back(Start(*chain, Call("a", "before_stop")));
  int refused = 0;
  gate.Open();

  for (FutureOutcome& answer : answers) refused += answer.get().reason == "ExtensionBusy" ? 1 : 0;

  EXPECT_GE(refused, 5);
  EXPECT_LE(refused, 6);
}

}  // namespace
}  // namespace holdfast::extensions
