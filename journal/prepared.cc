// SPDX-License-Identifier: Apache-2.0
#include "journal/prepared.h"

#include <utility>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

absl::Status CheckResources(const google::protobuf::RepeatedPtrField<v1::Resource>& resources) {
  for (const v1::Resource& resource : resources) {
    if (resource.kind().empty() || resource.name().empty()) {
      return absl::DataLossError("a resource has no kind or no name");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIntent(const v1::Intent& intent, std::uint64_t sequence) {
  if (intent.kind() != v1::Intent::FORWARD && intent.kind() != v1::Intent::UNDO) {
    return absl::DataLossError("an intent is neither FORWARD nor UNDO");
  }
  if (intent.participant().empty()) return absl::DataLossError("an intent has no participant");
  if (intent.kind() == v1::Intent::UNDO && (intent.undoes() == 0 || intent.undoes() >= sequence)) {
    return absl::DataLossError("an UNDO intent does not name an earlier intent");
  }
  return CheckResources(intent.claims());
}

absl::Status CheckOutcome(const v1::Outcome& outcome, std::uint64_t sequence) {
  if (outcome.intent() == 0 || outcome.intent() >= sequence) {
    return absl::DataLossError("an outcome does not name an earlier intent");
  }
  if (outcome.verdict() == v1::Outcome::VERDICT_UNSPECIFIED ||
      !v1::Outcome::Verdict_IsValid(outcome.verdict())) {
    return absl::DataLossError("an outcome has no verdict that the journal knows");
  }
  return CheckResources(outcome.resources());
}

absl::Status CheckLimits(const Batch& batch, const Limits& limits) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        fmt::format("batch of sandbox \"{}\": {}", batch.sandbox_id, why));
  };
  if (batch.sandbox_id.empty()) return absl::InvalidArgumentError("a batch has no sandbox id");
  if (batch.sandbox_id.size() > limits.id_bytes_max)
    return absl::InvalidArgumentError("a sandbox id is too long");
  if (batch.drafts.empty()) return refuse("no records");
  if (batch.drafts.size() > limits.batch_records_max) {
    return refuse(
        fmt::format("{} records, at most {}", batch.drafts.size(), limits.batch_records_max));
  }
  for (const Draft& draft : batch.drafts) {
    if (draft.payload.size() > limits.payload_bytes_max) {
      return refuse(fmt::format("a payload of {} bytes, at most {}", draft.payload.size(),
                                limits.payload_bytes_max));
    }
    if (draft.type.empty() || draft.type.size() > limits.id_bytes_max) {
      return refuse("a record's type is empty or too long");
    }
    if (draft.kind != RecordKind::kEvent && draft.kind != RecordKind::kIntent &&
        draft.kind != RecordKind::kOutcome) {
      return refuse("a record of unknown kind");
    }
  }
  if (batch.projection.state.size() > limits.id_bytes_max)
    return refuse("a state's name is too long");
  if (batch.projection.summary.size() > limits.payload_bytes_max) {
    return refuse(fmt::format("a summary of {} bytes, at most {}", batch.projection.summary.size(),
                              limits.payload_bytes_max));
  }
  if (batch.sealed && batch.sealed->size() > limits.payload_bytes_max) {
    return refuse(
        fmt::format("{} sealed bytes, at most {}", batch.sealed->size(), limits.payload_bytes_max));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Meaning> ParseMeaning(RecordKind kind, std::uint64_t sequence,
                                     const std::string& payload) {
  Meaning meaning;
  if (kind == RecordKind::kIntent) {
    meaning.intent = std::make_unique<v1::Intent>();
    if (!meaning.intent->ParseFromString(payload)) return absl::DataLossError("not an Intent");
    HF_RETURN_IF_ERROR(CheckIntent(*meaning.intent, sequence));
  } else if (kind == RecordKind::kOutcome) {
    meaning.outcome = std::make_unique<v1::Outcome>();
    if (!meaning.outcome->ParseFromString(payload)) return absl::DataLossError("not an Outcome");
    HF_RETURN_IF_ERROR(CheckOutcome(*meaning.outcome, sequence));
  }
  return meaning;
}

absl::StatusOr<PreparedBatch> Prepare(Batch batch, const Limits& limits) {
  HF_RETURN_IF_ERROR(CheckLimits(batch, limits));
  PreparedBatch prepared;
  for (std::size_t i = 0; i < batch.drafts.size(); ++i) {
    const Draft& draft = batch.drafts[i];
    if (draft.kind == RecordKind::kEvent) continue;
    auto meaning = ParseMeaning(draft.kind, batch.expected_sequence + 1 + i, draft.payload);
    if (!meaning.ok()) {
      return absl::InvalidArgumentError(fmt::format("batch of sandbox \"{}\": {}", batch.sandbox_id,
                                                    std::string(meaning.status().message())));
    }
    prepared.meanings.resize(batch.drafts.size());
    prepared.meanings[i] = *std::move(meaning);
  }
  // A cache that is too large to keep is not kept.
  if (batch.snapshot && batch.snapshot->size() > limits.payload_bytes_max) batch.snapshot.reset();
  prepared.batch = std::move(batch);
  return prepared;
}

}  // namespace holdfast::journal
