// SPDX-License-Identifier: Apache-2.0
//
// What OpenShell is told of a Holdfast state: the one table. An OpenShell gateway derives its phase
// from conditions, and takes every reason that it does not know as transient for a final error that
// is never revived. So: while Holdfast is still at work, the reason is one of the transient ones; a
// final one is said once, when there is nothing more to be tried.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "openshell/compute/v1/compute_driver.pb.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/model/state.h"

namespace holdfast::gateway {

struct OpenShellView {
  bool ready = false;
  std::string_view
      reason;  // of the Ready condition; final ones give way to the sandbox's own reason
  bool suspended = false;
  bool deleting = false;
  bool transient = false;  // OpenShell goes on waiting
};

// The row of the table.
const OpenShellView& ViewOf(model::State state);

// Whether an OpenShell gateway takes Ready=False with this reason for "not yet".
bool IsTransientReason(std::string_view reason);

// `quarantine`: why the sandbox's records cannot be read; empty when they can.
openshell::compute::v1::DriverSandboxStatus StatusOf(const model::Sandbox& sandbox,
                                                     std::string_view quarantine);

}  // namespace holdfast::gateway
