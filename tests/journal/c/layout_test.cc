// SPDX-License-Identifier: Apache-2.0
//
// The ABI: what libholdfast_journal.so.0 promised once must stay. A change that breaks a case here
// breaks programs that were compiled before it.
#include "tests/journal/c/layout.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace {

// The end of the last field of the first version of each struct, on x86-64. A struct may grow
// behind it; nothing before it moves.
#define EXPECT_ENDS_AT(type, last, end) \
  EXPECT_EQ(offsetof(type, last) + sizeof(type::last), std::size_t{end}) << #type

TEST(JournalCLayout, KeepsTheStructsOfTheFirstVersion) {
  EXPECT_ENDS_AT(hf_options, reserved, 40);
  EXPECT_ENDS_AT(hf_resource, handle, 32);
  EXPECT_ENDS_AT(hf_variable, value, 24);
  EXPECT_ENDS_AT(hf_intent, reserved, 128);
  EXPECT_ENDS_AT(hf_outcome, exit_code, 128);
  EXPECT_ENDS_AT(hf_appended, last_sequence, 32);
  EXPECT_ENDS_AT(hf_stats, batches_waiting, 48);
  EXPECT_ENDS_AT(hf_record, reserved, 80);
  EXPECT_ENDS_AT(hf_sandbox, reserved, 64);
  EXPECT_ENDS_AT(hf_snapshot, bytes_count, 32);
  EXPECT_ENDS_AT(hf_open_intent, action, 64);
  EXPECT_ENDS_AT(hf_ledger_row, reserved, 80);
  EXPECT_ENDS_AT(hf_ownership, reserved, 56);
  EXPECT_ENDS_AT(hf_damage, message, 48);
  EXPECT_ENDS_AT(hf_verify_report, damages, 32);
}

TEST(JournalCLayout, KeepsTheStructsOfTheSecondVersion) {
  EXPECT_ENDS_AT(hf_proof, reserved, 48);
  EXPECT_ENDS_AT(hf_segment, reserved, 80);
  EXPECT_ENDS_AT(hf_archive_options, stop_context, 48);
  EXPECT_ENDS_AT(hf_archive_report, kept, 40);
  EXPECT_ENDS_AT(hf_backup_report, journal_id, 48);
  EXPECT_ENDS_AT(hf_restore_options, reserved, 32);
  EXPECT_ENDS_AT(hf_restore_report, set_aside, 48);
}

TEST(JournalCLayout, KeepsTheNumbersOfTheSecondVersion) {
  EXPECT_EQ(HF_ALREADY_EXISTS, 6);
  EXPECT_EQ(HF_CHECKPOINT_BYTES, 256);
}

TEST(JournalCLayout, KeepsTheNumbersOfTheFirstVersion) {
  EXPECT_EQ(HF_INVALID_ARGUMENT, 3);
  EXPECT_EQ(HF_NOT_FOUND, 5);
  EXPECT_EQ(HF_RESOURCE_EXHAUSTED, 8);
  EXPECT_EQ(HF_FAILED_PRECONDITION, 9);
  EXPECT_EQ(HF_ABORTED, 10);
  EXPECT_EQ(HF_INTERNAL, 13);
  EXPECT_EQ(HF_UNAVAILABLE, 14);
  EXPECT_EQ(HF_DATA_LOSS, 15);
  EXPECT_EQ(HF_OUTCOME_RECORD, 3);
  EXPECT_EQ(HF_UNDO, 2);
  EXPECT_EQ(HF_ABANDONED, 9);
  EXPECT_EQ(HF_LEDGER_GONE, 4);
  EXPECT_EQ(HF_VERIFY_DEEP, 2);
}

TEST(JournalCLayout, InitialisersInCSetTheSizeThatCPlusPlusSees) {
  const Initialised made = InitialisedByC();

  EXPECT_EQ(made.options.size, sizeof(hf_options));
  EXPECT_EQ(made.resource.size, sizeof(hf_resource));
  EXPECT_EQ(made.intent.size, sizeof(hf_intent));
  EXPECT_EQ(made.intent.kind, HF_FORWARD);
  EXPECT_EQ(made.outcome.size, sizeof(hf_outcome));
  EXPECT_EQ(made.outcome.attempt, 1U);
  EXPECT_EQ(made.appended.size, sizeof(hf_appended));
  EXPECT_EQ(made.stats.size, sizeof(hf_stats));
  EXPECT_EQ(made.report.size, sizeof(hf_verify_report));
  EXPECT_EQ(made.archive.size, sizeof(hf_archive_options));
  EXPECT_EQ(made.archived.size, sizeof(hf_archive_report));
  EXPECT_EQ(made.restore.size, sizeof(hf_restore_options));
}

TEST(JournalCLayout, LibrarySaysTheVersionThatTheHeaderHas) {
  EXPECT_EQ(hf_interface_version(), std::uint32_t{HF_INTERFACE_VERSION});
  EXPECT_EQ(std::string(hf_version()).find('.'), 1U);
}

}  // namespace
