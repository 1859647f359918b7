// SPDX-License-Identifier: Apache-2.0
//
// What the two kinds of handles stand for, and where they are looked up.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "journal/c/handles.h"
#include "journal/c/journal.h"
#include "journal/journal.h"

namespace holdfast::journal::c {

struct OpenJournal {
  std::unique_ptr<Journal> journal;
  hf_reader* reader = nullptr;  // its own
};

struct OpenReader {
  std::shared_ptr<Reader> reader;  // a journal's own keeps the journal object as well
  bool is_journals_own = false;
};

// Never destroyed: at the process's end, threads may still be inside a call.
HandleTable<hf_journal, OpenJournal>& Journals();
HandleTable<hf_reader, OpenReader>& Readers();

// InvalidArgument: not an open handle. The object lives at least as long as what is returned.
absl::StatusOr<std::shared_ptr<OpenJournal>> Find(const hf_journal* journal);
absl::StatusOr<std::shared_ptr<Reader>> Find(const hf_reader* reader);

}  // namespace holdfast::journal::c
