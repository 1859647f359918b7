// SPDX-License-Identifier: Apache-2.0
//
// What the journal is measured against: SQLite and nothing else. BareRows writes the journal's own
// rows, Floor the same bytes into one append-only table. Neither checks, hashes, sums or waits for
// anybody: what a row holds besides its numbers was made beforehand.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {

inline constexpr std::size_t kSandboxes = 100'000;
inline constexpr std::size_t kBatchEvents = 3;
inline constexpr std::size_t kPayloadBytes = 200;
inline constexpr std::string_view kEventType = "SandboxChanged";
inline constexpr std::int64_t kTime = 1'700'000'000'000;

[[noreturn]] void Die(std::string_view why);

// A connection with the journal's pragmas (journal/schema.cc) and prepared statements.
class Bare {
 public:
  explicit Bare(const std::string& path);
  ~Bare();
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void Execute(const std::string& sql);
  sqlite3_stmt* Prepare(const char* sql);
  void Run(sqlite3_stmt* statement);
  // The WAL has grown by as much as lets the journal make a checkpoint.
  bool CheckpointIsDue() const { return wal_pages_ >= due_; }
  void Checkpoint();
  bool wal_has_grown() const { return checkpoints_ > 1; }

 private:
  int checkpoints_ = 0;
  int wal_pages_ = 0;
  int due_ = 0;
  sqlite3* db_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
};

// The journal's rows without the journal: its statements on a copy of its file.
class BareRows {
 public:
  // REQUIRES: the file has kSandboxes sandboxes, made in order with one batch of kBatchEvents each,
  // and `last_position` records.
  BareRows(const std::string& path, std::uint64_t last_position);

  // One transaction: `batches` times the records of one batch. Now and then another: the heads that
  // moved, in order, and a checkpoint, as often as the journal does.
  void Commit(std::size_t batches, std::mt19937_64& random);
  bool wal_has_grown() const { return bare_.wal_has_grown(); }

 private:
  struct Head {
    std::uint64_t position = 0;
    std::uint64_t sequence = kBatchEvents;
    bool dirty = false;
  };
  void Flush();
  Bare bare_;
  sqlite3_stmt* begin_;
  sqlite3_stmt* commit_;
  sqlite3_stmt* insert_;
  sqlite3_stmt* head_;
  sqlite3_stmt* flushed_;
  std::vector<Head> heads_;
  std::vector<std::size_t> dirty_;
  std::uint64_t last_position_;
  std::uint64_t flushed_position_;
  const std::string payload_ = std::string(kPayloadBytes, 'p');
  const std::string hash_ = std::string(32, 'h');
};

class Floor {
 public:
  explicit Floor(const std::string& path);
  void Commit(std::size_t batches);
  bool wal_has_grown() const { return bare_.wal_has_grown(); }

 private:
  Bare bare_;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  // Payload, hash, type and about 25 bytes of numbers: what a row of `records` takes.
  const std::string bytes_ = std::string(kPayloadBytes + 32 + kEventType.size() + 25, 'p');
};

}  // namespace holdfast::bench
