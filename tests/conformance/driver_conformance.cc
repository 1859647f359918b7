// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/driver_conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "tests/conformance/driver_caller.h"
#include "tests/support/status_matchers.h"

namespace holdfast::conformance {
namespace {

using holdfast::testing::IsOk;
using model::Outcome;
using model::Verdict;
using ::testing::AnyOf;

struct Bench {
  World& world;
  const ConformanceOptions& options;
};

#define EXPECT_VERDICT(expected, expression)                \
  do {                                                      \
    const Outcome hf_outcome = (expression);                \
    EXPECT_EQ(Name(hf_outcome.verdict), Name(expected))     \
        << hf_outcome.reason << ": " << hf_outcome.message; \
  } while (false)

// Provisioned and running.
Subject Launch(drivers::Driver& driver, std::string id, model::SandboxSpec spec,
               std::uint64_t generation = 1) {
  Subject subject = MakeSubject(driver, std::move(id), std::move(spec), generation);
  EXPECT_VERDICT(Verdict::kDone, Perform(driver, subject, "provision"));
  EXPECT_VERDICT(Verdict::kDone, Perform(driver, subject, "start"));
  return subject;
}

std::size_t CountOwned(drivers::Driver& driver, const drivers::Owner& owner) {
  const auto owned = ListOwned(driver);
  EXPECT_THAT(owned, IsOk());
  if (!owned.ok()) return 0;
  return static_cast<std::size_t>(std::count_if(
      owned->begin(), owned->end(), [&](const auto& one) { return one.owner == owner; }));
}

// Capabilities, plan and claims.

void NamesItself(Bench& bench) {
  const auto driver = bench.world.MakeDriver();

  EXPECT_FALSE(driver->capabilities().name.empty());
  EXPECT_FALSE(driver->capabilities().version.empty());
  EXPECT_FALSE(driver->capabilities().resource_families.empty());
}

void ClaimsWhatItMakes(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "claims", bench.world.RunsLong());

  std::set<std::string> steps;
  const auto& families = driver->capabilities().resource_families;
  for (const model::StepClaims& step : subject.plan.claims) {
    steps.insert(step.step);
    for (const model::ResourceClaim& claim : step.claims) {
      EXPECT_THAT(families, ::testing::Contains(claim.kind));
    }
    const Outcome outcome = Perform(*driver, subject, step.step);
    std::set<std::pair<std::string, std::string>> claimed, made;
    for (const auto& claim : step.claims) claimed.emplace(claim.kind, claim.name);
    for (const auto& resource : outcome.resources) made.emplace(resource.kind, resource.name);
    EXPECT_EQ(claimed, made) << step.step;
  }
  EXPECT_EQ(steps, (std::set<std::string>{"provision", "start"}));
  EXPECT_FALSE(subject.plan.backend.empty());
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "destroy"));
}

void PlanningHasNoEffect(Bench& bench) {
  const auto driver = bench.world.MakeDriver();

  MakeSubject(*driver, "planned", bench.world.RunsLong());

  EXPECT_EQ(bench.world.CountSandboxes(), 0u);
}

void RefusesHostileIds(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject good = MakeSubject(*driver, "good", bench.world.RunsLong());

  for (const char* id : {"", ".", "..", "../escape", "a/b", "a b", "/etc", "x@1", "a\nb"}) {
    Subject hostile = good;
    hostile.owner.sandbox.value = id;
    for (const char* action : {"provision", "start", "stop", "destroy"}) {
      const Outcome outcome = Perform(*driver, hostile, action);
      EXPECT_EQ(Name(outcome.verdict), "Failed") << id << " " << action;
      EXPECT_TRUE(outcome.no_effect) << id << " " << action;
      EXPECT_VERDICT(Verdict::kCannotTell, Probe(*driver, hostile, action));
    }
  }
  EXPECT_EQ(bench.world.CountSandboxes(), 0u);
}

// Every action twice, and with a restart in between.

void ProvisionTwiceMakesOne(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "twice", bench.world.RunsLong());

  const Outcome first = Perform(*driver, subject, "provision");
  const Outcome second = Perform(*driver, subject, "provision");

  EXPECT_VERDICT(Verdict::kDone, first);
  EXPECT_EQ(first, second);
  EXPECT_EQ(bench.world.CountSandboxes(), 1u);
}

void StartTwiceAdopts(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "twice", bench.world.RunsLong());
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "provision"));

  const Outcome first = Perform(*driver, subject, "start");
  const Outcome second = Perform(*driver, subject, "start");

  EXPECT_VERDICT(Verdict::kDone, first);
  EXPECT_EQ(first, second);
  EXPECT_EQ(bench.world.CountRunning(), 1u);
}

