// SPDX-License-Identifier: Apache-2.0
//
// Early return on errors. Each evaluates its expression once.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define HF_CONCAT_INNER(a, b) a##b
#define HF_CONCAT(a, b) HF_CONCAT_INNER(a, b)

#define HF_RETURN_IF_ERROR(expression)                                            \
  do {                                                                            \
    if (absl::Status hf_status = (expression); !hf_status.ok()) return hf_status; \
  } while (false)

#define HF_ASSIGN_OR_RETURN(declaration, expression) \
  HF_ASSIGN_OR_RETURN_IMPL(HF_CONCAT(hf_or_, __LINE__), declaration, expression)
#define HF_ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                     \
  if (!result.ok()) return std::move(result).status();            \
  declaration = *std::move(result)
