// SPDX-License-Identifier: Apache-2.0
#include "extensions/activation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "extensions/text.h"

namespace holdfast::extensions {

bool IsRequestValue(std::string_view value) {
  constexpr auto kValues = std::to_array<std::string_view>(
      {"enabled", "enable", "requested", "request", "true", "yes", "on", "1"});
  return std::find(kValues.begin(), kValues.end(), absl::AsciiStrToLower(std::string(value))) !=
         kValues.end();
}

absl::StatusOr<std::string> Activation(const ActivationRule& rule, const model::SandboxSpec& spec) {
  if (rule.global) return "global";
  const std::string label = std::string(kActivationLabelPrefix) + rule.key;
  const auto at = spec.labels.find(label);
  if (at == spec.labels.end() || !IsRequestValue(at->second)) return "";
  const std::string workspace = spec.workspace.empty() ? "default" : spec.workspace;
  if (!rule.allowed_workspaces.empty() && !rule.allowed_workspaces.contains(workspace)) {
    return absl::PermissionDeniedError(
        fmt::format("label {} asks for extension '{}', which the operator does not allow for "
                    "workspace '{}'; remove the label, or have the workspace allowed",
                    label, rule.extension, CleanText(workspace, 128)));
  }
  return fmt::format("label {}={}", label, at->second);
}

}  // namespace holdfast::extensions
