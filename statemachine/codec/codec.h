// SPDX-License-Identifier: Apache-2.0
//
// Between the model's events and the journal's records. The only place that knows both. Names and
// numbers that are written here are read for ever (docs/journal-format.md).
#pragma once

#include "absl/status/statusor.h"
#include "journal/record.h"
#include "statemachine/model/event.h"

namespace holdfast::codec {

// Never fails: every event has a record form.
journal::Draft Encode(const model::Event& event, model::UnixMillis time);

// Errors: DataLoss  the payload does not parse, or names something this version does not know.
absl::StatusOr<model::Recorded> Decode(const journal::Record& record);

// The plan as the plan step's outcome carries it.
std::string EncodePlan(const model::LaunchPlan& plan);
absl::StatusOr<model::LaunchPlan> DecodePlan(const std::string& bytes);

}  // namespace holdfast::codec