void StopTwiceIsDone(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = Launch(*driver, "twice", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "stop"));
  EXPECT_EQ(bench.world.CountRunning(), 0u);
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "stop"));
  EXPECT_EQ(bench.world.CountSandboxes(), 1u);
}

void DestroyTwiceIsDone(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = Launch(*driver, "twice", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "destroy"));
  EXPECT_EQ(bench.world.CountRunning(), 0u);
  EXPECT_EQ(bench.world.CountSandboxes(), 0u);
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "destroy"));
}

void RestartBetweenAnyTwoCallsChangesNothing(Bench& bench) {
  const Subject subject =
      MakeSubject(*bench.world.MakeDriver(), "restarted", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kDone, Perform(*bench.world.MakeDriver(), subject, "provision"));
  EXPECT_VERDICT(Verdict::kPresent, Probe(*bench.world.MakeDriver(), subject, "provision"));
  const Outcome first = Perform(*bench.world.MakeDriver(), subject, "start");
  const Outcome second = Perform(*bench.world.MakeDriver(), subject, "start");
  EXPECT_EQ(first, second);
  EXPECT_EQ(bench.world.CountRunning(), 1u);
  EXPECT_VERDICT(Verdict::kPresent, Probe(*bench.world.MakeDriver(), subject, "start"));
  EXPECT_VERDICT(Verdict::kDone, Perform(*bench.world.MakeDriver(), subject, "stop"));
  EXPECT_EQ(bench.world.CountRunning(), 0u);
  EXPECT_VERDICT(Verdict::kDone, Perform(*bench.world.MakeDriver(), subject, "destroy"));
  EXPECT_EQ(bench.world.CountSandboxes(), 0u);
}

void WorkloadOutlivesTheDriver(Bench& bench) {
  auto driver = bench.world.MakeDriver();
  const Subject subject = Launch(*driver, "outlives", bench.world.RunsLong());

  driver.reset();

  EXPECT_EQ(bench.world.CountRunning(), 1u);
}

void StopThenStartRunsAgain(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  Subject subject = Launch(*driver, "again", bench.world.RunsLong());
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "stop"));

  subject.run = "2";
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "start"));

  EXPECT_EQ(bench.world.CountRunning(), 1u);
}

// Two attempts at once.

void AtOnce(Bench& bench, const char* action, std::size_t running, std::size_t sandboxes) {
  const auto one = bench.world.MakeDriver();
  const auto other = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*one, "at-once", bench.world.RunsLong());
  for (const char* earlier : {"provision", "start"}) {
    if (std::string_view(earlier) == action) break;
    EXPECT_VERDICT(Verdict::kDone, Perform(*one, subject, earlier));
  }

  std::vector<std::future<Outcome>> answers;
  for (int i = 0; i < 4; ++i) {
    answers.push_back(PerformLater(i % 2 == 0 ? *one : *other, RequestOf(subject, action)));
  }

  for (auto& answer : answers) EXPECT_VERDICT(Verdict::kDone, Wait(std::move(answer)));
  EXPECT_EQ(bench.world.CountRunning(), running);
  EXPECT_EQ(bench.world.CountSandboxes(), sandboxes);
}

void ProvisionsAtOnceMakeOne(Bench& bench) { AtOnce(bench, "provision", 0, 1); }
void StartsAtOnceMakeOne(Bench& bench) { AtOnce(bench, "start", 1, 1); }
void StopsAtOnceAreDone(Bench& bench) { AtOnce(bench, "stop", 0, 1); }
void DestroysAtOnceAreDone(Bench& bench) { AtOnce(bench, "destroy", 0, 0); }

// What is not there.

void StopOfNothingIsDone(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "nothing", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "stop"));
}

void DestroyOfNothingIsDone(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "nothing", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "destroy"));
}

void StartOfUnprovisionedFails(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "nothing", bench.world.RunsLong());

  const Outcome outcome = Perform(*driver, subject, "start");

  EXPECT_VERDICT(Verdict::kFailed, outcome);
  EXPECT_TRUE(outcome.no_effect);
  EXPECT_FALSE(outcome.message.empty());
}

void RefusesAnUnknownAction(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "nothing", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kFailed, Perform(*driver, subject, "levitate"));
  EXPECT_VERDICT(Verdict::kCannotTell, Probe(*driver, subject, "levitate"));
}

