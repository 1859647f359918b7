// SPDX-License-Identifier: Apache-2.0
//
// The thinnest layer over SQLite's C interface: owners for a connection and a prepared statement,
// and the one table that turns its result codes into ours. Nothing outside journal/ includes it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::journal {

// FULL, and IOERR and CANTOPEN for want of space   ResourceExhausted
// IOERR, CANTOPEN, BUSY, LOCKED, …         Unavailable
// CORRUPT, NOTADB, SCHEMA, CONSTRAINT, …   DataLoss: the file is not as we left it
absl::Status ToStatus(sqlite3* db, int code, std::string_view doing);

// A prepared statement, bound and stepped by one thread at a time. Bound text and blobs are not
// copied: they must live until the statement was run or reset.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}

  Statement& Bind(int index, std::int64_t value);
  Statement& Bind(int index, std::uint64_t value);
  Statement& BindText(int index, std::string_view text);
  Statement& BindBlob(int index, std::string_view bytes);

  // True: a row is there; false: done, and the statement is reset.
  absl::StatusOr<bool> Step();
  // Steps a statement that gives no rows and resets it.
  absl::Status Run();
  void Reset();

  std::int64_t Integer(int column) const;
  std::uint64_t Unsigned(int column) const;
  // Valid until the next step or reset. Of text and blobs alike.
  std::string_view Bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* db_ = nullptr;  // the connection outlives its statements
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Resets on the way out, so that an early return leaves no read transaction open.
class ResetOnExit {
 public:
  explicit ResetOnExit(Statement& statement) : statement_(statement) {}
  ~ResetOnExit() { statement_.Reset(); }
  ResetOnExit(const ResetOnExit&) = delete;
  ResetOnExit& operator=(const ResetOnExit&) = delete;

 private:
  Statement& statement_;
};

enum class OpenMode { kReadWrite, kCreate, kReadOnly, kImmutable };

class Database {
 public:
  static absl::StatusOr<Database> Open(const std::string& path, OpenMode mode);

  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // One or more statements without parameters or rows.
  absl::Status Execute(const char* sql);
  // First column of the first row, as text.
  absl::StatusOr<std::string> QueryText(std::string_view sql);
  // Sets and reads back: a pragma that SQLite ignored is an error, not a surprise later.
  absl::Status SetPragma(std::string_view name, std::string_view value, std::string_view expected);

  absl::Status Error(int code, std::string_view doing) const;
  sqlite3* get() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace holdfast::journal
