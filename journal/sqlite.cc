// SPDX-License-Identifier: Apache-2.0
#include "journal/sqlite.h"

#include <cerrno>

#include "fmt/format.h"
#include "journal/full_reads.h"
#include "support/check.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// A path as the file part of SQLite's URI: what the URI syntax would read as its own is escaped.
std::string ToUri(const std::string& path, std::string_view query) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri.push_back('%');
      uri.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
      uri.push_back(kDigits[static_cast<unsigned char>(c) & 0xf]);
    } else {
      uri.push_back(c);
    }
  }
  return fmt::format("{}{}", uri, query);
}

}  // namespace

absl::Status ToStatus(sqlite3* db, int code, std::string_view doing) {
  const int system_error = db == nullptr ? 0 : sqlite3_system_errno(db);
  const std::string message = fmt::format(
      "{}: {} (SQLite {})", doing, db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db), code);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      // The shared memory file, truncations and files to be made report a full disk like this.
      if (system_error == ENOSPC || system_error == EDQUOT) {
        return absl::ResourceExhaustedError(message);
      }
      return absl::UnavailableError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
    case SQLITE_FORMAT:
      return absl::DataLossError(message);
    default:
      return absl::UnavailableError(message);
  }
}

Statement& Statement::Bind(int index, std::int64_t value) {
  HF_CHECK(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::Bind(int index, std::uint64_t value) {
  return Bind(index, static_cast<std::int64_t>(value));
}

Statement& Statement::BindText(int index, std::string_view text) {
  // An empty view may hold a null pointer, which SQLite would bind as NULL.
  HF_CHECK(sqlite3_bind_text64(statement_.get(), index, text.data() == nullptr ? "" : text.data(),
                               text.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  HF_CHECK(sqlite3_bind_blob64(statement_.get(), index, bytes.data() == nullptr ? "" : bytes.data(),
                               bytes.size(), SQLITE_STATIC) == SQLITE_OK);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  absl::Status status = ToStatus(db_, code, sqlite3_sql(statement_.get()));
  sqlite3_reset(statement_.get());
  return status;
}

absl::Status Statement::Run() {
  HF_ASSIGN_OR_RETURN(const bool row, Step());
  if (row) Reset();
  return absl::OkStatus();
}

void Statement::Reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::uint64_t Statement::Unsigned(int column) const {
  return static_cast<std::uint64_t>(Integer(column));
}

std::string_view Statement::Bytes(int column) const {
  // One look at the row for both. Safe, because one thread at a time uses the connection.
  sqlite3_value* const value = sqlite3_column_value(statement_.get(), column);
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
  const int size = sqlite3_value_bytes(value);
  return bytes == nullptr ? std::string_view()
                          : std::string_view(bytes, static_cast<std::size_t>(size));
}

absl::StatusOr<Database> Database::Open(const std::string& path, OpenMode mode) {
  int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string_view query;
  switch (mode) {
    case OpenMode::kReadWrite:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case OpenMode::kCreate:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
    case OpenMode::kReadOnly:
      flags |= SQLITE_OPEN_READONLY;
      break;
    case OpenMode::kImmutable:
      flags |= SQLITE_OPEN_READONLY;
      query = "?immutable=1";
      break;
  }
  Database database;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(ToUri(path, query).c_str(), &raw, flags, FullReadsVfs());
  database.db_.reset(raw);
  if (code != SQLITE_OK) return ToStatus(raw, code, fmt::format("opening {}", path));
  return database;
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Error(code, "preparing a statement");
  return Statement(db_.get(), statement);
}

absl::Status Database::Execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, "executing");
}

absl::StatusOr<std::string> Database::QueryText(std::string_view sql) {
  HF_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  HF_ASSIGN_OR_RETURN(const bool row, statement.Step());
  // What is asked for like this is there in every journal.
  if (!row) return absl::DataLossError(fmt::format("no row: {}", sql));
  return std::string(statement.Bytes(0));
}

absl::Status Database::SetPragma(std::string_view name, std::string_view value,
                                 std::string_view expected) {
  // Pragmas take no parameters; both parts are constants of this room.
  HF_RETURN_IF_ERROR(Execute(fmt::format("PRAGMA {} = {}", name, value).c_str()));
  HF_ASSIGN_OR_RETURN(const std::string actual, QueryText(fmt::format("PRAGMA {}", name)));
  if (actual != expected) {
    return absl::UnavailableError(
        fmt::format("SQLite keeps {} at {} where the journal needs {}", name, actual, expected));
  }
  return absl::OkStatus();
}

absl::Status Database::Error(int code, std::string_view doing) const {
  return ToStatus(db_.get(), code, doing);
}

}  // namespace holdfast::journal
