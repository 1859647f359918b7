// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/compute_translate.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <string>

#include "support/status_macros.h"
#include "tools/gateway/status_mapping.h"

namespace holdfast::gateway {
namespace {

using openshell::compute::v1::DriverSandbox;
using openshell::compute::v1::DriverSandboxSpec;
using openshell::compute::v1::DriverSandboxTemplate;

absl::StatusOr<std::string> JsonOf(std::string_view field, const google::protobuf::Struct& block) {
  if (block.fields().empty()) return std::string();
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(block, &text).ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{} has a value that JSON cannot express", field));
  }
  return text;
}

void FillSpec(const model::SandboxSpec& from, DriverSandboxSpec& to) {
  to.set_log_level(from.log_level);
  to.mutable_environment()->insert(from.environment.begin(), from.environment.end());
  to.mutable_command()->Assign(from.command.begin(), from.command.end());
  to.set_tty(from.tty);
  if (from.gpu) {
    auto& gpu = *to.mutable_resource_requirements()->mutable_gpu();
    if (from.gpu_count > 0) gpu.set_count(from.gpu_count);
  }
  DriverSandboxTemplate& shape = *to.mutable_template_();
  shape.set_image(from.image);
  shape.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  auto& resources = *shape.mutable_resources();
  resources.set_cpu_request(from.cpu_request);
  resources.set_cpu_limit(from.cpu_limit);
  resources.set_memory_request(from.memory_request);
  resources.set_memory_limit(from.memory_limit);
  // Both were checked when the sandbox was accepted; a block that does not parse stays away.
  using google::protobuf::util::JsonStringToMessage;
  if (!from.platform_config.empty() &&
      !JsonStringToMessage(from.platform_config, shape.mutable_platform_config()).ok()) {
    shape.clear_platform_config();
  }
  if (!from.driver_config.empty() &&
      !JsonStringToMessage(from.driver_config, shape.mutable_driver_config()).ok()) {
    shape.clear_driver_config();
  }
}

}  // namespace

absl::StatusOr<model::SandboxSpec> SpecFromDriverSandbox(const DriverSandbox& sandbox,
                                                         std::string_view default_driver) {
  if (!sandbox.has_spec()) {
    return absl::InvalidArgumentError("sandbox.spec is missing; it must say what to launch");
  }
  const DriverSandboxSpec& from = sandbox.spec();
  const DriverSandboxTemplate& shape = from.template_();
  if (!shape.agent_socket_path().empty()) {
    return absl::FailedPreconditionError(
        "template.agent_socket_path is set, but no driver here offers an agent socket");
  }
  model::SandboxSpec spec;
  spec.name = sandbox.name();
  spec.workspace = sandbox.workspace();
  spec.driver = std::string(default_driver);
  spec.image = shape.image();
  spec.command = {from.command().begin(), from.command().end()};
  spec.environment = {shape.environment().begin(), shape.environment().end()};
  // The sandbox's own environment wins over its template's.
  for (const auto& [name, value] : from.environment()) spec.environment[name] = value;
  spec.labels = {shape.labels().begin(), shape.labels().end()};
  spec.tty = from.tty();
  spec.log_level = from.log_level();
  spec.cpu_request = shape.resources().cpu_request();
  spec.cpu_limit = shape.resources().cpu_limit();
  spec.memory_request = shape.resources().memory_request();
  spec.memory_limit = shape.resources().memory_limit();
  HF_ASSIGN_OR_RETURN(spec.driver_config, JsonOf("driver_config", shape.driver_config()));
  HF_ASSIGN_OR_RETURN(spec.platform_config, JsonOf("platform_config", shape.platform_config()));
  if (from.resource_requirements().has_gpu()) {
    spec.gpu = true;
    spec.gpu_count = from.resource_requirements().gpu().count();
  }
  return spec;
}

DriverSandbox DriverSandboxFrom(const model::Sandbox& sandbox, std::string_view quarantine,
                                SpecForm form) {
  DriverSandbox to;
  to.set_id(sandbox.id.value);
  to.set_name(sandbox.spec.name);
  // Older gateways fail on an empty workspace.
  to.set_workspace(sandbox.spec.workspace.empty() ? "default" : sandbox.spec.workspace);
  *to.mutable_status() = StatusOf(sandbox, quarantine);
  if (form == SpecForm::kWith) FillSpec(sandbox.spec, *to.mutable_spec());
  return to;
}

}  // namespace holdfast::gateway
