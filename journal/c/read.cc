// SPDX-License-Identifier: Apache-2.0
//
// What is read from a journal.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "journal/c/calls.h"
#include "journal/c/structs.h"
#include "support/status_macros.h"

namespace hc = holdfast::journal::c;
namespace journal = holdfast::journal;

namespace {

absl::Status CheckId(const char* sandbox_id) {
  if (sandbox_id != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError("the sandbox id is NULL");
}

// SQLite counts with signed integers.
std::size_t LimitOf(std::size_t limit) {
  return std::min(limit, static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

extern "C" {

hf_code hf_read_sandbox(hf_reader* reader, const char* sandbox_id, uint64_t from_sequence,
                        hf_record_visitor visit, void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) -> absl::Status {
    HF_RETURN_IF_ERROR(CheckId(sandbox_id));
    return open.ReadSandbox(
        sandbox_id, hc::Stored(from_sequence),
        [&](const journal::Record& record) { return hc::Show(visit, context, record); });
  });
}

hf_code hf_read_tail(hf_reader* reader, uint64_t after, size_t limit, hf_record_visitor visit,
                     void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) {
    return open.ReadTail(hc::Stored(after), LimitOf(limit), [&](const journal::Record& record) {
      return hc::Show(visit, context, record);
    });
  });
}

hf_code hf_find_sandbox(hf_reader* reader, const char* sandbox_id, hf_sandbox_visitor visit,
                        void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) -> absl::Status {
    HF_RETURN_IF_ERROR(CheckId(sandbox_id));
    HF_ASSIGN_OR_RETURN(const journal::SandboxRow row, open.FindSandbox(sandbox_id));
    hc::Show(visit, context, row);
    return absl::OkStatus();
  });
}

hf_code hf_list_sandboxes(hf_reader* reader, int32_t live_only, const char* after_id, size_t limit,
                          hf_sandbox_visitor visit, void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) {
    return hc::ShowAll(visit, context,
                       open.ListSandboxes(live_only != 0, hc::TextOf(after_id), LimitOf(limit)));
  });
}

hf_code hf_read_live(hf_reader* reader, hf_live_visitor visit, void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) {
    return open.ReadLive([&](const journal::SandboxRow& row, const journal::Snapshot* stored) {
      const hf_sandbox sandbox = hc::StructOf(row);
      if (stored == nullptr) return hc::VisitOf(visit(context, &sandbox, nullptr));
      const hf_snapshot snapshot = hc::StructOf(*stored);
      return hc::VisitOf(visit(context, &sandbox, &snapshot));
    });
  });
}

hf_code hf_find_snapshot(hf_reader* reader, const char* sandbox_id, hf_snapshot_visitor visit,
                         void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) -> absl::Status {
    HF_RETURN_IF_ERROR(CheckId(sandbox_id));
    HF_ASSIGN_OR_RETURN(const auto found, open.FindSnapshot(sandbox_id));
    if (!found.has_value()) return absl::NotFoundError("the sandbox has no snapshot");
    const hf_snapshot snapshot = hc::StructOf(*found);
    visit(context, &snapshot);
    return absl::OkStatus();
  });
}

hf_code hf_read_sealed(hf_reader* reader, const char* sandbox_id, hf_bytes_visitor visit,
                       void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) -> absl::Status {
    HF_RETURN_IF_ERROR(CheckId(sandbox_id));
    HF_ASSIGN_OR_RETURN(const auto found, open.ReadSealed(sandbox_id));
    if (!found.has_value()) return absl::NotFoundError("nothing is sealed for the sandbox");
    visit(context, found->data(), found->size());
    return absl::OkStatus();
  });
}

hf_code hf_list_open_intents(hf_reader* reader, const char* sandbox_id,
                             hf_open_intent_visitor visit, void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) {
    return hc::ShowAll(visit, context, open.ListOpenIntents(hc::TextOf(sandbox_id)));
  });
}

hf_code hf_read_ledger(hf_reader* reader, const char* sandbox_id, int32_t all,
                       hf_ledger_visitor visit, void* context, hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) {
    return hc::ShowAll(visit, context, open.ReadLedger(hc::TextOf(sandbox_id), all != 0));
  });
}

hf_code hf_last_position(hf_reader* reader, uint64_t* position, hf_error** error) {
  return hc::OnReader(reader, error, [&](journal::Reader& open) -> absl::Status {
    if (position == nullptr) return absl::InvalidArgumentError("there is no place for the answer");
    HF_ASSIGN_OR_RETURN(*position, open.LastPosition());
    return absl::OkStatus();
  });
}

hf_code hf_read_ownership(hf_reader* reader, hf_ownership_visitor visit, void* context,
                          hf_error** error) {
  return hc::Visiting(visit, reader, error, [&](journal::Reader& open) -> absl::Status {
    HF_ASSIGN_OR_RETURN(const journal::Ownership ownership, open.ReadOwnership());
    const hf_ownership row = hc::StructOf(ownership);
    visit(context, &row);
    return absl::OkStatus();
  });
}

hf_code hf_journal_id(hf_reader* reader, char* buffer, size_t buffer_bytes, hf_error** error) {
  return hc::OnReader(reader, error, [&](journal::Reader& open) -> absl::Status {
    const std::string id = open.journal_id();
    if (buffer == nullptr || buffer_bytes <= id.size()) {
      return absl::InvalidArgumentError("the buffer is smaller than HF_JOURNAL_ID_BYTES");
    }
    std::memcpy(buffer, id.c_str(), id.size() + 1);
    return absl::OkStatus();
  });
}

hf_code hf_verify(hf_reader* reader, int32_t mode, hf_damage_visitor visit, void* context,
                  hf_verify_report* report, hf_error** error) {
  return hc::OnReader(reader, error, [&](journal::Reader& open) -> absl::Status {
    HF_RETURN_IF_ERROR(hc::CheckStruct(report, "report"));
    if (mode != HF_VERIFY_QUICK && mode != HF_VERIFY_DEEP) {
      return absl::InvalidArgumentError("neither HF_VERIFY_QUICK nor HF_VERIFY_DEEP");
    }
    HF_ASSIGN_OR_RETURN(const journal::VerifyReport found,
                        open.Verify(mode == HF_VERIFY_QUICK ? journal::VerifyMode::kQuick
                                                            : journal::VerifyMode::kDeep));
    hc::Give(hf_verify_report{.size = sizeof(hf_verify_report),
                              .records = found.records,
                              .sandboxes = found.sandboxes,
                              .damages = found.damages.size()},
             report);
    hc::ShowAll(visit, context, found.damages);
    return absl::OkStatus();
  });
}

}  // extern "C"
