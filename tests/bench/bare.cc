// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bare.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "fmt/format.h"

namespace holdfast::bench {
namespace {

// As the journal's writer.
constexpr int kCheckpointPages = 8'000;
constexpr std::uint64_t kFlushRecords = 65'536;

void Bind(sqlite3_stmt* statement, int index, std::uint64_t value) {
  sqlite3_bind_int64(statement, index, static_cast<sqlite3_int64>(value));
}

}  // namespace

void Die(std::string_view why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(1);
}

Bare::Bare(const std::string& path) {
  if (sqlite3_open_v2(path.c_str(), &db_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK) {
    Die(sqlite3_errmsg(db_));
  }
  Execute("PRAGMA page_size = 4096");
  Execute("PRAGMA journal_mode = WAL");
  Execute("PRAGMA synchronous = FULL");
  Execute("PRAGMA trusted_schema = OFF");
  Execute("PRAGMA cell_size_check = ON");
  Execute("PRAGMA cache_size = -16384");
  Execute("PRAGMA journal_size_limit = 67108864");
  Execute("PRAGMA wal_autocheckpoint = 0");
  due_ = kCheckpointPages;
  sqlite3_wal_hook(
      db_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Bare*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
}

void Bare::Checkpoint() {
  ++checkpoints_;
  sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  due_ = wal_pages_ < kCheckpointPages ? kCheckpointPages : wal_pages_ + kCheckpointPages;
}

Bare::~Bare() {
  for (sqlite3_stmt* statement : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

void Bare::Execute(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    Die(sqlite3_errmsg(db_));
  }
}

sqlite3_stmt* Bare::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    Die(sqlite3_errmsg(db_));
  }
  statements_.push_back(statement);
  return statement;
}

void Bare::Run(sqlite3_stmt* statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) Die(sqlite3_errmsg(db_));
  sqlite3_reset(statement);
}

BareRows::BareRows(const std::string& path, std::uint64_t last_position)
    : bare_(path),
      begin_(bare_.Prepare("BEGIN IMMEDIATE")),
      commit_(bare_.Prepare("COMMIT")),
      insert_(bare_.Prepare(
          "INSERT INTO records (position, sandbox, sequence, previous, epoch, time_unix_ms, kind,"
          " checksum, type, hash, payload)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")),
      head_(bare_.Prepare("INSERT INTO heads (sandbox, position, sequence) VALUES (?1, ?2, ?3)"
                          " ON CONFLICT (sandbox) DO UPDATE"
                          " SET position = excluded.position, sequence = excluded.sequence")),
      flushed_(bare_.Prepare("UPDATE meta SET value = ?1 WHERE name = 'flushed'")),
      heads_(kSandboxes),
      last_position_(last_position),
      flushed_position_(last_position) {
  for (std::size_t i = 0; i < kSandboxes; ++i) heads_[i].position = (i + 1) * kBatchEvents;
}

void BareRows::Commit(std::size_t batches, std::mt19937_64& random) {
  bare_.Run(begin_);
  for (std::size_t i = 0; i < batches; ++i) {
    const std::size_t sandbox = random() % kSandboxes;
    Head& head = heads_[sandbox];
    // Sandboxes were made in order, so a sandbox's key is the position of its first record.
    const std::uint64_t key = sandbox * kBatchEvents + 1;
    for (std::size_t event = 0; event < kBatchEvents; ++event) {
      const std::uint64_t position = ++last_position_;
      Bind(insert_, 1, position);
      Bind(insert_, 2, key);
      Bind(insert_, 3, ++head.sequence);
      Bind(insert_, 4, head.position);
      Bind(insert_, 5, 1);
      Bind(insert_, 6, static_cast<std::uint64_t>(kTime));
      Bind(insert_, 7, 1);
      Bind(insert_, 8, 0xdeadbeef);
      sqlite3_bind_text(insert_, 9, kEventType.data(), static_cast<int>(kEventType.size()),
                        SQLITE_STATIC);
      sqlite3_bind_blob(insert_, 10, hash_.data(), static_cast<int>(hash_.size()), SQLITE_STATIC);
      sqlite3_bind_blob(insert_, 11, payload_.data(), kPayloadBytes, SQLITE_STATIC);
      bare_.Run(insert_);
      head.position = position;
    }
    if (!head.dirty) dirty_.push_back(sandbox);
    head.dirty = true;
  }
  bare_.Run(commit_);
  const bool checkpoint = bare_.CheckpointIsDue();
  if (checkpoint || last_position_ - flushed_position_ >= kFlushRecords) Flush();
  if (checkpoint) bare_.Checkpoint();
}

void BareRows::Flush() {
  std::sort(dirty_.begin(), dirty_.end());
  bare_.Run(begin_);
  for (const std::size_t sandbox : dirty_) {
    Bind(head_, 1, sandbox * kBatchEvents + 1);
    Bind(head_, 2, heads_[sandbox].position);
    Bind(head_, 3, heads_[sandbox].sequence);
    bare_.Run(head_);
    heads_[sandbox].dirty = false;
  }
  Bind(flushed_, 1, last_position_);
  bare_.Run(flushed_);
  bare_.Run(commit_);
  flushed_position_ = last_position_;
  dirty_.clear();
}

Floor::Floor(const std::string& path) : bare_(path) {
  bare_.Execute("CREATE TABLE floor (position INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
  begin_ = bare_.Prepare("BEGIN IMMEDIATE");
  commit_ = bare_.Prepare("COMMIT");
  insert_ = bare_.Prepare("INSERT INTO floor (bytes) VALUES (?1)");
}

void Floor::Commit(std::size_t batches) {
  bare_.Run(begin_);
  for (std::size_t i = 0; i < batches * kBatchEvents; ++i) {
    sqlite3_bind_blob(insert_, 1, bytes_.data(), static_cast<int>(bytes_.size()), SQLITE_STATIC);
    bare_.Run(insert_);
  }
  bare_.Run(commit_);
  if (bare_.CheckpointIsDue()) bare_.Checkpoint();
}

}  // namespace holdfast::bench
