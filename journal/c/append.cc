// SPDX-License-Identifier: Apache-2.0
//
// What is done with a journal that is held for writing.
#include <string>
#include <utility>

#include "journal/c/batch.h"
#include "journal/c/callbacks.h"
#include "journal/c/calls.h"
#include "journal/c/structs.h"
#include "support/status_macros.h"

namespace hc = holdfast::journal::c;
using holdfast::journal::Appended;

namespace {

hf_appended StructOf(const Appended& appended) {
  return hf_appended{.size = sizeof(hf_appended),
                     .first_position = appended.first_position,
                     .last_position = appended.last_position,
                     .last_sequence = appended.last_sequence};
}

// While one lives, this thread is inside hf_append_async: where what the journal refuses at once is
// put. A callback that ran here instead could outlive the hf_close that another thread is in.
class AtOnce {
 public:
  explicit AtOnce(absl::Status& refusal) { refusal_ = &refusal; }
  ~AtOnce() { refusal_ = nullptr; }
  AtOnce(const AtOnce&) = delete;
  AtOnce& operator=(const AtOnce&) = delete;

  // False when this thread is not inside hf_append_async.
  static bool Refuse(const absl::Status& why) {
    if (refusal_ == nullptr) return false;
    *refusal_ = why;
    return true;
  }

 private:
  static thread_local absl::Status* refusal_;
};
thread_local absl::Status* AtOnce::refusal_ = nullptr;

void Tell(hf_append_callback done, void* context, const absl::StatusOr<Appended>& result) {
  if (!result.ok() && AtOnce::Refuse(result.status())) return;
  const hc::InCallback in_callback;
  if (result.ok()) {
    const hf_appended appended = StructOf(*result);
    return done(context, HF_OK, &appended, nullptr);
  }
  hf_error* error = nullptr;
  const hf_code code = hc::Answer(result.status(), &error);
  done(context, code, nullptr, error);
  hf_error_free(error);
}

}  // namespace

extern "C" {

hf_code hf_append(hf_journal* journal, const hf_batch* batch, hf_appended* appended,
                  hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    if (batch == nullptr) return absl::InvalidArgumentError("the batch is NULL");
    if (appended != nullptr) HF_RETURN_IF_ERROR(hc::CheckStruct(appended, "appended"));
    HF_RETURN_IF_ERROR(hc::CheckMayBlock("hf_append"));
    HF_ASSIGN_OR_RETURN(const Appended result, ours.Append(batch->batch));
    if (appended != nullptr) hc::Give(StructOf(result), appended);
    return absl::OkStatus();
  });
}

hf_code hf_append_async(hf_journal* journal, const hf_batch* batch, hf_append_callback done,
                        void* context, hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    if (batch == nullptr) return absl::InvalidArgumentError("the batch is NULL");
    if (done == nullptr) return absl::InvalidArgumentError("there is nobody to be told");
    holdfast::journal::Batch copy = batch->batch;
    absl::Status refusal;
    const AtOnce at_once(refusal);
    ours.AppendAsync(std::move(copy), [done, context](const absl::StatusOr<Appended>& result) {
      Tell(done, context, result);
    });
    return refusal;
  });
}

hf_code hf_replace_sealed(hf_journal* journal, const char* sandbox_id, const void* expected,
                          size_t expected_bytes, const void* replacement, size_t replacement_bytes,
                          hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    if (sandbox_id == nullptr) return absl::InvalidArgumentError("the sandbox id is NULL");
    HF_RETURN_IF_ERROR(hc::CheckMayBlock("hf_replace_sealed"));
    HF_ASSIGN_OR_RETURN(std::string old, hc::BytesOf(expected, expected_bytes, "what is expected"));
    HF_ASSIGN_OR_RETURN(std::string next,
                        hc::BytesOf(replacement, replacement_bytes, "the replacement"));
    return ours.ReplaceSealed(sandbox_id, std::move(old), std::move(next));
  });
}

hf_code hf_flush(hf_journal* journal, hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    HF_RETURN_IF_ERROR(hc::CheckMayBlock("hf_flush"));
    return ours.Flush();
  });
}

hf_code hf_epoch(hf_journal* journal, uint64_t* epoch, hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    if (epoch == nullptr) return absl::InvalidArgumentError("there is no place for the epoch");
    *epoch = ours.epoch();
    return absl::OkStatus();
  });
}

hf_code hf_sound(hf_journal* journal, int32_t* sound, hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    if (sound == nullptr) return absl::InvalidArgumentError("there is no place for the answer");
    *sound = ours.sound() ? 1 : 0;
    return absl::OkStatus();
  });
}

hf_code hf_read_stats(hf_journal* journal, hf_stats* stats, hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    HF_RETURN_IF_ERROR(hc::CheckStruct(stats, "stats"));
    const holdfast::journal::Stats read = ours.stats();
    hc::Give(hf_stats{.size = sizeof(hf_stats),
                      .commits = read.commits,
                      .batches = read.batches,
                      .records = read.records,
                      .commits_failed = read.commits_failed,
                      .batches_waiting = read.batches_waiting},
             stats);
    return absl::OkStatus();
  });
}

hf_code hf_previous_ownership(hf_journal* journal, hf_ownership_visitor visit, void* context,
                              hf_error** error) {
  return hc::OnJournal(journal, error, [&](holdfast::journal::Journal& ours) -> absl::Status {
    if (visit == nullptr) return absl::InvalidArgumentError("there is no visitor");
    const hf_ownership row = hc::StructOf(ours.previous_ownership());
    visit(context, &row);
    return absl::OkStatus();
  });
}

}  // extern "C"
