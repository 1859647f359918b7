// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/history.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/snapshot.h"
#include "statemachine/planning/fold.h"
#include "support/status_macros.h"

namespace holdfast::engine {
namespace {

using std::chrono::steady_clock;

// How long one sandbox may keep its lane, or a thread of the start, waiting.
// Hundreds of thousands of records are folded in a second; only a disk that
// hardly answers comes near this.
constexpr std::chrono::seconds kFoldDeadline{30};

// Folds what came after the sandbox's head.
absl::Status FoldOn(journal::Reader& reader, model::Sandbox& sandbox) {
  const auto until = steady_clock::now() + kFoldDeadline;
  absl::Status folded = absl::OkStatus();
  HF_RETURN_IF_ERROR(reader.ReadSandbox(
      sandbox.id.value, sandbox.head.value + 1, [&](const journal::Record& record) {
        auto recorded = codec::Decode(record);
        folded = recorded.ok() ? planning::Fold(sandbox, *recorded) : recorded.status();
        if (folded.ok() && steady_clock::now() > until) {
          folded = absl::DeadlineExceededError(
              fmt::format("its records could not be read within {} s; it is "
                          "tried again at the next start",
                          kFoldDeadline.count()));
        }
        return folded.ok() ? journal::Visit::kContinue : journal::Visit::kStop;
      }));
  return folded;
}

absl::StatusOr<model::Sandbox> FromSnapshot(journal::Reader& reader, const journal::SandboxRow& row,
                                            const journal::Snapshot& snapshot) {
  HF_ASSIGN_OR_RETURN(model::Sandbox sandbox,
                      codec::DecodeSnapshot(snapshot.bytes, row.sandbox_id));
  if (sandbox.head.value != snapshot.sequence) {
    return absl::DataLossError(fmt::format("its snapshot is kept for record {} and is of record {}",
                                           snapshot.sequence, sandbox.head.value));
  }
  if (snapshot.sequence != row.head_sequence) HF_RETURN_IF_ERROR(FoldOn(reader, sandbox));
  return sandbox;
}

}  // namespace

absl::StatusOr<Loaded> LoadSandbox(journal::Reader& reader, const journal::SandboxRow& row,
                                   const journal::Snapshot* snapshot) {
  Loaded loaded;
  if (snapshot != nullptr) {
    auto sandbox = FromSnapshot(reader, row, *snapshot);
    if (sandbox.ok()) {
      loaded.sandbox = *std::move(sandbox);
      loaded.snapshot.value = snapshot->sequence;
      return loaded;
    }
    if (absl::IsUnavailable(sandbox.status()) || absl::IsDeadlineExceeded(sandbox.status())) {
      return sandbox.status();
    }
    loaded.ignored = std::string(sandbox.status().message());
  }
  loaded.sandbox.id.value = row.sandbox_id;
  HF_RETURN_IF_ERROR(FoldOn(reader, loaded.sandbox));
  return loaded;
}

absl::StatusOr<Loaded> LoadSandbox(journal::Reader& reader, const model::SandboxId& id) {
  const auto row = reader.FindSandbox(id.value);
  if (absl::IsNotFound(row.status())) {
    Loaded unheard;
    unheard.sandbox.id = id;
    return unheard;
  }
  HF_RETURN_IF_ERROR(row.status());
  HF_ASSIGN_OR_RETURN(const std::optional<journal::Snapshot> snapshot,
                      reader.FindSnapshot(id.value));
  return LoadSandbox(reader, *row, snapshot ? &*snapshot : nullptr);
}

}  // namespace holdfast::engine
