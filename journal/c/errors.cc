// SPDX-License-Identifier: Apache-2.0
#include "journal/c/errors.h"

#include <string>

struct hf_error {
  hf_code code;
  std::string message;
};

namespace holdfast::journal::c {
namespace {

// What a caller gets when there is no memory for anything else. Leaked: it may be asked for until
// the process ends, and freeing it does nothing.
hf_error& OutOfMemory() {
  static auto& error = *new hf_error{HF_RESOURCE_EXHAUSTED, "out of memory"};
  return error;
}
// Made when the library is loaded, while there is memory.
[[maybe_unused]] const hf_error& out_of_memory_is_made = OutOfMemory();

}  // namespace

hf_error* NewError(hf_code code, std::string_view message) noexcept {
  try {
    return new hf_error{code, std::string(message)};
  } catch (const std::exception&) {
    return &OutOfMemory();
  }
}

hf_code CodeOf(const absl::Status& status) noexcept {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return static_cast<hf_code>(status.code());
    default:
      return HF_INTERNAL;  // the journal's functions return no other
  }
}

hf_code Answer(hf_code code, std::string_view message, hf_error** error) noexcept {
  if (error != nullptr) *error = code == HF_OK ? nullptr : NewError(code, message);
  return code;
}

hf_code Answer(const absl::Status& status, hf_error** error) noexcept {
  const absl::string_view message = status.message();
  return Answer(CodeOf(status), {message.data(), message.size()}, error);
}

}  // namespace holdfast::journal::c

namespace hc = holdfast::journal::c;

extern "C" {

hf_code hf_error_code(const hf_error* error) { return error == nullptr ? HF_OK : error->code; }

const char* hf_error_message(const hf_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}

void hf_error_free(hf_error* error) {
  if (error != &hc::OutOfMemory()) delete error;
}

const char* hf_code_name(hf_code code) {
  switch (code) {
    case HF_OK:
      return "OK";
    case HF_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case HF_NOT_FOUND:
      return "NOT_FOUND";
    case HF_ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case HF_RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case HF_FAILED_PRECONDITION:
      return "FAILED_PRECONDITION";
    case HF_ABORTED:
      return "ABORTED";
    case HF_INTERNAL:
      return "INTERNAL";
    case HF_UNAVAILABLE:
      return "UNAVAILABLE";
    case HF_DATA_LOSS:
      return "DATA_LOSS";
    default:
      return "UNKNOWN";
  }
}

uint32_t hf_interface_version(void) { return HF_INTERFACE_VERSION; }
const char* hf_version(void) { return HOLDFAST_VERSION; }

}  // extern "C"
