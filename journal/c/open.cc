// SPDX-License-Identifier: Apache-2.0
#include "journal/c/open.h"

#include <utility>

#include "journal/c/callbacks.h"
#include "journal/c/errors.h"
#include "journal/c/structs.h"
#include "journal/files.h"
#include "support/status_macros.h"

namespace holdfast::journal::c {

HandleTable<hf_journal, OpenJournal>& Journals() {
  static auto& table = *new HandleTable<hf_journal, OpenJournal>;
  return table;
}

HandleTable<hf_reader, OpenReader>& Readers() {
  static auto& table = *new HandleTable<hf_reader, OpenReader>;
  return table;
}

absl::StatusOr<std::shared_ptr<OpenJournal>> Find(const hf_journal* journal) {
  auto found = Journals().Find(journal);
  if (found == nullptr) return absl::InvalidArgumentError("not an open journal");
  return found;
}

absl::StatusOr<std::shared_ptr<Reader>> Find(const hf_reader* reader) {
  const auto found = Readers().Find(reader);
  if (found == nullptr) return absl::InvalidArgumentError("not an open reader");
  return found->reader;
}

namespace {

absl::StatusOr<hf_journal*> Open(const hf_options* theirs) {
  HF_ASSIGN_OR_RETURN(const hf_options ours, Take(theirs, "options"));
  if (ours.path == nullptr || *ours.path == '\0') {
    return absl::InvalidArgumentError("options have no path");
  }
  HF_RETURN_IF_ERROR(CheckReserved(ours.reserved, "options"));
  Options options;
  options.path = RealPath(ours.path);
  options.create_if_missing = ours.create != 0;
  if (ours.owner != nullptr) options.owner = ours.owner;
  options.boot_id = TextOf(ours.boot_id);
  HF_ASSIGN_OR_RETURN(std::unique_ptr<Journal> journal, Journal::Open(std::move(options)));
  auto open = std::make_shared<OpenJournal>();
  open->journal = std::move(journal);
  auto own = std::make_shared<OpenReader>();
  own->reader = std::shared_ptr<Reader>(open, &open->journal->reader());
  own->is_journals_own = true;
  open->reader = Readers().Add(std::move(own));
  return Journals().Add(std::move(open));
}

absl::Status Close(const hf_journal* handle) {
  HF_RETURN_IF_ERROR(CheckMayBlock("hf_close"));
  const std::shared_ptr<OpenJournal> open = Journals().Remove(handle);
  if (open == nullptr) return absl::InvalidArgumentError("not an open journal");
  Readers().Remove(open->reader);
  return open->journal->Close();
}

absl::Status CloseReader(const hf_reader* handle) {
  const std::shared_ptr<OpenReader> found = Readers().Find(handle);
  if (found != nullptr && found->is_journals_own) {
    return absl::FailedPreconditionError("the reader is its journal's own and is closed with it");
  }
  if (Readers().Remove(handle) == nullptr) return absl::InvalidArgumentError("not an open reader");
  return absl::OkStatus();
}

}  // namespace
}  // namespace holdfast::journal::c

namespace hc = holdfast::journal::c;

extern "C" {

hf_code hf_open(const hf_options* options, hf_journal** journal, hf_error** error) {
  return hc::Run(error, [&]() -> absl::Status {
    if (journal == nullptr) return absl::InvalidArgumentError("there is no place for the journal");
    HF_ASSIGN_OR_RETURN(*journal, hc::Open(options));
    return absl::OkStatus();
  });
}

hf_code hf_close(hf_journal* journal, hf_error** error) {
  return hc::Run(error, [&] { return hc::Close(journal); });
}

hf_code hf_journal_reader(hf_journal* journal, hf_reader** reader, hf_error** error) {
  return hc::Run(error, [&]() -> absl::Status {
    if (reader == nullptr) return absl::InvalidArgumentError("there is no place for the reader");
    HF_ASSIGN_OR_RETURN(const auto open, hc::Find(journal));
    *reader = open->reader;
    return absl::OkStatus();
  });
}

hf_code hf_reader_open(const char* path, hf_reader** reader, hf_error** error) {
  return hc::Run(error, [&]() -> absl::Status {
    if (path == nullptr || *path == '\0') return absl::InvalidArgumentError("there is no path");
    if (reader == nullptr) return absl::InvalidArgumentError("there is no place for the reader");
    auto open = std::make_shared<hc::OpenReader>();
    HF_ASSIGN_OR_RETURN(open->reader, holdfast::journal::Reader::Open(path));
    *reader = hc::Readers().Add(std::move(open));
    return absl::OkStatus();
  });
}

hf_code hf_reader_close(hf_reader* reader, hf_error** error) {
  return hc::Run(error, [&] { return hc::CloseReader(reader); });
}

}  // extern "C"
