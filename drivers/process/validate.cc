// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/validate.h"

#include <algorithm>
#include <array>
#include <utility>

#include "drivers/process/identity.h"
#include "drivers/process/isolation.h"
#include "drivers/process/launch_format.h"
#include "drivers/process/text.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "statemachine/model/action.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

using holdfast::driver::process::v1::ProcessPlan;

// Of argv and environment together. Linux takes a quarter of the stack limit, 2 MiB by default.
constexpr std::size_t kLaunchBytesMax = std::size_t{1} << 20;
// MAX_ARG_STRLEN of Linux: 32 pages for one text, with its NUL.
constexpr std::size_t kTextBytesMax = std::size_t{128} << 10;
// Bubblewrap takes 9,000 arguments; a variable is three of them.
constexpr std::size_t kWordsMax = 2'048;

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

absl::Status CheckText(std::string_view what, std::string_view text) {
  if (HasNul(text)) {
    return absl::InvalidArgumentError(fmt::format("{} has a NUL byte; remove it", what));
  }
  if (text.size() >= kTextBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{} is longer than 128 KiB; pass it in a file", what));
  }
  return absl::OkStatus();
}

absl::Status CheckQuantities(const model::SandboxSpec& spec) {
  const std::array<std::pair<std::string_view, const std::string*>, 4> quantities = {
      {{"cpu_request", &spec.cpu_request},
       {"cpu_limit", &spec.cpu_limit},
       {"memory_request", &spec.memory_request},
       {"memory_limit", &spec.memory_limit}}};
  for (const auto& [name, value] : quantities) {
    if (!value->empty() && !IsQuantity(*value)) {
      return absl::InvalidArgumentError(
          fmt::format("{} \"{}\" is not a quantity like 500m, 2 or 1Gi", name, *value));
    }
  }
  if (!spec.cpu_limit.empty() || !spec.memory_limit.empty()) {
    return absl::FailedPreconditionError(
        "the process driver cannot enforce cpu or memory limits; leave them out or choose a "
        "container driver");
  }
  return absl::OkStatus();
}

bool IsEmptyBlock(std::string_view json) {
  const std::string_view text = Strip(json);
  return text.empty() || text == "{}" || text == "null";
}

std::string PathOfEnvironment(const std::map<std::string, std::string>& env) {
  const auto found = env.find("PATH");
  return found == env.end() ? kDefaultPath : found->second;
}

}  // namespace

bool IsQuantity(std::string_view text) {
  TakePrefix(text, "+");
  const auto take_digits = [&text] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  std::size_t digits = take_digits();
  if (TakePrefix(text, ".")) digits += take_digits();
  if (digits == 0) return false;
  static constexpr std::array<std::string_view, 16> kSuffixes = {
      "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  if (std::find(kSuffixes.begin(), kSuffixes.end(), text) != kSuffixes.end()) {
    return true;
  }
  if (!TakePrefix(text, "e") && !TakePrefix(text, "E")) return false;
  if (!TakePrefix(text, "+")) TakePrefix(text, "-");
  return take_digits() > 0 && text.empty();
}

absl::Status ValidateEnvironment(const std::map<std::string, std::string>& env,
                                 const std::vector<std::string>& argv) {
  if (argv.size() > kWordsMax || env.size() > kWordsMax) {
    return absl::InvalidArgumentError(
        fmt::format("the command has {} words and the environment {} variables; {} of each are "
                    "allowed",
                    argv.size(), env.size(), kWordsMax));
  }
  std::size_t bytes = 0;
  for (const std::string& word : argv) {
    HF_RETURN_IF_ERROR(CheckText("a word of the command", word));
    bytes += word.size() + 1;
  }
  for (const auto& [name, value] : env) {
    if (name.empty() || HasNul(name) || name.find('=') != std::string::npos) {
      return absl::InvalidArgumentError(
          "the name of an environment variable is empty or has a '=' or NUL in it");
    }
    HF_RETURN_IF_ERROR(CheckText(fmt::format("the environment variable {}", name), value));
    bytes += name.size() + value.size() + 2;
  }
  if (bytes > kLaunchBytesMax) {
    return absl::InvalidArgumentError(fmt::format(
        "command and environment take {} bytes together; at most 1 MiB is allowed", bytes));
  }
  return absl::OkStatus();
}

