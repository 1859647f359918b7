// SPDX-License-Identifier: Apache-2.0
//
// The names of sandboxes by their keys, as a scan over one file's records asks for them: each
// record names its sandbox by key only, and a checksum is taken over the name. Part of a read
// connection, and used under its transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "journal/sqlite.h"

namespace holdfast::journal {

class SandboxNames {
 public:
  static absl::StatusOr<SandboxNames> Create(Database& database);

  // Has the processor fetch what Known(key) will look at. A scan that said nothing would wait for
  // it at almost every sandbox.
  void Prefetch(std::uint64_t key) const { known_.prefetch(key); }
  // As it was read before; empty when it was not. Valid until the next Read.
  std::string_view Known(std::uint64_t key) const;
  // From `sandboxes`; empty when no row names it. Valid until the next Read or EndReading.
  absl::StatusOr<std::string_view> Read(std::uint64_t key);
  // REQUIRES: called before the transaction ends in which Read was.
  void EndReading();

 private:
  SandboxNames() = default;

  // A sandbox's key is the position of its first record. So a scan comes upon new sandboxes in the
  // order of their keys, and the next name wanted is, as a rule, in the next row.
  Statement rows_;
  std::uint64_t at_ = 0;  // key of the row where `rows_` stands; 0: it stands nowhere

  // Small and in one piece: what a look-up costs is that it is in no cache of the processor.
  struct Place {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  absl::flat_hash_map<std::uint64_t, Place> known_;  // by key; where in `names_`
  std::string names_;
};

// Ends the reading on the way out, so that an early return leaves no read transaction open.
class EndOfNames {
 public:
  explicit EndOfNames(SandboxNames& names) : names_(names) {}
  ~EndOfNames() { names_.EndReading(); }
  EndOfNames(const EndOfNames&) = delete;
  EndOfNames& operator=(const EndOfNames&) = delete;

 private:
  SandboxNames& names_;
};

}  // namespace holdfast::journal
