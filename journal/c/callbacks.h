// SPDX-License-Identifier: Apache-2.0
//
// The thread that answers appends is the one that commits them. A callback that waits for a commit
// would wait for itself; it is told so instead.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace holdfast::journal::c {

// While one lives, this thread is inside an append's callback.
class InCallback {
 public:
  InCallback();
  ~InCallback();
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;

 private:
  const bool outer_;
};

// FailedPrecondition: this thread is inside an append's callback and `function` waits for a commit.
absl::Status CheckMayBlock(std::string_view function);

}  // namespace holdfast::journal::c
