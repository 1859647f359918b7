// SPDX-License-Identifier: Apache-2.0
#include "journal/c/callbacks.h"

#include "fmt/format.h"

namespace holdfast::journal::c {
namespace {
thread_local bool in_callback = false;
}  // namespace

InCallback::InCallback() : outer_(in_callback) { in_callback = true; }
InCallback::~InCallback() { in_callback = outer_; }

absl::Status CheckMayBlock(std::string_view function) {
  if (!in_callback) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{} waits for a commit and was called from an append's callback", function));
}

}  // namespace holdfast::journal::c
