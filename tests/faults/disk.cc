// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/disk.h"

#include <algorithm>
#include <utility>

namespace holdfast::faults {
namespace {

using Kind = DiskOperation::Kind;

// What one cut does to one file.
enum class Fate { kNothing, kEverything, kSome, kFirst, kLast };
constexpr std::uint64_t kFates = 5;

// A write cut at the sectors, or a truncation.
struct Piece {
  const DiskOperation* operation = nullptr;
  std::size_t from = 0;  // within its bytes
  std::size_t length = 0;
};

std::vector<Piece> CutIntoPieces(const std::vector<DiskOperation>& pending, std::size_t sector) {
  std::vector<Piece> pieces;
  for (const DiskOperation& operation : pending) {
    if (operation.kind == Kind::kTruncate) {
      pieces.push_back({&operation, 0, 0});
      continue;
    }
    for (std::size_t from = 0; from < operation.bytes.size();) {
      const std::size_t to_next_sector = sector - (operation.offset + from) % sector;
      const std::size_t length = std::min(to_next_sector, operation.bytes.size() - from);
      pieces.push_back({&operation, from, length});
      from += length;
    }
  }
  return pieces;
}

// What lies where a file grew and nothing arrived: zeros, or whatever was on the disk before.
void Grow(std::string& bytes, std::size_t size, bool noise, Random& random) {
  while (bytes.size() < size) bytes.push_back(noise ? static_cast<char>(random.Next()) : '\0');
}

void ApplyPiece(const Piece& piece, bool noise, std::string& bytes, Random& random) {
  const auto offset = static_cast<std::size_t>(piece.operation->offset);
  if (piece.operation->kind == Kind::kTruncate) {
    bytes.resize(offset);
    return;
  }
  Grow(bytes, offset + piece.from, noise, random);
  const std::size_t at = offset + piece.from;
  bytes.replace(at, std::min(piece.length, bytes.size() - at), piece.operation->bytes, piece.from,
                piece.length);
}

void ApplyWhole(const DiskOperation& operation, std::string& bytes) {
  Random unused(0);
  ApplyPiece({&operation, 0, operation.bytes.size()}, /*noise=*/false, bytes, unused);
}

std::string ContentAfterCut(std::string bytes, const std::vector<DiskOperation>& pending,
                            Random& random) {
  const auto fate = static_cast<Fate>(random.Below(kFates));
  const bool noise = random.Below(2) == 0;
  const bool keeps_length = random.Below(2) == 0;
  const std::vector<Piece> pieces = CutIntoPieces(pending, random.Below(2) == 0 ? 512 : 4096);
  const std::uint64_t turn = random.Below(pieces.size() + 1);
  std::string whole = bytes;
  for (const DiskOperation& operation : pending) ApplyWhole(operation, whole);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool survives = fate == Fate::kEverything || (fate == Fate::kFirst && i < turn) ||
                          (fate == Fate::kLast && i >= turn) ||
                          (fate == Fate::kSome && random.Below(2) == 0);
    if (survives) ApplyPiece(pieces[i], noise, bytes, random);
  }
  if (keeps_length && fate != Fate::kNothing) Grow(bytes, whole.size(), noise, random);
  return bytes;
}

}  // namespace

Disk::Disk(const Files& files, Syncs syncs, std::uint64_t seed) : syncs_(syncs), random_(seed) {
  for (const auto& [name, bytes] : files) {
    names_[name] = files_.size();
    files_.push_back({.durable = bytes, .pending = {}});
  }
  durable_names_ = names_;
}

bool Disk::Lies() {
  return syncs_ == Syncs::kAlwaysLie || (syncs_ == Syncs::kSometimesLie && random_.Below(3) == 0);
}

void Disk::Change(const NameChange& change, Names& names) {
  switch (change.kind) {
    case Kind::kMake:
      names[change.name] = change.file;
      break;
    case Kind::kRemove:
      names.erase(change.name);
      break;
    default: {
      const std::size_t file = names.at(change.name);
      names.erase(change.name);
      names[change.new_name] = file;
    }
  }
}

void Disk::Apply(const DiskOperation& operation) {
  switch (operation.kind) {
    case Kind::kWrite:
    case Kind::kTruncate:
      files_[names_.at(operation.name)].pending.push_back(operation);
      return;
    case Kind::kSync: {
      if (Lies()) return;
      File& file = files_[names_.at(operation.name)];
      for (const DiskOperation& pending : file.pending) ApplyWhole(pending, file.durable);
      file.pending.clear();
      return;
    }
    case Kind::kFailSync: {
      File& file = files_[names_.at(operation.name)];
      file.durable = ContentAfterCut(std::move(file.durable), file.pending, random_);
      file.pending.clear();
      return;
    }
    case Kind::kSyncDirectory:
      if (Lies()) return;
      durable_names_ = names_;
      pending_names_.clear();
      return;
    case Kind::kMake:
      if (names_.contains(operation.name)) return;
      files_.emplace_back();
      break;
    case Kind::kRemove:
    case Kind::kRename:
      if (!names_.contains(operation.name)) return;
      break;
  }
  pending_names_.push_back({.kind = operation.kind,
                            .name = operation.name,
                            .new_name = operation.new_name,
                            .file = files_.size() - 1});
  Change(pending_names_.back(), names_);
}

Files Disk::AfterPowerCut(std::uint64_t seed) const {
  Random random(seed);
  Names names = durable_names_;
  const std::uint64_t kept =
      random.Below(2) == 0 ? pending_names_.size() : random.Below(pending_names_.size() + 1);
  for (std::uint64_t i = 0; i < kept; ++i) Change(pending_names_[i], names);
  Files files;
  for (const auto& [name, index] : names) {
    files[name] = ContentAfterCut(files_[index].durable, files_[index].pending, random);
  }
  return files;
}

}  // namespace holdfast::faults
