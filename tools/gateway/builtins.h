// SPDX-License-Identifier: Apache-2.0
//
// The drivers and extensions that are linked in: one line each in builtins.cc, from name to how it
// is configured. To add one, write its folder under drivers/ or extensions/ and its line here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "drivers/driver.h"
#include "extensions/extension.h"
#include "tools/gateway/toml_reader.h"

namespace holdfast::gateway {

// What a participant may be told besides its own configuration.
struct ParticipantContext {
  std::string state_dir;   // of the gateway; a participant takes a sub-directory of its own name
  std::string journal_id;  // marks what this gateway's drivers make
  std::string boot_id;     // of the host, now
  std::string socket_path = {};  // of the gateway; empty: it serves nobody
};

using DriverMaker =
    std::function<absl::StatusOr<std::unique_ptr<drivers::Driver>>(const ParticipantContext&)>;
using ExtensionMaker = std::function<absl::StatusOr<std::unique_ptr<extensions::Extension>>(
    const ParticipantContext&)>;

struct DriverBuiltin {
  std::string_view name;
  // Reads [drivers.NAME]; reports mistakes there. No side effects.
  DriverMaker (*configure)(TableReader& table);
};

struct ExtensionBuiltin {
  std::string_view name;
  // Reads [extension.NAME.config]; reports mistakes there. No side effects.
  ExtensionMaker (*configure)(TableReader& table);
};

// The driver of a gateway that was not told of any.
inline constexpr std::string_view kFallbackDriver = "process";

// nullptr: no such builtin.
const DriverBuiltin* FindDriver(std::string_view name);
const ExtensionBuiltin* FindExtension(std::string_view name);
std::vector<std::string> DriverNames();
std::vector<std::string> ExtensionNames();

}  // namespace holdfast::gateway
