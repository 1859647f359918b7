// SPDX-License-Identifier: Apache-2.0
//
// An extension that allocates one thing per sandbox in a SimWorld (kind "net" or as named) and can
// be told to fail like the driver can.
#pragma once

#include <memory>
#include <string>

#include "extensions/extension.h"
#include "tests/simulation/sim_driver.h"

namespace holdfast::simulation {

std::unique_ptr<extensions::Extension> MakeSimExtension(std::string name,
                                                        std::shared_ptr<SimWorld> world);

}  // namespace holdfast::simulation
