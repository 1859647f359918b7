// SPDX-License-Identifier: Apache-2.0
//
// How a call of the C interface begins: the handle is looked up; and how it shows what it found to
// visitors.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/c/errors.h"
#include "journal/c/open.h"
#include "journal/c/rows.h"
#include "support/status_macros.h"

namespace holdfast::journal::c {

// Runs `body`, `absl::Status(Journal&)`, on an open journal.
template <typename Body>
hf_code OnJournal(const hf_journal* journal, hf_error** error, Body body) {
  return Run(error, [&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(const auto open, Find(journal));
    return body(*open->journal);
  });
}

// Runs `body`, `absl::Status(Reader&)`, on an open reader.
template <typename Body>
hf_code OnReader(const hf_reader* reader, hf_error** error, Body body) {
  return Run(error, [&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(const auto open, Find(reader));
    return body(*open);
  });
}

// The same, for who is visited; most readers' calls need this check.
template <typename Visitor, typename Body>
hf_code Visiting(Visitor visit, const hf_reader* reader, hf_error** error, Body body) {
  return OnReader(reader, error, [&](Reader& open) -> absl::Status {
    if (visit == nullptr) return absl::InvalidArgumentError("there is no visitor");
    return body(open);
  });
}

inline Visit VisitOf(std::int32_t wanted) {
  return wanted == HF_CONTINUE ? Visit::kContinue : Visit::kStop;
}

template <typename Visitor, typename Value>
Visit Show(Visitor visit, void* context, const Value& value) {
  const auto shown = StructOf(value);
  return VisitOf(visit(context, &shown));
}

// Until the visitor stops. Nobody is shown anything when `visit` is NULL.
template <typename Visitor, typename Values>
void ShowAll(Visitor visit, void* context, const Values& values) {
  if (visit == nullptr) return;
  for (const auto& value : values) {
    if (Show(visit, context, value) == Visit::kStop) break;
  }
}

template <typename Visitor, typename Values>
absl::Status ShowAll(Visitor visit, void* context, const absl::StatusOr<Values>& values) {
  if (!values.ok()) return values.status();
  ShowAll(visit, context, *values);
  return absl::OkStatus();
}

}  // namespace holdfast::journal::c
