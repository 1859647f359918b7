// SPDX-License-Identifier: Apache-2.0
#include "journal/c/rows.h"

#include <cstdint>

namespace holdfast::journal::c {

hf_record StructOf(const Record& record) {
  return {.size = sizeof(hf_record),
          .position = record.position,
          .sequence = record.sequence,
          .epoch = record.epoch,
          .time_unix_ms = record.time_unix_ms,
          .sandbox_id = record.sandbox_id.c_str(),
          .type = record.type.c_str(),
          .payload = record.payload.data(),
          .payload_bytes = record.payload.size(),
          .kind = static_cast<std::int32_t>(record.kind),
          .reserved = 0};
}

hf_sandbox StructOf(const SandboxRow& row) {
  return {.size = sizeof(hf_sandbox),
          .head_sequence = row.head_sequence,
          .head_position = row.head_position,
          .sandbox_id = row.sandbox_id.c_str(),
          .state = row.projection.state.c_str(),
          .summary = row.projection.summary.data(),
          .summary_bytes = row.projection.summary.size(),
          .live = row.projection.live ? 1 : 0,
          .reserved = 0};
}

hf_snapshot StructOf(const Snapshot& snapshot) {
  return {.size = sizeof(hf_snapshot),
          .sequence = snapshot.sequence,
          .bytes = snapshot.bytes.data(),
          .bytes_count = snapshot.bytes.size()};
}

hf_open_intent StructOf(const OpenIntent& intent) {
  return {.size = sizeof(hf_open_intent),
          .intent = intent.intent,
          .position = intent.position,
          .time_unix_ms = intent.time_unix_ms,
          .sandbox_id = intent.sandbox_id.c_str(),
          .key = intent.key.c_str(),
          .participant = intent.participant.c_str(),
          .action = intent.action.c_str()};
}

hf_ledger_row StructOf(const LedgerRow& row) {
  return {.size = sizeof(hf_ledger_row),
          .intent = row.intent,
          .since_unix_ms = row.since_unix_ms,
          .sandbox_id = row.sandbox_id.c_str(),
          .participant = row.participant.c_str(),
          .kind = row.kind.c_str(),
          .name = row.name.c_str(),
          .handle = row.handle.c_str(),
          .key = row.key.c_str(),
          .status = static_cast<std::int32_t>(row.status),
          .reserved = 0};
}

hf_ownership StructOf(const Ownership& ownership) {
  return {.size = sizeof(hf_ownership),
          .epoch = ownership.epoch,
          .pid = ownership.pid,
          .since_unix_ms = ownership.since_unix_ms,
          .owner = ownership.owner.c_str(),
          .boot_id = ownership.boot_id.c_str(),
          .held_now = ownership.held_now ? 1 : 0,
          .reserved = 0};
}

hf_damage StructOf(const Damage& damage) {
  return {.size = sizeof(hf_damage),
          .position = damage.position,
          .sequence = damage.sequence,
          .sandbox_id = damage.sandbox_id.c_str(),
          .kind = damage.kind.c_str(),
          .message = damage.message.c_str()};
}

hf_segment StructOf(const Segment& segment) {
  return {.size = sizeof(hf_segment),
          .number = segment.number,
          .records = segment.records,
          .sandboxes = segment.sandboxes,
          .first_position = segment.first_position,
          .last_position = segment.last_position,
          .sealed_unix_ms = segment.sealed_unix_ms,
          .file = segment.file.c_str(),
          .digest = segment.digest.c_str(),
          .expired = segment.expired ? 1 : 0,
          .reserved = 0};
}

hf_proof StructOf(const CheckpointProof& proof) {
  return {.size = sizeof(hf_proof),
          .records = proof.verified.records,
          .sandboxes = proof.verified.sandboxes,
          .damages = proof.verified.damages.size(),
          .message = proof.message.c_str(),
          .holds = proof.holds ? 1 : 0,
          .reserved = 0};
}

hf_backup_report StructOf(const BackupReport& report) {
  return {.size = sizeof(hf_backup_report),
          .position = report.position,
          .records = report.records,
          .sandboxes = report.sandboxes,
          .archive_files = report.archive_files,
          .journal_id = report.journal_id.c_str()};
}

hf_restore_report StructOf(const RestoreReport& report) {
  return {.size = sizeof(hf_restore_report),
          .position = report.position,
          .sandboxes = report.sandboxes,
          .epoch = report.epoch,
          .journal_id = report.journal_id.c_str(),
          .set_aside = report.set_aside.c_str()};
}

}  // namespace holdfast::journal::c
