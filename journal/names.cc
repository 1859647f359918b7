// SPDX-License-Identifier: Apache-2.0
#include "journal/names.h"

#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kRowsFrom[] =
    "SELECT key, id\n"
    "FROM sandboxes\n"
    "WHERE key >= ?1\n"
    "ORDER BY key";

// Names kept in memory by a connection, and their bytes; emptied when there are more.
constexpr std::size_t kKnownMax = 262'144;
constexpr std::size_t kNamesBytesMax = std::size_t{16} << 20;

}  // namespace

absl::StatusOr<SandboxNames> SandboxNames::Create(Database& database) {
  SandboxNames names;
  HF_ASSIGN_OR_RETURN(names.rows_, database.Prepare(kRowsFrom));
  return names;
}

std::string_view SandboxNames::Known(std::uint64_t key) const {
  const auto known = known_.find(key);
  if (known == known_.end()) return {};
  return std::string_view(names_).substr(known->second.offset, known->second.size);
}

absl::StatusOr<std::string_view> SandboxNames::Read(std::uint64_t key) {
  bool found = false;
  if (at_ != 0 && at_ < key) {
    HF_ASSIGN_OR_RETURN(found, rows_.Step());
    at_ = found ? rows_.Unsigned(0) : 0;
  }
  if (at_ != key || !found) {
    EndReading();
    HF_ASSIGN_OR_RETURN(found, rows_.Bind(1, key).Step());
    at_ = found ? rows_.Unsigned(0) : 0;
  }
  if (!found || at_ != key) return std::string_view();
  const std::string_view name = rows_.Bytes(1);
  if (known_.size() >= kKnownMax || names_.size() >= kNamesBytesMax) {
    known_.clear();
    names_.clear();
  }
  // SQLite has no text of 4 GiB.
  known_[key] = {.offset = static_cast<std::uint32_t>(names_.size()),
                 .size = static_cast<std::uint32_t>(name.size())};
  names_.append(name);
  return name;
}

void SandboxNames::EndReading() {
  rows_.Reset();
  at_ = 0;
}

}  // namespace holdfast::journal
