// SPDX-License-Identifier: Apache-2.0
//
// A folded sandbox as bytes and back: what the journal keeps as a sandbox's snapshot. A cache of
// the records, so nothing here has to be read for ever: bytes of another version are refused, and
// the caller folds from the first record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::codec {

// Of what EncodeSnapshot writes. Raise it when model::Sandbox or a part of it gains, loses or
// changes a field, and when planning::Fold makes something else of the same records: an older
// snapshot would carry the older result on.
inline constexpr std::uint32_t kSnapshotVersion = 1;

// Never fails. The same sandbox is always the same bytes.
std::string EncodeSnapshot(const model::Sandbox& sandbox);

// `id`: whose snapshot it should be.
// Errors, upon which the records are to be folded instead:
//         FailedPrecondition  of another version of the schema
//         DataLoss            does not parse, is of another sandbox, or names what nobody knows
absl::StatusOr<model::Sandbox> DecodeSnapshot(const std::string& bytes, std::string_view id);

}  // namespace holdfast::codec
