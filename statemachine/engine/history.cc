// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/history.h"

#include "statemachine/codec/codec.h"
#include "statemachine/planning/fold.h"
#include "support/status_macros.h"

namespace holdfast::engine {

absl::StatusOr<model::Sandbox> LoadSandbox(journal::Reader& reader, const model::SandboxId& id) {
  model::Sandbox sandbox;
  sandbox.id = id;
  if (auto row = reader.FindSandbox(id.value); !row.ok()) {
    if (absl::IsNotFound(row.status())) return sandbox;
    return row.status();
  }
  absl::Status folded = absl::OkStatus();
  HF_RETURN_IF_ERROR(reader.ReadSandbox(id.value, 1, [&](const journal::Record& record) {
    auto recorded = codec::Decode(record);
    folded = recorded.ok() ? planning::Fold(sandbox, *recorded) : recorded.status();
    return folded.ok() ? journal::Visit::kContinue : journal::Visit::kStop;
  }));
  HF_RETURN_IF_ERROR(folded);
  return sandbox;
}

}  // namespace holdfast::engine
