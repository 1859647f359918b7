// SPDX-License-Identifier: Apache-2.0
//
// Backup and restore, of files and not of handles.
#include "journal/backup.h"

#include "journal/c/calls.h"
#include "journal/c/structs.h"

namespace hc = holdfast::journal::c;
namespace journal = holdfast::journal;

namespace {

absl::Status CheckPath(const char* path, std::string_view what) {
  if (path != nullptr && *path != '\0') return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("there is no path of the {}", what));
}

template <typename Visitor, typename Report>
void Tell(Visitor visit, void* context, const Report& report) {
  if (visit == nullptr) return;
  const auto shown = hc::StructOf(report);
  visit(context, &shown);
}

}  // namespace

extern "C" {

hf_code hf_backup(const char* journal_path, const char* destination, hf_backup_visitor visit,
                  void* context, hf_error** error) {
  return hc::Run(error, [&]() -> absl::Status {
    HF_RETURN_IF_ERROR(CheckPath(journal_path, "journal"));
    HF_RETURN_IF_ERROR(CheckPath(destination, "backup"));
    HF_ASSIGN_OR_RETURN(const journal::BackupReport report,
                        journal::Backup(journal_path, destination));
    Tell(visit, context, report);
    return absl::OkStatus();
  });
}

hf_code hf_restore(const hf_restore_options* options, hf_restore_visitor visit, void* context,
                   hf_error** error) {
  return hc::Run(error, [&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(const hf_restore_options ours, hc::Take(options, "options"));
    HF_RETURN_IF_ERROR(CheckPath(ours.backup, "backup"));
    HF_RETURN_IF_ERROR(CheckPath(ours.journal_path, "journal"));
    HF_RETURN_IF_ERROR(hc::CheckReserved(ours.reserved, "options"));
    HF_ASSIGN_OR_RETURN(const journal::RestoreReport report,
                        journal::Restore({.backup = ours.backup,
                                          .journal_path = ours.journal_path,
                                          .replace = ours.replace != 0}));
    Tell(visit, context, report);
    return absl::OkStatus();
  });
}

}  // extern "C"
