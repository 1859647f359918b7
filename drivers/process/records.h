// SPDX-License-Identifier: Apache-2.0
//
// The small JSON texts in a sandbox's directory, into values and back. Pure. They were written by
// us but come from a disk: what does not parse is DataLoss, never a guess.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "drivers/process/store.h"

namespace holdfast::drivers::process {

// owner.json: the proof that a directory is ours.
struct OwnerRecord {
  Owner owner;
  std::string journal;  // the owner mark that the driver was made with
  std::string key;      // of the provision step
};

std::string FormatOwner(const OwnerRecord& record);
absl::StatusOr<OwnerRecord> ParseOwner(std::string_view text);

absl::StatusOr<SupervisorRecord> ParseSupervisor(std::string_view text);
absl::StatusOr<ExitRecord> ParseExit(std::string_view text);

// stop.json: the run whose end was asked for, so that nobody takes it for an accident.
std::string FormatStop(const std::string& start_key);
absl::StatusOr<std::string> ParseStop(std::string_view text);

// {"generation":1,"path":"…"}: the handle of a directory resource.
std::string DirectoryHandle(const std::string& path, model::Generation generation);

}  // namespace holdfast::drivers::process
