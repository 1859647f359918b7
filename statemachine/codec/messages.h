// SPDX-License-Identifier: Apache-2.0
//
// The model's values as Protobuf messages and back, part by part. Only codec.cc includes this.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "holdfast/journal/v1/journal.pb.h"
#include "holdfast/lifecycle/v1/event.pb.h"
#include "statemachine/model/event.h"

namespace holdfast::codec {

void ToMessage(const model::SandboxSpec& spec, lifecycle::v1::SandboxSpec& message);
void ToMessage(const model::ChainEntry& entry, lifecycle::v1::ChainEntry& message);
void ToMessage(const model::LaunchPlan& plan, lifecycle::v1::LaunchPlan& message);
void ToMessage(const model::StepIntended& step, journal::v1::Intent& message);
void ToMessage(const model::StepAnswered& answer, journal::v1::Outcome& message);

model::SandboxSpec FromMessage(const lifecycle::v1::SandboxSpec& message);
model::ChainEntry FromMessage(const lifecycle::v1::ChainEntry& message);
model::LaunchPlan FromMessage(const lifecycle::v1::LaunchPlan& message);
// Errors: DataLoss  a kind or verdict that this version does not know, or that is not a step's
// answer.
absl::StatusOr<model::StepIntended> FromMessage(const journal::v1::Intent& message);
absl::StatusOr<model::StepAnswered> FromMessage(const journal::v1::Outcome& message);

}  // namespace holdfast::codec
