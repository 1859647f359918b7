// SPDX-License-Identifier: Apache-2.0
//
// The secrets that came with a request: what its contract marks as secret, by field. They travel
// beside the spec and never in it, so that nothing that journals, prints or compares a spec can
// take them along. Not comparable and not printable; wiped when the last copy goes.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/secret_bytes.h"

namespace holdfast::model {

class Secrets {
 public:
  // From the name of a field ("sandbox_token") to its value.
  using Values = std::map<std::string, support::SecretBytes>;

  Secrets() = default;
  explicit Secrets(Values values)
      : values_(values.empty() ? nullptr : std::make_shared<const Values>(std::move(values))) {}

  bool empty() const { return values_ == nullptr; }
  // In order of name. Copies of this share the values; none copies them.
  const Values& values() const {
    static const Values kNone;
    return values_ == nullptr ? kNone : *values_;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : values()) names.push_back(name);
    return names;
  }

 private:
  std::shared_ptr<const Values> values_;  // null when there are none
};

}  // namespace holdfast::model
