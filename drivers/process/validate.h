// SPDX-License-Identifier: Apache-2.0
//
// What this driver can carry, and the plan that follows from a request. Reads the world only to
// find the command.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drivers/driver.h"
#include "holdfast/driver/process/v1/plan.pb.h"

namespace holdfast::drivers::process {

// See Driver::Validate.
absl::Status ValidateSpec(const model::SandboxSpec& spec);

// Environment and labels as they will be; from the request or from a plan that extensions amended.
absl::Status ValidateEnvironment(const std::map<std::string, std::string>& env,
                                 const std::vector<std::string>& argv);

// See Driver::MakePlan and Driver::ResolvePlan.
absl::StatusOr<model::LaunchPlan> PlanLaunch(const Owner& owner, const model::SandboxSpec& spec);
absl::StatusOr<model::LaunchPlan> ResolveLaunch(const Owner& owner, model::LaunchPlan plan,
                                                bool bubblewrap);

// The typed part of a plan. DataLoss: it is not ours or cannot be read.
absl::StatusOr<holdfast::driver::process::v1::ProcessPlan> ReadPlan(const model::LaunchPlan& plan);

// Whether it is a Kubernetes quantity that is not negative: "500m", "2Gi", "1e3", "0.5".
bool IsQuantity(std::string_view text);

inline constexpr char kBackendBubblewrap[] = "bubblewrap";
inline constexpr char kBackendProcessGroup[] = "process-group";

}  // namespace holdfast::drivers::process
