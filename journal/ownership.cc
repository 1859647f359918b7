// SPDX-License-Identifier: Apache-2.0
#include "journal/ownership.h"

#include <string_view>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {

absl::StatusOr<Ownership> ReadOwnership(Database& database) {
  HF_ASSIGN_OR_RETURN(Statement select, database.Prepare("SELECT name, value\nFROM meta"));
  Ownership ownership;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return ownership;
    const std::string_view name = select.Bytes(0);
    if (name == "owner") ownership.owner = std::string(select.Bytes(1));
    if (name == "pid") ownership.pid = select.Integer(1);
    if (name == "since_unix_ms") ownership.since_unix_ms = select.Integer(1);
    if (name == "epoch") ownership.epoch = select.Unsigned(1);
    if (name == "restored_unix_ms") ownership.restored_unix_ms = select.Integer(1);
    if (name == "restored_position") ownership.restored_position = select.Unsigned(1);
    if (name == "boot_id") ownership.boot_id = std::string(select.Bytes(1));
  }
}

absl::Status WriteOwnership(Database& database, const Ownership& ownership) {
  HF_ASSIGN_OR_RETURN(Statement update,
                      database.Prepare("UPDATE meta\nSET value = ?2\nWHERE name = ?1"));
  HF_RETURN_IF_ERROR(update.BindText(1, "owner").BindText(2, ownership.owner).Run());
  HF_RETURN_IF_ERROR(update.BindText(1, "pid").Bind(2, ownership.pid).Run());
  HF_RETURN_IF_ERROR(update.BindText(1, "since_unix_ms").Bind(2, ownership.since_unix_ms).Run());
  HF_RETURN_IF_ERROR(update.BindText(1, "epoch").Bind(2, ownership.epoch).Run());
  return update.BindText(1, "boot_id").BindText(2, ownership.boot_id).Run();
}

absl::Status WriteRestoration(Database& database, std::int64_t time_unix_ms, std::uint64_t position,
                              std::uint64_t epoch) {
  HF_ASSIGN_OR_RETURN(Statement set,
                      database.Prepare("INSERT INTO meta (name, value)\n"
                                       "VALUES (?1, ?2)\n"
                                       "ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
  HF_RETURN_IF_ERROR(set.BindText(1, "restored_unix_ms").Bind(2, time_unix_ms).Run());
  HF_RETURN_IF_ERROR(set.BindText(1, "restored_position").Bind(2, position).Run());
  return set.BindText(1, "epoch").Bind(2, epoch).Run();
}

std::string Describe(const Ownership& ownership) {
  return fmt::format(
      "{}, pid {}, since {}, epoch {}", ownership.owner, ownership.pid,
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(ownership.since_unix_ms),
                       absl::UTCTimeZone()),
      ownership.epoch);
}

std::string DescribeHolder(const std::string& path) {
  const auto reader = Reader::Open(path);
  if (!reader.ok()) return "another process";
  const auto ownership = (*reader)->ReadOwnership();
  return ownership.ok() ? Describe(*ownership) : "another process";
}

}  // namespace holdfast::journal
