// SPDX-License-Identifier: Apache-2.0
//
// The model's values as Protobuf messages and back, part by part. Of the codec alone.
#pragma once

#include <fmt/format.h>
#include <google/protobuf/map.h>
#include <google/protobuf/message_lite.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/journal/v1/journal.pb.h"
#include "holdfast/lifecycle/v1/event.pb.h"
#include "statemachine/model/event.h"

namespace holdfast::codec {

using StringMap = google::protobuf::Map<std::string, std::string>;

// Maps in the order of their keys, so that the same value is always the same bytes.
std::string Serialize(const google::protobuf::MessageLite& message);

void ToMap(const std::map<std::string, std::string>& from, StringMap& to);
std::map<std::string, std::string> FromMap(const StringMap& from);

// A name that was persisted, as the value it stands for.
template <typename T>
absl::StatusOr<T> Known(std::optional<T> value, std::string_view what, const std::string& name) {
  if (!value) {
    return absl::DataLossError(fmt::format("this version knows no {} \"{}\"", what, name));
  }
  return *value;
}

void ToMessage(const model::SandboxSpec& spec, lifecycle::v1::SandboxSpec& message);
void ToMessage(const model::ChainEntry& entry, lifecycle::v1::ChainEntry& message);
void ToMessage(const model::LaunchPlan& plan, lifecycle::v1::LaunchPlan& message);
void ToMessage(const model::StepIntended& step, journal::v1::Intent& message);
void ToMessage(const model::Resource& resource, journal::v1::Resource& message);
void ToMessage(const model::StateBlob& state, journal::v1::StateBlob& message);
void ToMessage(const model::StepAnswered& answer, journal::v1::Outcome& message);

model::SandboxSpec FromMessage(const lifecycle::v1::SandboxSpec& message);
model::ChainEntry FromMessage(const lifecycle::v1::ChainEntry& message);
model::LaunchPlan FromMessage(const lifecycle::v1::LaunchPlan& message);
model::Resource FromMessage(const journal::v1::Resource& message);
model::StateBlob FromMessage(const journal::v1::StateBlob& message);
// Errors: DataLoss  a kind or verdict that this version does not know, or that is not a step's
// answer.
absl::StatusOr<model::StepIntended> FromMessage(const journal::v1::Intent& message);
absl::StatusOr<model::StepAnswered> FromMessage(const journal::v1::Outcome& message);

}  // namespace holdfast::codec
