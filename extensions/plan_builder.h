// SPDX-License-Identifier: Apache-2.0
//
// The builder that the chain hands to configure_launch: it changes a copy of the plan in one
// extension's name, keeps the operator's bounds, and records who changed what.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "extensions/chain.h"

namespace holdfast::extensions {

class BoundedPlanBuilder final : public PlanBuilder {
 public:
  // All four must outlive the builder; `plan` is changed in place.
  BoundedPlanBuilder(std::string_view participant, const model::SandboxSpec& spec,
                     const PlanLimits& limits, model::LaunchPlan& plan);

  const model::LaunchPlan& plan() const override { return plan_; }
  absl::Status AddEnv(std::string_view name, std::string_view value) override;
  absl::Status AddLabel(std::string_view name, std::string_view value) override;
  absl::Status AddLauncherArg(std::string_view arg) override;

  // The first error that an Add returned. An extension cannot pass over it: a conflict that one of
  // the two did not notice would be settled by accident.
  const absl::Status& first_error() const { return first_error_; }

 private:
  absl::Status Remember(absl::Status status);
  absl::Status AddTo(std::map<std::string, std::string>& values, std::string field,
                     std::string_view name, std::string_view value);
  absl::Status CheckValue(std::string_view field, std::string_view value) const;
  // Who gave the field its present value: "'name'" of the last to change it, else who made the
  // plan.
  std::string OwnerOf(std::string_view field, std::string_view name, std::string_view value) const;

  const std::string participant_;
  const model::SandboxSpec& spec_;
  const PlanLimits& limits_;
  model::LaunchPlan& plan_;
  absl::Status first_error_;
};

// Whether the operator's list has this argument, exactly or as "prefix*".
bool IsAllowedLauncherArg(const std::set<std::string>& allowed, std::string_view arg);

}  // namespace holdfast::extensions
