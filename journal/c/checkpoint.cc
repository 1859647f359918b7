// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints: made, and held against a journal.
#include "journal/checkpoint.h"

#include <cstring>
#include <string>

#include "journal/c/calls.h"
#include "journal/c/structs.h"

namespace hc = holdfast::journal::c;
namespace journal = holdfast::journal;

extern "C" {

hf_code hf_checkpoint(hf_reader* reader, uint64_t position, char* buffer, size_t buffer_bytes,
                      hf_error** error) {
  return hc::OnReader(reader, error, [&](journal::Reader& open) -> absl::Status {
    if (buffer == nullptr || buffer_bytes < HF_CHECKPOINT_BYTES) {
      return absl::InvalidArgumentError("the buffer is smaller than HF_CHECKPOINT_BYTES");
    }
    const auto made = open.MakeCheckpoint(hc::Stored(position));
    if (absl::IsOutOfRange(made.status())) {
      return absl::InvalidArgumentError(made.status().message());
    }
    HF_RETURN_IF_ERROR(made.status());
    const std::string line = journal::FormatCheckpoint(*made);
    std::memcpy(buffer, line.c_str(), line.size() + 1);
    return absl::OkStatus();
  });
}

hf_code hf_verify_against(hf_reader* reader, const char* checkpoint, hf_damage_visitor visit_damage,
                          hf_proof_visitor visit, void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) -> absl::Status {
    if (checkpoint == nullptr) return absl::InvalidArgumentError("the checkpoint is NULL");
    HF_ASSIGN_OR_RETURN(const journal::Checkpoint parsed, journal::ParseCheckpoint(checkpoint));
    HF_ASSIGN_OR_RETURN(const journal::CheckpointProof proof, journal::Prove(open, parsed));
    hc::ShowAll(visit_damage, context, proof.verified.damages);
    const hf_proof shown = hc::StructOf(proof);
    visit(context, &shown);
    return absl::OkStatus();
  });
}

}  // extern "C"
