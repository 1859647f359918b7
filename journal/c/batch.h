// SPDX-License-Identifier: Apache-2.0
//
// What an hf_batch is.
#pragma once

#include "journal/c/journal.h"
#include "journal/record.h"

struct hf_batch {
  holdfast::journal::Batch batch;
};
