// SPDX-License-Identifier: Apache-2.0
//
// Whether an extension is active for a request: decided once, at create, and journaled with its
// reason.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "extensions/chain.h"

namespace holdfast::extensions {

inline constexpr std::string_view kActivationLabelPrefix = "openshell.io/extension.";

// The operator's rules for one extension.
struct ActivationRule {
  std::string extension;
  bool global = true;
  std::string key;  // never empty
  std::set<std::string> allowed_workspaces;
};

// True for enabled, enable, requested, request, true, yes, on and 1, in any case. Anything else,
// surrounding blanks included, is not a request: a typing error must not switch something on.
bool IsRequestValue(std::string_view value);

// Why it is active ("global", "label <key>=<value>"); empty: it is not.
// Errors: PermissionDenied  it is requested by a workspace that may not have it
absl::StatusOr<std::string> Activation(const ActivationRule& rule, const model::SandboxSpec& spec);

}  // namespace holdfast::extensions