// Probes.

void ProbesFollowTheWorld(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "probed", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kAbsent, Probe(*driver, subject, "provision"));
  EXPECT_VERDICT(Verdict::kAbsent, Probe(*driver, subject, "start"));
  const Outcome provisioned = Perform(*driver, subject, "provision");
  EXPECT_EQ(Probe(*driver, subject, "provision").resources, provisioned.resources);
  EXPECT_VERDICT(Verdict::kAbsent, Probe(*driver, subject, "start"));
  const Outcome started = Perform(*driver, subject, "start");
  EXPECT_EQ(Probe(*driver, subject, "start").resources, started.resources);
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "destroy"));
  EXPECT_VERDICT(Verdict::kAbsent, Probe(*driver, subject, "provision"));
  EXPECT_VERDICT(Verdict::kAbsent, Probe(*driver, subject, "start"));
}

void ProbeOfAnEndedStartIsPresent(Bench& bench) {
  Exits exits;
  const auto driver = bench.world.MakeDriver();
  driver->Watch(exits.Observer());
  const Subject subject = Launch(*driver, "ended", bench.world.ExitsWith(0));
  ASSERT_TRUE(exits.WaitFor(subject.owner).has_value());

  EXPECT_VERDICT(Verdict::kPresent, Probe(*driver, subject, "start"));
}

void StartOfAnEndedRunIsNotRepeated(Bench& bench) {
  Exits exits;
  const auto driver = bench.world.MakeDriver();
  driver->Watch(exits.Observer());
  const Subject subject = MakeSubject(*driver, "ended", bench.world.ExitsWith(0));
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, subject, "provision"));
  const Outcome first = Perform(*driver, subject, "start");
  ASSERT_TRUE(exits.WaitFor(subject.owner).has_value());

  const Outcome second = Perform(*driver, subject, "start");

  EXPECT_EQ(first, second);
  EXPECT_EQ(bench.world.CountRunning(), 0u);
}

void BrokenWorldIsNeverAbsent(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = Launch(*driver, "hidden", bench.world.RunsLong());
  if (!bench.world.Break()) GTEST_SKIP() << "SKIPPED: this world cannot be broken";

  EXPECT_VERDICT(Verdict::kCannotTell, Probe(*driver, subject, "provision"));
  EXPECT_VERDICT(Verdict::kCannotTell, Probe(*driver, subject, "start"));
  EXPECT_FALSE(ListOwned(*driver).ok());
  EXPECT_NE(Name(Perform(*driver, subject, "stop").verdict), "Done");
  EXPECT_NE(Name(Perform(*driver, subject, "destroy").verdict), "Done");

  bench.world.Repair();
  EXPECT_VERDICT(Verdict::kPresent, Probe(*driver, subject, "start"));
}

// Ownership and fencing.

void OtherGenerationIsUntouched(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject living = Launch(*driver, "same-name", bench.world.RunsLong(), 7);
  const Subject other = MakeSubject(*driver, "same-name", bench.world.RunsLong(), 8);

  const Outcome provision = Perform(*driver, other, "provision");
  EXPECT_VERDICT(Verdict::kFailed, provision);
  EXPECT_EQ(provision.reason, "Conflict");
  EXPECT_TRUE(provision.no_effect);
  EXPECT_VERDICT(Verdict::kFailed, Perform(*driver, other, "start"));
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, other, "stop"));
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, other, "destroy"));
  EXPECT_VERDICT(Verdict::kAbsent, Probe(*driver, other, "provision"));

  EXPECT_EQ(bench.world.CountRunning(), 1u);
  EXPECT_VERDICT(Verdict::kPresent, Probe(*driver, living, "start"));
}

void StaleEpochDoesNothing(Bench& bench) {
  if (!bench.options.fences_epochs) GTEST_SKIP() << "SKIPPED: this driver does not fence epochs";
  const auto predecessor = bench.world.MakeDriver();
  Subject old = MakeSubject(*predecessor, "fenced", bench.world.RunsLong());
  old.epoch = {4};
  EXPECT_VERDICT(Verdict::kDone, Perform(*predecessor, old, "provision"));
  const auto successor = bench.world.MakeDriver();
  Subject present = old;
  present.epoch = {5};
  EXPECT_VERDICT(Verdict::kDone, Perform(*successor, present, "start"));

  for (const char* action : {"provision", "start", "stop", "destroy"}) {
    const Outcome outcome = Perform(*predecessor, old, action);
    EXPECT_EQ(outcome.reason, "StaleEpoch") << action;
    EXPECT_TRUE(outcome.no_effect) << action;
  }
  EXPECT_EQ(bench.world.CountRunning(), 1u);
}

