// SPDX-License-Identifier: Apache-2.0
//
// The plan: what will be launched, agreed between driver and extensions before anything is made,
// and frozen in the journal. Its common part is here; `driver_plan` is the driver's own typed
// Protobuf.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "statemachine/model/resource.h"

namespace holdfast::model {

// One participant's attributed change to the plan.
struct PlanChange {
  std::string participant;
  std::string field;  // "env.FOO", "label.team", "launcher_args"
  std::string value;
  friend bool operator==(const PlanChange&, const PlanChange&) = default;
};

// What a driver's step will make and how it is undone, said before the step runs.
struct StepClaims {
  std::string step;  // the step's name, e.g. "provision", "start", "before_launch/ipam"
  std::vector<ResourceClaim> claims;
  std::string undo_args;        // see Undo::args
  bool undo_idempotent = true;  // see Undo::idempotent
  bool step_idempotent = true;  // the step may be run again when nobody can tell whether it ran
  friend bool operator==(const StepClaims&, const StepClaims&) = default;
};

struct LaunchPlan {
  std::map<std::string, std::string> env;     // of the workload, driver's and request's included
  std::map<std::string, std::string> labels;  // put on what the driver makes
  std::vector<std::string> launcher_args;     // extra launcher arguments; allow-listed and bounded
  std::string backend;                        // resolved by the driver; nobody else may change it
  std::string driver_plan_type;               // Protobuf full name of driver_plan
  std::string driver_plan;                    // serialised; owned by the driver
  std::vector<PlanChange> changes;            // who changed what, in order
  std::vector<StepClaims> claims;             // of the driver's steps and of before_launch
  friend bool operator==(const LaunchPlan&, const LaunchPlan&) = default;
};

}  // namespace holdfast::model
