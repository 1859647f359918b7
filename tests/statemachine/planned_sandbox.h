// SPDX-License-Identifier: Apache-2.0
//
// One sandbox that the planner leads, without engine, journal or participants: commands go in, what
// is due is answered by the test, and every event is folded and kept. And random lives of it, for
// claims about all histories.
#pragma once

#include <functional>
#include <vector>

#include "statemachine/model/command.h"
#include "statemachine/model/event.h"
#include "statemachine/model/outcome.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/planning/decide.h"

namespace holdfast::tests {

// Answers an attempt at the step, or a probe.
using Answerer = std::function<model::Outcome(const model::Step& step, bool probe)>;

// A driver "process" and an extension "ipam" that holds something. Created, and nothing answered
// yet.
class PlannedSandbox {
 public:
  PlannedSandbox();

  const model::Sandbox& sandbox() const { return sandbox_; }
  const std::vector<model::Recorded>& history() const { return history_; }
  model::UnixMillis now() const { return now_; }

  template <typename Wish>
  void Command(const Wish& wish) {
    auto decision =
        planning::Decide(sandbox_, model::Command{sandbox_.id, "", wish}, policy_, now_);
    if (decision.ok()) {
      Take(std::move(decision->events));
    } else {
      Take(decision.status());
    }
  }
  // Answers what is due, or lets its time come. False when nothing is due.
  bool Step(const Answerer& answer);
  // What the last started step made is gone. Nothing when nothing runs.
  void Vanish();
  void Compare(model::Agreement agreement);
  // The process that worked on it died.
  void Recover();

 private:
  void Take(planning::Events events);

  model::Sandbox sandbox_;
  std::vector<model::Recorded> history_;
  planning::Policy policy_;
  model::UnixMillis now_{1'700'000'000'000};
};

// Everything goes well.
model::Outcome Succeed(const model::Step& step, bool probe);
// Inside a rapidcheck property: a random answer.
model::Outcome AnyAnswer(const model::Step& step, bool probe);
// Inside a rapidcheck property: one random thing happens to it.
void LiveOn(PlannedSandbox& planned);

}  // namespace holdfast::tests