// Cancellation and time.

void CancelledBeforeItBeginsHasNoEffect(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "cancelled", bench.world.RunsLong());
  std::stop_source source;
  source.request_stop();
  drivers::StepRequest request = RequestOf(subject, "provision");
  request.cancelled = source.get_token();

  const Outcome outcome = Perform(*driver, std::move(request));

  // Either it did nothing and says so, or it did it and says so.
  if (outcome.verdict == Verdict::kFailed) {
    EXPECT_TRUE(outcome.no_effect);
    EXPECT_EQ(bench.world.CountSandboxes(), 0u);
  } else {
    EXPECT_VERDICT(Verdict::kDone, outcome);
    EXPECT_EQ(bench.world.CountSandboxes(), 1u);
  }
}

void GraceOfZeroKillsAtOnce(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = Launch(*driver, "killed", bench.world.RunsLong());
  drivers::StepRequest request = RequestOf(subject, "stop");
  request.grace = std::chrono::milliseconds(0);

  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, std::move(request)));

  EXPECT_EQ(bench.world.CountRunning(), 0u);
}

// Exits.

void ReportsAnExitWithItsCode(Bench& bench) {
  Exits exits;
  const auto driver = bench.world.MakeDriver();
  driver->Watch(exits.Observer());
  const Subject subject = Launch(*driver, "exits", bench.world.ExitsWith(3));

  const auto exit = exits.WaitFor(subject.owner);

  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->exit_code, 3);
  EXPECT_EQ(exit->reason, "Exited");
}

void ReportsAnExitThatNobodyWatched(Bench& bench) {
  auto driver = bench.world.MakeDriver();
  const Subject subject = Launch(*driver, "unwatched", bench.world.ExitsWith(4));
  driver.reset();
  Exits exits;
  const auto next = bench.world.MakeDriver();

  next->Watch(exits.Observer());

  const auto exit = exits.WaitFor(subject.owner);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->exit_code, 4);
}

void DoesNotReportAStopAsAnExit(Bench& bench) {
  Exits exits;
  const auto driver = bench.world.MakeDriver();
  driver->Watch(exits.Observer());
  const Subject stopped = Launch(*driver, "stopped", bench.world.RunsLong());

  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, stopped, "stop"));

  // Whatever the stop would have caused is reported before a later sandbox's end.
  const Subject later = Launch(*driver, "later", bench.world.ExitsWith(0));
  ASSERT_TRUE(exits.WaitFor(later.owner).has_value());
  EXPECT_EQ(exits.CountNow(stopped.owner), 0u);
}

// Listing.

void ListsEverySandboxInEveryStage(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject provisioned = MakeSubject(*driver, "provisioned", bench.world.RunsLong());
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, provisioned, "provision"));
  const Subject running = Launch(*driver, "running", bench.world.RunsLong(), 2);
  const Subject stopped = Launch(*driver, "stopped", bench.world.RunsLong(), 3);
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, stopped, "stop"));
  const Subject destroyed = Launch(*driver, "destroyed", bench.world.RunsLong(), 4);
  EXPECT_VERDICT(Verdict::kDone, Perform(*driver, destroyed, "destroy"));

  const auto fresh = bench.world.MakeDriver();

  EXPECT_GE(CountOwned(*fresh, provisioned.owner), 1u);
  EXPECT_GE(CountOwned(*fresh, running.owner), 1u);
  EXPECT_GE(CountOwned(*fresh, stopped.owner), 1u);
  EXPECT_EQ(CountOwned(*fresh, destroyed.owner), 0u);
}

void ListedResourcesAreTheOnesThatStepsNamed(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "named", bench.world.RunsLong());
  std::set<model::Resource> made, listed;
  for (const char* action : {"provision", "start"}) {
    for (auto& resource : Perform(*driver, subject, action).resources) made.insert(resource);
  }

  const auto owned = ListOwned(*driver);

  ASSERT_THAT(owned, IsOk());
  for (const auto& one : *owned) listed.insert(one.resource);
  EXPECT_EQ(listed, made);
}

