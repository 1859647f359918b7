// SPDX-License-Identifier: Apache-2.0
//
// A model of a disk under one directory: what was done to its files, what of it is durable, and
// what may be there after the power was cut. It knows nothing of SQLite.
//
// What a cut may do to what was not synced (the seed decides which, and the same seed decides the
// same again):
//   - of each file every write is cut at the sectors of 512 or 4096 bytes, and each piece is there
//     or not, whatever was written before or after it: writes are dropped, reordered and torn;
//   - a file that grew may have its new length with zeros or noise where no piece arrived;
//   - a truncation is there or not, like a piece;
//   - of a directory's changes (made, removed, renamed) the first few are there, in their order, as
//     file systems with a log of their metadata keep them; syncing a file does not keep its name.
// A sync that fails leaves of the file what a cut might, and the rest is gone although the process
// goes on to read it: the kernel marks pages clean whose writing failed, and no later sync writes
// them.
// Not modelled: a sector that holds neither its old nor its new bytes (SQLite's page and log
// checksums are tested for that elsewhere), and two directories.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/faults/random.h"

namespace holdfast::faults {

// One change of a file or of the directory.
struct DiskOperation {
  enum class Kind { kMake, kWrite, kTruncate, kSync, kFailSync, kRemove, kRename, kSyncDirectory };
  Kind kind = Kind::kSync;
  std::string name;          // of the file, in the directory; empty for kSyncDirectory
  std::string new_name;      // kRename
  std::uint64_t offset = 0;  // kWrite; kTruncate: the new length
  std::string bytes;         // kWrite
};

// Whether the disk does what a sync asks for, or only says so.
enum class Syncs { kHonest, kSometimesLie, kAlwaysLie };

using Files = std::map<std::string, std::string>;  // name to content

class Disk {
 public:
  // `seed` decides which syncs lie. `files` are durable.
  explicit Disk(const Files& files = {}, Syncs syncs = Syncs::kHonest, std::uint64_t seed = 0);

  void Apply(const DiskOperation& operation);

  // What is there when the power returns.
  Files AfterPowerCut(std::uint64_t seed) const;

 private:
  struct File {
    std::string durable;
    std::vector<DiskOperation> pending;  // kWrite and kTruncate, in their order
  };
  using Names = std::map<std::string, std::size_t>;  // to an index into files_
  struct NameChange {
    DiskOperation::Kind kind;
    std::string name;
    std::string new_name;
    std::size_t file = 0;  // kMake
  };

  static void Change(const NameChange& change, Names& names);
  bool Lies();

  std::vector<File> files_;
  Names names_;                            // as the process sees them
  Names durable_names_;                    // as they are after a cut that keeps none of …
  std::vector<NameChange> pending_names_;  // … these
  Syncs syncs_;
  Random random_;
};

}  // namespace holdfast::faults