absl::Status ValidateSpec(const model::SandboxSpec& spec) {
  if (spec.command.empty() || spec.command[0].empty()) {
    return absl::InvalidArgumentError(
        "the command is empty; the process driver has no image that could bring one, so name it");
  }
  HF_RETURN_IF_ERROR(ValidateEnvironment(spec.environment, spec.command));
  for (const auto& [name, value] : spec.environment) {
    if (name.starts_with(kEnvReservedPrefix)) {
      return absl::InvalidArgumentError(
          fmt::format("the environment variable {} is set by Holdfast; choose another name", name));
    }
  }
  if (!IsEmptyBlock(spec.driver_config)) {
    return absl::InvalidArgumentError(
        "driver_config: the process driver has no options per sandbox; leave it out");
  }
  HF_RETURN_IF_ERROR(CheckQuantities(spec));
  if (!IsEmptyBlock(spec.platform_config)) {
    return absl::FailedPreconditionError(
        "platform_config is not understood by the process driver; leave it out");
  }
  if (spec.gpu || spec.gpu_count > 0) {
    return absl::FailedPreconditionError(
        "the process driver cannot assign GPUs; leave the wish out or choose another driver");
  }
  if (!spec.image.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "the process driver runs commands of the host and cannot run the image \"{}\"; leave the "
        "image out or choose a container driver",
        spec.image));
  }
  return FindExecutable(spec.command[0], PathOfEnvironment(spec.environment)).status();
}

absl::StatusOr<model::LaunchPlan> PlanLaunch(const Owner& owner, const model::SandboxSpec& spec) {
  if (!model::IsValidSandboxId(owner.sandbox.value)) {
    return absl::InvalidArgumentError("the sandbox id is not a safe name");
  }
  HF_RETURN_IF_ERROR(ValidateSpec(spec));
  ProcessPlan typed;
  for (const std::string& word : spec.command) typed.add_argv(word);
  typed.set_working_directory(kWorkDirectory);
  typed.set_tty(spec.tty);
  model::LaunchPlan plan;
  plan.env = spec.environment;
  plan.env[std::string(kEnvSandboxId)] = owner.sandbox.value;
  plan.labels = spec.labels;
  plan.driver_plan_type = ProcessPlan::descriptor()->full_name();
  plan.driver_plan = typed.SerializeAsString();
  return plan;
}

absl::StatusOr<ProcessPlan> ReadPlan(const model::LaunchPlan& plan) {
  ProcessPlan typed;
  if (plan.driver_plan_type != ProcessPlan::descriptor()->full_name() ||
      !typed.ParseFromString(plan.driver_plan)) {
    return absl::DataLossError(
        fmt::format("the plan of type \"{}\" is not the process driver's", plan.driver_plan_type));
  }
  return typed;
}

absl::StatusOr<model::LaunchPlan> ResolveLaunch(const Owner& owner, model::LaunchPlan plan,
                                                bool bubblewrap) {
  HF_ASSIGN_OR_RETURN(ProcessPlan typed, ReadPlan(plan));
  const std::vector<std::string> argv(typed.argv().begin(), typed.argv().end());
  HF_RETURN_IF_ERROR(ValidateEnvironment(plan.env, argv));
  if (!plan.launcher_args.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("the process driver takes no launcher arguments (\"{}\" was added); take the "
                    "extension that adds them out of the chain or choose another driver",
                    plan.launcher_args.front()));
  }
  HF_ASSIGN_OR_RETURN(const std::string executable,
                      FindExecutable(argv.at(0), PathOfEnvironment(plan.env)));
  typed.set_executable(executable);
  typed.set_isolation(bubblewrap ? ProcessPlan::ISOLATION_BUBBLEWRAP
                                 : ProcessPlan::ISOLATION_PROCESS_GROUP);
  plan.backend = bubblewrap ? kBackendBubblewrap : kBackendProcessGroup;
  plan.driver_plan = typed.SerializeAsString();
  const std::string undo_args = nlohmann::json{
      {"sandbox", owner.sandbox.value},
      {"generation",
       owner.generation.value}}.dump();
  const auto claim = [&](std::string_view step, std::string kind) {
    plan.claims.push_back({.step = std::string(step),
                           .claims = {{.kind = std::move(kind), .name = owner.sandbox.value}},
                           .undo_args = undo_args});
  };
  claim(model::action::kProvision, "directory");
  claim(model::action::kStart, "process");
  return plan;
}

}  // namespace holdfast::drivers::process
