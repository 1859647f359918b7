// SPDX-License-Identifier: Apache-2.0
//
// The table, tried out completely: every state, every trigger, all facts. And what must hold of it
// whatever rows it has.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "statemachine/lifecycle/lifecycle.h"

namespace holdfast::lifecycle {
namespace {

using model::State;
using model::Trigger;

#define HOLDFAST_X(name, text) State::k##name,
const std::vector<State> kStates = {HOLDFAST_STATES(HOLDFAST_X)};
#undef HOLDFAST_X
#define HOLDFAST_X(name, text) Trigger::k##name,
const std::vector<Trigger> kTriggers = {HOLDFAST_TRIGGERS(HOLDFAST_X)};
#undef HOLDFAST_X

std::vector<Facts> AllFacts() {
  std::vector<Facts> all;
  for (const bool creating : {false, true}) {
    all.push_back({.creating = creating, .parked_in = std::nullopt});
    for (const State state : kStates) all.push_back({.creating = creating, .parked_in = state});
  }
  return all;
}

// The guard's text, understood a second time and without the table's functors.
bool GuardHolds(std::string_view guard, const Facts& facts) {
  if (guard.empty()) return true;
  if (guard == "creating") return facts.creating;
  if (guard == "not creating") return !facts.creating;
  constexpr std::string_view kParked = "parked in ";
  EXPECT_TRUE(guard.starts_with(kParked)) << guard;
  return facts.parked_in && guard.substr(kParked.size()) == model::Name(*facts.parked_in);
}

// States that can be reached from this one by any number of rows.
std::set<State> Reachable(State from) {
  std::set<State> seen = {from};
  std::vector<State> todo = {from};
  while (!todo.empty()) {
    const State at = todo.back();
    todo.pop_back();
    for (const Row& row : Rows()) {
      if (row.from == at && seen.insert(row.to).second) todo.push_back(row.to);
    }
  }
  return seen;
}

TEST(LifecycleTable, NextAgreesWithRowsForEveryStateTriggerAndFact) {
  for (const State from : kStates) {
    for (const Trigger trigger : kTriggers) {
      for (const Facts& facts : AllFacts()) {
        std::vector<Move> expected;
        for (const Row& row : Rows()) {
          if (row.from == from && row.trigger == trigger && GuardHolds(row.guard, facts)) {
            expected.push_back({row.to, row.duty});
          }
        }
        ASSERT_LE(expected.size(), 1U)
            << "two rows are open at once: " << model::Name(from) << " on " << model::Name(trigger);
        const std::optional<Move> move = Next(from, trigger, facts);
        ASSERT_EQ(move.has_value(), !expected.empty())
            << model::Name(from) << " on " << model::Name(trigger);
        if (move) {
          EXPECT_EQ(*move, expected.front()) << model::Name(from) << " on " << model::Name(trigger);
        }
      }
    }
  }
}

TEST(LifecycleTable, NothingLeavesDeletedButANewRequest) {
  for (const Row& row : Rows()) {
    if (row.from == State::kDeleted) {
      EXPECT_EQ(row.trigger, Trigger::kSandboxRequested);
    }
  }
}

TEST(LifecycleTable, DeletedIsWithinReachFromEveryState) {
  for (const State state : kStates) {
    EXPECT_TRUE(Reachable(state).contains(State::kDeleted)) << model::Name(state);
  }
}

TEST(LifecycleTable, EveryStateIsReachedFromRequested) {
  EXPECT_EQ(Reachable(State::kRequested).size(), kStates.size());
}

TEST(LifecycleTable, EveryTriggerHasARow) {
  for (const Trigger trigger : kTriggers) {
    EXPECT_TRUE(std::any_of(Rows().begin(), Rows().end(), [&](const Row& row) {
      return row.trigger == trigger;
    })) << model::Name(trigger);
  }
}

TEST(LifecycleTable, DeleteIsAcceptedEverywhereButWhereItIsUnderWayOrDone) {
  for (const State state : kStates) {
    const bool expected = state != State::kDeleting && state != State::kDeleted;
    EXPECT_EQ(Next(state, Trigger::kDeleteRequested, {}).has_value(), expected)
        << model::Name(state);
  }
}

TEST(LifecycleTable, RepairReturnsToWhereTheWorkWasParkedAndOwesTheSameDuty) {
  for (const Row& parked : Rows()) {
    if (parked.trigger != Trigger::kWorkParked) continue;
    const auto back = Next(State::kStuck, Trigger::kRepairRequested, {.parked_in = parked.from});
    ASSERT_TRUE(back.has_value()) << model::Name(parked.from);
    EXPECT_EQ(back->to, parked.from);
    // The duty on coming back is that of arriving there in the first place.
    for (const Row& arrival : Rows()) {
      if (arrival.to == parked.from) {
        EXPECT_EQ(back->duty, arrival.duty) << model::Name(arrival.from);
      }
    }
  }
}

TEST(LifecycleTable, RepairIsRefusedWhenNobodyKnowsWhereTheWorkWasParked) {
  EXPECT_EQ(Next(State::kStuck, Trigger::kRepairRequested, {}), std::nullopt);
}

TEST(LifecycleTable, AStateOutsideTheListHasNoMoves) {
  EXPECT_EQ(Next(static_cast<State>(250), Trigger::kStarted, {}), std::nullopt);
  EXPECT_EQ(Next(State::kStarting, static_cast<Trigger>(250), {}), std::nullopt);
}

TEST(LifecycleTable, ARefusedTriggerLeavesNoTraceInTheNextCall) {
  EXPECT_EQ(Next(State::kRunning, Trigger::kStarted, {}), std::nullopt);
  EXPECT_EQ(Next(State::kStarting, Trigger::kStarted, {}), (Move{State::kRunning, Duty::kSettle}));
  EXPECT_EQ(Next(State::kDeleting, Trigger::kDeleteCompleted, {}),
            (Move{State::kDeleted, Duty::kNone}));
}

TEST(LifecycleTable, NextAnswersTheSameOnManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&wrong, i] {
      for (int round = 0; round < 200; ++round) {
        for (const Row& row : Rows()) {
          const Facts facts{.creating = row.guard == "creating", .parked_in = row.to};
          if (Next(row.from, row.trigger, facts) != Move{row.to, row.duty}) ++wrong[i];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(LifecycleDiagram, EveryFormatShowsEveryRow) {
  for (const std::string_view format : {"mermaid", "dot", "puml"}) {
    const std::string text = RenderDiagram(format);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    EXPECT_GE(lines, Rows().size() + 2) << format;
    for (const Row& row : Rows()) {
      EXPECT_NE(text.find(model::Name(row.trigger)), std::string::npos) << format;
    }
  }
}

TEST(LifecycleDiagram, AnUnknownFormatIsEmpty) { EXPECT_EQ(RenderDiagram("svg"), ""); }

}  // namespace
}  // namespace holdfast::lifecycle
