// SPDX-License-Identifier: Apache-2.0
//
// Between the C interface's intents and outcomes and the messages that are stored.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/journal/v1/journal.pb.h"
#include "journal/c/journal.h"

namespace holdfast::journal::c {

// InvalidArgument: not a struct of ours, text that is not UTF-8, a list that cannot be one. What an
// intent must have in order to be appended, the append checks.
absl::StatusOr<v1::Intent> ToMessage(const hf_intent* theirs);
absl::StatusOr<v1::Outcome> ToMessage(const hf_outcome* theirs);

// Calls `visit` with a struct that points into `message`.
void WithStruct(const v1::Intent& message, const std::function<void(const hf_intent&)>& visit);
void WithStruct(const v1::Outcome& message, const std::function<void(const hf_outcome&)>& visit);

}  // namespace holdfast::journal::c
