// SPDX-License-Identifier: Apache-2.0
//
// That a C99 compiler takes the header without a word, and that the initialisers name every field.
#include "tests/journal/c/layout.h"

Initialised InitialisedByC(void) {
  const Initialised made = {
      HF_OPTIONS_INIT,         HF_RESOURCE_INIT,        HF_INTENT_INIT,
      HF_OUTCOME_INIT,         HF_APPENDED_INIT,        HF_STATS_INIT,
      HF_VERIFY_REPORT_INIT,   HF_ARCHIVE_OPTIONS_INIT, HF_ARCHIVE_REPORT_INIT,
      HF_RESTORE_OPTIONS_INIT,
  };
  return made;
}
