// SPDX-License-Identifier: Apache-2.0
//
// The driver conformance suite on the process driver, with and without bubblewrap.
#include <gtest/gtest.h>

#include "tests/conformance/driver_conformance.h"
#include "tests/drivers/process/process_world.h"

namespace holdfast::conformance {
namespace {

using drivers::process::Isolation;

[[maybe_unused]] const bool group_registered = RegisterDriverConformance(
    "ProcessGroup", [] { return std::make_unique<ProcessWorld>(Isolation::kNone); });

[[maybe_unused]] const bool bubblewrap_registered =
    BubblewrapWorks() && RegisterDriverConformance("Bubblewrap", [] {
      return std::make_unique<ProcessWorld>(Isolation::kBubblewrap);
    });

}  // namespace
}  // namespace holdfast::conformance
