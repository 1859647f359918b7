// SPDX-License-Identifier: Apache-2.0
//
// Requests of the Lifecycle API as commands of the model, checked. Pure.
#pragma once

#include "absl/status/statusor.h"
#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "statemachine/engine/engine.h"
#include "statemachine/model/command.h"
#include "tools/gateway/context.h"

namespace holdfast::gateway {

// Errors: InvalidArgument  what is wrong with the request by itself; nothing was done
absl::StatusOr<model::Command> CommandFrom(const GatewayFacts& facts,
                                           const lifecycle::v1::SubmitRequest& request);
absl::StatusOr<model::Command> CommandFrom(const lifecycle::v1::RepairRequest& request);

lifecycle::v1::SubmitResponse ResponseFrom(const engine::Submitted& submitted);

}  // namespace holdfast::gateway
