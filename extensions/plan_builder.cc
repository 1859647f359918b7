// SPDX-License-Identifier: Apache-2.0
#include "extensions/plan_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "extensions/text.h"

namespace holdfast::extensions {
namespace {

// A value in an error message; whole values may be long.
std::string Shown(std::string_view value) { return CleanText(value, 80); }

}  // namespace

bool IsAllowedLauncherArg(const std::set<std::string>& allowed, std::string_view arg) {
  return std::any_of(allowed.begin(), allowed.end(), [&](std::string_view pattern) {
    if (!pattern.empty() && pattern.back() == '*') {
      return arg.starts_with(pattern.substr(0, pattern.size() - 1));
    }
    return arg == pattern;
  });
}

BoundedPlanBuilder::BoundedPlanBuilder(std::string_view participant, const model::SandboxSpec& spec,
                                       const PlanLimits& limits, model::LaunchPlan& plan)
    : participant_(participant), spec_(spec), limits_(limits), plan_(plan) {}

absl::Status BoundedPlanBuilder::Remember(absl::Status status) {
  if (first_error_.ok()) first_error_ = status;
  return status;
}

absl::Status BoundedPlanBuilder::CheckValue(std::string_view field, std::string_view value) const {
  if (value.size() > limits_.value_bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the value has {} bytes; at most {} are allowed", field, value.size(),
                    limits_.value_bytes_max));
  }
  if (!IsCleanText(value)) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the value must be UTF-8 text without control characters", field));
  }
  if (plan_.changes.size() >= limits_.entries_max) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: the plan has {} changes already, which is the bound", field, plan_.changes.size()));
  }
  return absl::OkStatus();
}

std::string BoundedPlanBuilder::OwnerOf(std::string_view field, std::string_view name,
                                        std::string_view value) const {
  for (auto change = plan_.changes.rbegin(); change != plan_.changes.rend(); ++change) {
    if (change->field == field) return fmt::format("'{}'", change->participant);
  }
  const auto& requested = field.starts_with("env.") ? spec_.environment : spec_.labels;
  const auto at = requested.find(std::string(name));
  if (at != requested.end() && at->second == value) return "the request";
  return fmt::format("the driver '{}'", spec_.driver);
}

absl::Status BoundedPlanBuilder::AddTo(std::map<std::string, std::string>& values,
                                       std::string field, std::string_view name,
                                       std::string_view value) {
  if (const auto at = values.find(std::string(name)); at != values.end()) {
    if (at->second == value) return absl::OkStatus();
    return absl::FailedPreconditionError(fmt::format(
        "{}: {} set it to '{}', '{}' wants '{}'; only one of them can have its way", field,
        OwnerOf(field, name, at->second), Shown(at->second), participant_, Shown(value)));
  }
  if (auto status = CheckValue(field, value); !status.ok()) return status;
  values.emplace(name, value);
  plan_.changes.push_back(
      {.participant = participant_, .field = std::move(field), .value = std::string(value)});
  return absl::OkStatus();
}

absl::Status BoundedPlanBuilder::AddEnv(std::string_view name, std::string_view value) {
  if (!IsEnvName(name)) {
    return Remember(absl::InvalidArgumentError(fmt::format(
        "'{}' is not a name of an environment variable ([A-Za-z_][A-Za-z0-9_]*)", Shown(name))));
  }
  const auto at = plan_.env.find(std::string(name));
  if (name.starts_with("HOLDFAST_") && (at == plan_.env.end() || at->second != value)) {
    return Remember(absl::FailedPreconditionError(
        fmt::format("env.{}: names that begin with HOLDFAST_ are owned by the driver '{}'; '{}' "
                    "must use another name",
                    name, spec_.driver, participant_)));
  }
  return Remember(AddTo(plan_.env, fmt::format("env.{}", name), name, value));
}

absl::Status BoundedPlanBuilder::AddLabel(std::string_view name, std::string_view value) {
  if (!IsLabelName(name)) {
    return Remember(absl::InvalidArgumentError(
        fmt::format("'{}' is not a name of a label ([A-Za-z0-9][A-Za-z0-9._/-]*)", Shown(name))));
  }
  return Remember(AddTo(plan_.labels, fmt::format("label.{}", name), name, value));
}

absl::Status BoundedPlanBuilder::AddLauncherArg(std::string_view arg) {
  auto& args = plan_.launcher_args;
  if (std::find(args.begin(), args.end(), arg) != args.end()) return absl::OkStatus();
  if (!IsAllowedLauncherArg(limits_.launcher_args_allowed, arg)) {
    return Remember(absl::InvalidArgumentError(fmt::format(
        "launcher_args: '{}' is not on the operator's list of allowed launcher arguments",
        Shown(arg))));
  }
  if (args.size() >= limits_.launcher_args_max) {
    return Remember(absl::InvalidArgumentError(fmt::format(
        "launcher_args: there are {} already, which is the bound", limits_.launcher_args_max)));
  }
  if (auto status = CheckValue("launcher_args", arg); !status.ok()) return Remember(status);
  args.emplace_back(arg);
  plan_.changes.push_back(
      {.participant = participant_, .field = "launcher_args", .value = std::string(arg)});
  return absl::OkStatus();
}

}  // namespace holdfast::extensions
