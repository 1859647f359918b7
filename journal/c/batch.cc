// SPDX-License-Identifier: Apache-2.0
//
// Building a batch, and looking into the payloads of records.
#include "journal/c/batch.h"

#include <exception>
#include <string>
#include <utility>

#include "journal/c/errors.h"
#include "journal/c/intents.h"
#include "journal/c/structs.h"
#include "support/status_macros.h"

namespace hc = holdfast::journal::c;
namespace v1 = holdfast::journal::v1;
using holdfast::journal::Draft;

namespace {

// Runs `body` on the caller's batch.
template <typename Body>
hf_code OnBatch(hf_batch* batch, hf_error** error, Body body) {
  return hc::Run(error, [&]() -> absl::Status {
    if (batch == nullptr) return absl::InvalidArgumentError("the batch is NULL");
    return body(batch->batch);
  });
}

template <typename Message>
absl::StatusOr<Message> Parse(const void* payload, std::size_t size) {
  HF_ASSIGN_OR_RETURN(const std::string bytes, hc::BytesOf(payload, size, "the payload"));
  Message message;
  if (!message.ParseFromString(bytes)) {
    return absl::DataLossError("the payload is not that of such a record");
  }
  return message;
}

template <typename Message, typename Visitor>
hf_code Decode(const void* payload, std::size_t size, Visitor visit, void* context,
               hf_error** error) {
  return hc::Run(error, [&]() -> absl::Status {
    if (visit == nullptr) return absl::InvalidArgumentError("there is no visitor");
    HF_ASSIGN_OR_RETURN(const Message message, Parse<Message>(payload, size));
    hc::WithStruct(message, [&](const auto& decoded) { visit(context, &decoded); });
    return absl::OkStatus();
  });
}

}  // namespace

extern "C" {

hf_batch* hf_batch_new(const char* sandbox_id, uint64_t expected_sequence) {
  if (sandbox_id == nullptr) return nullptr;
  try {
    auto* batch = new hf_batch;
    batch->batch.sandbox_id = sandbox_id;
    batch->batch.expected_sequence = expected_sequence;
    return batch;
  } catch (const std::exception&) {
    return nullptr;
  }
}

void hf_batch_free(hf_batch* batch) { delete batch; }

hf_code hf_batch_set_expected_sequence(hf_batch* batch, uint64_t expected_sequence,
                                       hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) {
    ours.expected_sequence = expected_sequence;
    return absl::OkStatus();
  });
}

hf_code hf_batch_add_event(hf_batch* batch, const char* type, const void* payload,
                           size_t payload_bytes, int64_t time_unix_ms, hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) -> absl::Status {
    if (type == nullptr) return absl::InvalidArgumentError("the event's type is NULL");
    HF_ASSIGN_OR_RETURN(std::string bytes, hc::BytesOf(payload, payload_bytes, "the payload"));
    ours.drafts.push_back(Draft::Event(type, std::move(bytes), time_unix_ms));
    return absl::OkStatus();
  });
}

hf_code hf_batch_add_intent(hf_batch* batch, const hf_intent* intent, int64_t time_unix_ms,
                            hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) -> absl::Status {
    HF_ASSIGN_OR_RETURN(const v1::Intent message, hc::ToMessage(intent));
    ours.drafts.push_back(Draft::Intent(message, time_unix_ms));
    return absl::OkStatus();
  });
}

hf_code hf_batch_add_outcome(hf_batch* batch, const hf_outcome* outcome, int64_t time_unix_ms,
                             hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) -> absl::Status {
    HF_ASSIGN_OR_RETURN(const v1::Outcome message, hc::ToMessage(outcome));
    ours.drafts.push_back(Draft::Outcome(message, time_unix_ms));
    return absl::OkStatus();
  });
}

hf_code hf_batch_add_encoded(hf_batch* batch, int32_t kind, const void* payload,
                             size_t payload_bytes, int64_t time_unix_ms, hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) -> absl::Status {
    if (kind == HF_INTENT_RECORD) {
      const auto message = Parse<v1::Intent>(payload, payload_bytes);
      if (!message.ok()) return absl::InvalidArgumentError("the payload is not an Intent");
      ours.drafts.push_back(Draft::Intent(*message, time_unix_ms));
    } else if (kind == HF_OUTCOME_RECORD) {
      const auto message = Parse<v1::Outcome>(payload, payload_bytes);
      if (!message.ok()) return absl::InvalidArgumentError("the payload is not an Outcome");
      ours.drafts.push_back(Draft::Outcome(*message, time_unix_ms));
    } else {
      return absl::InvalidArgumentError("neither an intent's nor an outcome's record");
    }
    return absl::OkStatus();
  });
}

hf_code hf_batch_set_projection(hf_batch* batch, const char* state, int32_t live,
                                const void* summary, size_t summary_bytes, hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) -> absl::Status {
    if (state == nullptr) return absl::InvalidArgumentError("the state is NULL");
    HF_ASSIGN_OR_RETURN(std::string bytes, hc::BytesOf(summary, summary_bytes, "the summary"));
    ours.projection = {.state = state, .live = live != 0, .summary = std::move(bytes)};
    return absl::OkStatus();
  });
}

hf_code hf_batch_set_snapshot(hf_batch* batch, const void* snapshot, size_t snapshot_bytes,
                              hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) -> absl::Status {
    HF_ASSIGN_OR_RETURN(ours.snapshot, hc::BytesOf(snapshot, snapshot_bytes, "the snapshot"));
    return absl::OkStatus();
  });
}

hf_code hf_batch_set_sealed(hf_batch* batch, const void* sealed, size_t sealed_bytes,
                            hf_error** error) {
  return OnBatch(batch, error, [&](holdfast::journal::Batch& ours) -> absl::Status {
    HF_ASSIGN_OR_RETURN(ours.sealed, hc::BytesOf(sealed, sealed_bytes, "what is sealed"));
    return absl::OkStatus();
  });
}

hf_code hf_decode_intent(const void* payload, size_t payload_bytes, hf_intent_visitor visit,
                         void* context, hf_error** error) {
  return Decode<v1::Intent>(payload, payload_bytes, visit, context, error);
}

hf_code hf_decode_outcome(const void* payload, size_t payload_bytes, hf_outcome_visitor visit,
                          void* context, hf_error** error) {
  return Decode<v1::Outcome>(payload, payload_bytes, visit, context, error);
}

}  // extern "C"
