// SPDX-License-Identifier: Apache-2.0
//
// The extension `ipam`: leases one IPv4 address per sandbox from a pool.
//
// Hooks: before_launch leases, after_launch_failed and after_delete release. It needs nothing
// before it in the order; what uses the address stands after it and reads HOLDFAST_IP. Resources:
// one "lease" named "<pool>/<sandbox>", whose handle is the address. It is one file (lease_store.h)
// that holds sandbox, generation and idempotency key, and is found again by the key. Release
// removes it by sandbox and generation, from the directory that the undo names, so that a changed
// configuration does not strand it. State: schema 1, JSON {"address": "10.70.0.10"}.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "extensions/extension.h"

namespace holdfast::extensions {

struct IpamConfig {
  std::string name = "ipam";  // in the operator's list; another one for a second instance
  std::string pool;           // [a-z0-9-]{1,63}
  std::string range;          // "10.70.0.0/24" or "10.70.0.10-10.70.0.20"
  std::string state_dir;      // absolute; the leases are in <state_dir>/<pool>
};

// Makes the pool's directory.
// Errors: InvalidArgument  pool, range or state_dir is malformed
//         Unavailable      the directory cannot be made
absl::StatusOr<std::unique_ptr<Extension>> MakeIpamExtension(IpamConfig config);

}  // namespace holdfast::extensions
