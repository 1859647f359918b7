// SPDX-License-Identifier: Apache-2.0
//
// The extensions that ship, against the suite for all of them.
#include "extensions/env/env.h"
#include "extensions/ipam/ipam.h"
#include "tests/conformance/extension_conformance.h"

namespace holdfast::conformance {
namespace {

std::unique_ptr<extensions::Extension> OpenEnv(const std::string&) {
  auto extension =
      extensions::MakeEnvExtension({.env = {{"TEAM", "blue"}}, .labels = {{"team", "blue"}}});
  return extension.ok() ? *std::move(extension) : nullptr;
}

std::unique_ptr<extensions::Extension> OpenIpam(const std::string& directory) {
  auto extension = extensions::MakeIpamExtension(
      {.pool = "lab", .range = "10.70.0.10-10.70.0.20", .state_dir = directory});
  return extension.ok() ? *std::move(extension) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Shipped, ExtensionConformance,
                         ::testing::Values(ExtensionCase{"env", OpenEnv},
                                           ExtensionCase{"ipam", OpenIpam}),
                         PrintCase);

}  // namespace
}  // namespace holdfast::conformance
