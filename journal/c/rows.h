// SPDX-License-Identifier: Apache-2.0
//
// What the journal's readers give, as the C interface shows it. Each struct points into what it was
// made from and must not outlive it.
#pragma once

#include "journal/backup.h"
#include "journal/c/journal.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"

namespace holdfast::journal::c {

hf_record StructOf(const Record& record);
hf_sandbox StructOf(const SandboxRow& row);
hf_snapshot StructOf(const Snapshot& snapshot);
hf_open_intent StructOf(const OpenIntent& intent);
hf_ledger_row StructOf(const LedgerRow& row);
hf_ownership StructOf(const Ownership& ownership);
hf_damage StructOf(const Damage& damage);
hf_segment StructOf(const Segment& segment);
hf_proof StructOf(const CheckpointProof& proof);
hf_backup_report StructOf(const BackupReport& report);
hf_restore_report StructOf(const RestoreReport& report);

}  // namespace holdfast::journal::c