void Trap08SweepPageLimit(Bench& bench) {
  const auto driver = bench.world.MakeDriver();
  const Subject one = MakeSubject(*driver, "bulk", bench.world.RunsLong());
  std::vector<std::future<Outcome>> answers;
  for (std::size_t i = 0; i < bench.options.bulk; ++i) {
    Subject subject = one;
    subject.owner.sandbox.value = fmt::format("bulk-{}", i);
    answers.push_back(PerformLater(*driver, RequestOf(subject, "provision")));
  }
  for (auto& answer : answers) ASSERT_EQ(Name(Wait(std::move(answer)).verdict), "Done");

  const auto owned = ListOwned(*driver);

  ASSERT_THAT(owned, IsOk());
  std::set<drivers::Owner> owners;
  for (const auto& listed : *owned) owners.insert(listed.owner);
  EXPECT_EQ(owners.size(), bench.options.bulk);
}

struct Case {
  const char* name;
  void (*run)(Bench&);
};

constexpr Case kCases[] = {
    {"NamesItself", NamesItself},
    {"ClaimsWhatItMakes", ClaimsWhatItMakes},
    {"PlanningHasNoEffect", PlanningHasNoEffect},
    {"RefusesHostileIds", RefusesHostileIds},
    {"ProvisionTwiceMakesOne", ProvisionTwiceMakesOne},
    {"StartTwiceAdopts", StartTwiceAdopts},
    {"StopTwiceIsDone", StopTwiceIsDone},
    {"DestroyTwiceIsDone", DestroyTwiceIsDone},
    {"RestartBetweenAnyTwoCallsChangesNothing", RestartBetweenAnyTwoCallsChangesNothing},
    {"WorkloadOutlivesTheDriver", WorkloadOutlivesTheDriver},
    {"StopThenStartRunsAgain", StopThenStartRunsAgain},
    {"ProvisionsAtOnceMakeOne", ProvisionsAtOnceMakeOne},
    {"StartsAtOnceMakeOne", StartsAtOnceMakeOne},
    {"StopsAtOnceAreDone", StopsAtOnceAreDone},
    {"DestroysAtOnceAreDone", DestroysAtOnceAreDone},
    {"StopOfNothingIsDone", StopOfNothingIsDone},
    {"DestroyOfNothingIsDone", DestroyOfNothingIsDone},
    {"StartOfUnprovisionedFails", StartOfUnprovisionedFails},
    {"RefusesAnUnknownAction", RefusesAnUnknownAction},
    {"ProbesFollowTheWorld", ProbesFollowTheWorld},
    {"ProbeOfAnEndedStartIsPresent", ProbeOfAnEndedStartIsPresent},
    {"StartOfAnEndedRunIsNotRepeated", StartOfAnEndedRunIsNotRepeated},
    {"Trap11BrokenWorldIsNeverAbsent", BrokenWorldIsNeverAbsent},
    {"OtherGenerationIsUntouched", OtherGenerationIsUntouched},
    {"Trap10StaleEpochDoesNothing", StaleEpochDoesNothing},
    {"CancelledBeforeItBeginsHasNoEffect", CancelledBeforeItBeginsHasNoEffect},
    {"GraceOfZeroKillsAtOnce", GraceOfZeroKillsAtOnce},
    {"ReportsAnExitWithItsCode", ReportsAnExitWithItsCode},
    {"ReportsAnExitThatNobodyWatched", ReportsAnExitThatNobodyWatched},
    {"DoesNotReportAStopAsAnExit", DoesNotReportAStopAsAnExit},
    {"ListsEverySandboxInEveryStage", ListsEverySandboxInEveryStage},
    {"ListedResourcesAreTheOnesThatStepsNamed", ListedResourcesAreTheOnesThatStepsNamed},
    {"Trap08SweepPageLimit", Trap08SweepPageLimit},
};

class ConformanceTest : public ::testing::Test {
 public:
  ConformanceTest(const Case& one, const WorldFactory& factory, const ConformanceOptions& options)
      : case_(one), factory_(factory), options_(options) {}

  void TestBody() override {
    const std::unique_ptr<World> world = factory_();
    Bench bench{*world, options_};
    case_.run(bench);
  }

 private:
  const Case& case_;
  const WorldFactory factory_;
  const ConformanceOptions options_;
};

}  // namespace

bool RegisterDriverConformance(const std::string& name, WorldFactory factory,
                               ConformanceOptions options) {
  const std::string suite = name + "DriverConformance";
  for (const Case& one : kCases) {
    ::testing::RegisterTest(suite.c_str(), one.name, nullptr, nullptr, __FILE__, __LINE__,
                            [&one, factory, options]() -> ::testing::Test* {
                              return new ConformanceTest(one, factory, options);
                            });
  }
  return true;
}

}  // namespace holdfast::conformance
