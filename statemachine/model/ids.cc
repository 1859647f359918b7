// SPDX-License-Identifier: Apache-2.0
#include "statemachine/model/ids.h"

#include <algorithm>

namespace holdfast::model {

bool IsValidSandboxId(std::string_view id) {
  if (id.empty() || id.size() > 128 || id == "." || id == "..") return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace holdfast::model
