/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the test in C++ and the file that a C99 compiler makes of the header. */
#ifndef HOLDFAST_TESTS_JOURNAL_C_LAYOUT_H_
#define HOLDFAST_TESTS_JOURNAL_C_LAYOUT_H_

#include "journal/c/journal.h"

#ifdef __cplusplus
extern "C" {
#endif

// Every struct that a caller makes, as its initialiser leaves it.
typedef struct Initialised {
  hf_options options;
  hf_resource resource;
  hf_intent intent;
  hf_outcome outcome;
  hf_appended appended;
  hf_stats stats;
  hf_verify_report report;
  hf_archive_options archive;
  hf_archive_report archived;
  hf_restore_options restore;
} Initialised;

Initialised InitialisedByC(void);

#ifdef __cplusplus
}
#endif

#endif
