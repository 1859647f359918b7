// SPDX-License-Identifier: Apache-2.0
//
// The archive of finished sandboxes.
#include <string>
#include <vector>

#include "journal/c/callbacks.h"
#include "journal/c/calls.h"
#include "journal/c/structs.h"

namespace hc = holdfast::journal::c;
namespace journal = holdfast::journal;

namespace {

absl::StatusOr<journal::ArchiveOptions> OptionsOf(const hf_archive_options* theirs) {
  HF_ASSIGN_OR_RETURN(const hf_archive_options ours, hc::Take(theirs, "options"));
  journal::ArchiveOptions options;
  options.finished_before_unix_ms = ours.finished_before_unix_ms;
  if (ours.sandboxes_per_segment_max != 0) {
    options.sandboxes_per_segment_max = ours.sandboxes_per_segment_max;
  }
  if (ours.records_per_segment_max != 0) {
    options.records_per_segment_max = ours.records_per_segment_max;
  }
  if (ours.stop != nullptr) {
    options.stop = [stop = ours.stop, context = ours.stop_context] { return stop(context) != 0; };
  }
  return options;
}

void Tell(hf_kept_visitor visit, void* context, const std::vector<std::string>& kept) {
  if (visit == nullptr) return;
  for (const std::string& why : kept) {
    if (visit(context, why.c_str()) != HF_CONTINUE) break;
  }
}

}  // namespace

extern "C" {

hf_code hf_archive(hf_journal* handle, const hf_archive_options* theirs, hf_kept_visitor visit_kept,
                   void* context, hf_archive_report* report, hf_error** error) {
  return hc::OnJournal(handle, error, [&](journal::Journal& ours) -> absl::Status {
    HF_ASSIGN_OR_RETURN(const journal::ArchiveOptions options, OptionsOf(theirs));
    if (report != nullptr) HF_RETURN_IF_ERROR(hc::CheckStruct(report, "report"));
    HF_RETURN_IF_ERROR(hc::CheckMayBlock("hf_archive"));
    HF_ASSIGN_OR_RETURN(const journal::ArchiveReport done, ours.Archive(options));
    if (report != nullptr) {
      hc::Give(hf_archive_report{.size = sizeof(hf_archive_report),
                                 .segments = done.segments,
                                 .sandboxes = done.sandboxes,
                                 .records = done.records,
                                 .kept = done.kept.size()},
               report);
    }
    Tell(visit_kept, context, done.kept);
    return absl::OkStatus();
  });
}

hf_code hf_expire_archives(hf_journal* handle, int64_t older_than_unix_ms,
                           hf_segment_visitor visit_removed, hf_kept_visitor visit_kept,
                           void* context, hf_error** error) {
  return hc::OnJournal(handle, error, [&](journal::Journal& ours) -> absl::Status {
    HF_RETURN_IF_ERROR(hc::CheckMayBlock("hf_expire_archives"));
    HF_ASSIGN_OR_RETURN(const journal::ExpireReport done, ours.ExpireArchives(older_than_unix_ms));
    hc::ShowAll(visit_removed, context, done.segments);
    Tell(visit_kept, context, done.kept);
    return absl::OkStatus();
  });
}

hf_code hf_list_segments(hf_reader* reader, hf_segment_visitor visit, void* context,
                         hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) {
    return hc::ShowAll(visit, context, open.ListSegments());
  });
}

}  // extern "C"
