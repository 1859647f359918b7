// SPDX-License-Identifier: Apache-2.0
//
// The answers that both command lines give, as text for people. Pure: the same answer is the same
// bytes. UTC times, nothing cut, no colour.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "holdfast/lifecycle/v1/lifecycle.pb.h"

namespace holdfast::client {

// A status answer, and how it was come by.
struct StatusReport {
  lifecycle::v1::StatusResponse status;
  bool online = false;  // a gateway said it
  bool held = false;    // some process holds the journal for writing
};

std::string RenderList(const std::vector<lifecycle::v1::Sandbox>& sandboxes);
std::string RenderSandbox(const lifecycle::v1::Sandbox& sandbox);
// `counts` by state.
std::string RenderStatus(const StatusReport& report,
                         const std::map<std::string, std::uint64_t>& counts);

// "Reason: message", or as much of it as there is.
std::string Note(const std::string& reason, const std::string& message);

// 4 for a sandbox whose records cannot be read, 3 for one that is Stuck, else 0.
int ExitCodeOf(const lifecycle::v1::Sandbox& sandbox);

}  // namespace holdfast::client
