// SPDX-License-Identifier: Apache-2.0
//
// What the client asked for, without its secrets. Journaled once, at create, and never changed.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace holdfast::model {

struct SandboxSpec {
  std::string name;       // the control plane's display name; not an identity
  std::string workspace;  // tenant; empty is "default"
  std::string driver;     // which driver carries it
  std::string image;
  std::vector<std::string> command;  // argv; [0] is looked up in PATH unless it has a '/'
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> labels;
  bool tty = false;
  std::string log_level;
  // Kubernetes quantities, as asked; empty is no wish.
  std::string cpu_request, cpu_limit, memory_request, memory_limit;
  // The driver's own block, as JSON text; empty is none.
  std::string driver_config;
  // The platform's own block, as JSON text; empty is none.
  std::string platform_config;
  bool gpu = false;        // a GPU is wanted
  unsigned gpu_count = 0;  // 0: the driver's default
  friend bool operator==(const SandboxSpec&, const SandboxSpec&) = default;
};

}  // namespace holdfast::model
