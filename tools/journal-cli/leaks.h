// SPDX-License-Identifier: Apache-2.0
//
// Which held things are leaks: nobody is going to release them unless an operator acts. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "holdfast/lifecycle/v1/lifecycle.pb.h"

namespace holdfast::journal_cli {

struct Leak {
  lifecycle::v1::LedgerEntry entry;
  std::string why;  // one sentence
};

// `entries` are held or maybe; `sandboxes` their sandboxes, in full, as far as they exist. What a
// sandbox in order holds for its work, or is releasing now, is no leak.
std::vector<Leak> FindLeaks(const std::vector<lifecycle::v1::LedgerEntry>& entries,
                            const std::map<std::string, lifecycle::v1::Sandbox>& sandboxes);

}  // namespace holdfast::journal_cli
