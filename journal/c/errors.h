// SPDX-License-Identifier: Apache-2.0
//
// How a call of the C interface ends: a body that returns absl::Status becomes a code and, if the
// caller wants one, an error object. No exception leaves it.
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>

#include "absl/status/status.h"
#include "journal/c/journal.h"

namespace holdfast::journal::c {

// Ends a call: sets `error`, if there is one to be set, and returns `code`. Without memory for an
// error object the caller gets one that says so.
hf_code Answer(hf_code code, std::string_view message, hf_error** error) noexcept;
hf_code Answer(const absl::Status& status, hf_error** error) noexcept;

// A new error object for `status`, which is not OK; to be freed with hf_error_free. Never fails.
hf_error* NewError(hf_code code, std::string_view message) noexcept;

// The number of the code of `status`.
hf_code CodeOf(const absl::Status& status) noexcept;

// Runs the body of a call, `absl::Status()`. What throws there is the standard library: out of
// memory, or asked for a string longer than there can be.
template <typename Body>
hf_code Run(hf_error** error, Body&& body) noexcept {
  try {
    return Answer(body(), error);
  } catch (const std::bad_alloc&) {
    return Answer(HF_RESOURCE_EXHAUSTED, "out of memory", error);
  } catch (const std::length_error&) {
    return Answer(HF_INVALID_ARGUMENT, "a size is over what memory can hold", error);
  } catch (const std::exception& failure) {
    return Answer(HF_INTERNAL, failure.what(), error);
  }
}

}  // namespace holdfast::journal::c
