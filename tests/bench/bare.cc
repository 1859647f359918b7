// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bare.h"

#include <cstdio>
#include <cstdlib>

#include "fmt/format.h"

namespace holdfast::bench {
namespace {

constexpr int kCheckpointPages = 8'000;  // as the journal's writer

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
  Execute("PRAGMA cache_size = -65536");
  Execute("PRAGMA journal_size_limit = 67108864");
  Execute(fmt::format("PRAGMA wal_autocheckpoint = {}", kCheckpointPages));
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
      head_(bare_.Prepare("UPDATE heads SET position = ?2, sequence = ?3 WHERE sandbox = ?1")),
      heads_(kSandboxes),
      last_position_(last_position) {
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
    Bind(head_, 1, key);
    Bind(head_, 2, head.position);
    Bind(head_, 3, head.sequence);
    bare_.Run(head_);
  }
  bare_.Run(commit_);
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
}

}  // namespace holdfast::bench
