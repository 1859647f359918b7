// SPDX-License-Identifier: Apache-2.0
//
// The extension `env`: adds the operator's environment and labels to every sandbox's plan. It uses
// configure_launch only, holds nothing in the world, keeps no state, and so there is nothing to
// undo. It may stand anywhere in the order; a value that another extension, the request or the
// driver set differently is a conflict, and the create is refused with both names.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "extensions/extension.h"

namespace holdfast::extensions {

struct EnvConfig {
  std::string name = "env";  // in the operator's list; another one for a second instance
  std::map<std::string, std::string> env = {};
  std::map<std::string, std::string> labels = {};
};

// Errors: InvalidArgument  a malformed name, a value that is no clean text, too long, or too many;
// a
//                          variable that begins with HOLDFAST_, which are the driver's
absl::StatusOr<std::unique_ptr<Extension>> MakeEnvExtension(EnvConfig config);

}  // namespace holdfast::extensions
