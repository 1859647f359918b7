// SPDX-License-Identifier: Apache-2.0
//
// Between OpenShell's messages and the model. Pure. Secrets are gone before a message comes here
// (secrets.h).
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "openshell/compute/v1/compute_driver.pb.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/model/spec.h"

namespace holdfast::gateway {

// `default_driver` carries it: the contract has no word for a driver, since its caller speaks to
// one. Errors: InvalidArgument     no spec, or a block that is not JSON
//         FailedPrecondition  asks for what no driver here has (an agent socket)
absl::StatusOr<model::SandboxSpec> SpecFromDriverSandbox(
    const openshell::compute::v1::DriverSandbox& sandbox, std::string_view default_driver);

enum class SpecForm {
  kWith,     // of a point read
  kWithout,  // of lists and watches: a caller's limit of 4 MiB then holds many sandboxes
};
openshell::compute::v1::DriverSandbox DriverSandboxFrom(const model::Sandbox& sandbox,
                                                        std::string_view quarantine, SpecForm form);

}  // namespace holdfast::gateway
