// SPDX-License-Identifier: Apache-2.0
#include "journal/schema.h"

#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "fmt/format.h"
#include "journal/canonical.h"
#include "journal/files.h"
#include "journal/migrations.h"
#include "journal/segment.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr std::size_t kHeaderBytes = 100;  // SQLite file format, section 1.3
constexpr std::string_view kMagic("SQLite format 3\0", 16);

std::uint32_t BigEndian32(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

absl::Status NotOurs(const std::string& path, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("{} is not a Holdfast journal: {}", path, why));
}

absl::Status Build(const std::string& path) {
  HF_ASSIGN_OR_RETURN(Database database, Database::Open(path, OpenMode::kCreate));
  HF_RETURN_IF_ERROR(
      database.SetPragma("page_size", std::to_string(kPageBytes), std::to_string(kPageBytes)));
  HF_RETURN_IF_ERROR(database.SetPragma("synchronous", "FULL", "2"));
  HF_RETURN_IF_ERROR(database.SetPragma("application_id", std::to_string(kApplicationId),
                                        std::to_string(kApplicationId)));
  HF_RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  HF_RETURN_IF_ERROR(Migrate(database, 0));
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return absl::UnavailableError("no random bytes for the journal's name");
  }
  const std::string id =
      ToHex(std::string_view(reinterpret_cast<const char*>(random.data()), random.size()));
  HF_ASSIGN_OR_RETURN(Statement insert,
                      database.Prepare("INSERT INTO meta (name, value)\nVALUES (?1, ?2)"));
  HF_RETURN_IF_ERROR(insert.BindText(1, "journal_id").BindText(2, id).Run());
  HF_RETURN_IF_ERROR(insert.BindText(1, "epoch").Bind(2, std::int64_t{0}).Run());
  HF_RETURN_IF_ERROR(insert.BindText(1, "owner").BindText(2, "").Run());
  HF_RETURN_IF_ERROR(insert.BindText(1, "pid").Bind(2, std::int64_t{0}).Run());
  HF_RETURN_IF_ERROR(insert.BindText(1, "since_unix_ms").Bind(2, std::int64_t{0}).Run());
  HF_RETURN_IF_ERROR(insert.BindText(1, "boot_id").BindText(2, "").Run());
  HF_RETURN_IF_ERROR(insert.BindText(1, "probe").Bind(2, std::int64_t{0}).Run());
  HF_RETURN_IF_ERROR(database.Execute("COMMIT"));
  // The mark for WAL stands in the file's header; set here, so that no reader finds it without.
  return database.SetPragma("journal_mode", "WAL", "wal");
}

}  // namespace

absl::Status InspectFile(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return absl::NotFoundError(fmt::format("no journal at {}", path));
    return absl::UnavailableError(fmt::format("{}: {}", path, strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) return NotOurs(path, "not a regular file");
  if (::euidaccess(path.c_str(), R_OK) != 0) {
    return absl::UnavailableError(fmt::format("{} cannot be read: {}", path, strerror(errno)));
  }
  if (status.st_size == 0) return NotOurs(path, "the file is empty");

  // Read through SQLite's own file layer: closing a descriptor of our own would drop the POSIX
  // locks that another connection of this process may hold on the same file.
  HF_ASSIGN_OR_RETURN(Database database, Database::Open(path, OpenMode::kImmutable));
  sqlite3_file* file = nullptr;
  const int found = sqlite3_file_control(database.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (found != SQLITE_OK || file == nullptr || file->pMethods == nullptr) {
    return absl::UnavailableError(fmt::format("{} cannot be read", path));
  }
  std::array<char, kHeaderBytes> header{};
  const int read = file->pMethods->xRead(file, header.data(), kHeaderBytes, 0);
  if (read != SQLITE_OK && read != SQLITE_IOERR_SHORT_READ) {
    return database.Error(read, fmt::format("reading {}", path));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  const std::size_t known = std::min(size, kMagic.size());
  if (std::string_view(header.data(), known) != kMagic.substr(0, known)) {
    return NotOurs(path, "not an SQLite file");
  }
  if (size < kHeaderBytes) {
    return absl::DataLossError(fmt::format("{} is truncated: {} bytes are left", path, size));
  }
  if (BigEndian32(&header[68]) != kApplicationId) {
    return NotOurs(path, "an SQLite file of another application");
  }
  const std::uint32_t version = BigEndian32(&header[60]);
  if (version > kFormatVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "{} has format version {}; this program reads up to version {}. Use a newer one.", path,
        version, kFormatVersion));
  }
  if (version == 0) return absl::DataLossError(fmt::format("{} has lost its format version", path));
  // With a WAL the header may be ahead of the file: a checkpoint was cut short, and SQLite repeats
  // it.
  const std::uint64_t expected = std::uint64_t{BigEndian32(&header[28])} * kPageBytes;
  if (size < expected && !HasBytes(path + "-wal")) {
    return absl::DataLossError(
        fmt::format("{} is truncated: {} bytes of {} are left", path, size, expected));
  }
  return absl::OkStatus();
}

absl::Status CreateFile(const std::string& path) {
  // SQLite would take it for the new file's and replay it into that.
  if (HasBytes(path + "-wal")) {
    return absl::FailedPreconditionError(fmt::format(
        "there is no journal at {0}, but its WAL {0}-wal is there: put the file back, or restore a "
        "backup",
        path));
  }
  // A new journal would not know them, and would soon have others of the same positions.
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> segments, ListSegmentFiles(ArchiveOf(path)));
  if (!segments.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("there is no journal at {}, but its archive {} holds {} segments: put the file "
                    "back, restore "
                    "a backup, or move the archive away to begin anew",
                    path, ArchiveOf(path), segments.size()));
  }
  const std::string draft = UnfinishedName(path);
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((draft + suffix).c_str());
  absl::Status status = Build(draft);
  // What sandboxes run and hold is their owner's business alone. SQLite gives -wal and -shm the
  // same.
  if (status.ok() && ::chmod(draft.c_str(), S_IRUSR | S_IWUSR) != 0) {
    status = FileError(errno, fmt::format("chmod of {}", draft));
  }
  if (status.ok()) status = SyncFile(draft);
  if (status.ok()) status = Rename(draft, path);
  if (!status.ok()) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((draft + suffix).c_str());
    return status;
  }
  return SyncDirectory(DirectoryOf(path));
}

absl::Status ConfigureWriter(Database& database) {
  sqlite3_busy_timeout(database.get(), 5'000);
  // The header that InspectFile saw may be older than the WAL. What is refused for that is left as
  // it is: closing it must not bring the WAL into the file.
  sqlite3_db_config(database.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  HF_RETURN_IF_ERROR(ReadFormatVersion(database).status());
  // The journal makes none; one in a file that was brought here would run with our rights.
  HF_ASSIGN_OR_RETURN(Statement programs, database.Prepare("SELECT count(*)\nFROM sqlite_schema\n"
                                                           "WHERE type IN ('trigger', 'view')"));
  HF_RETURN_IF_ERROR(programs.Step().status());
  if (programs.Integer(0) != 0) {
    return absl::FailedPreconditionError(
        "the journal holds triggers or views, which are not its own");
  }
  programs.Reset();
  HF_RETURN_IF_ERROR(database.SetPragma("journal_mode", "WAL", "wal"));
  HF_RETURN_IF_ERROR(database.SetPragma("synchronous", "FULL", "2"));
  HF_RETURN_IF_ERROR(database.SetPragma("trusted_schema", "OFF", "0"));
  HF_RETURN_IF_ERROR(database.SetPragma("cell_size_check", "ON", "1"));
  // What was sealed is removed for ever, not left in free pages; how SQLite was built decides
  // otherwise.
  HF_RETURN_IF_ERROR(database.SetPragma("secure_delete", "ON", "1"));
  // A checkpoint inside COMMIT would keep those waiting who are already durable; the writer makes
  // its own when it has answered them.
  HF_RETURN_IF_ERROR(database.SetPragma("wal_autocheckpoint", "0", "0"));
  HF_RETURN_IF_ERROR(database.SetPragma("cache_size", "-16384", "-16384"));  // KiB
  // The WAL stays when the last connection closes: a read-only reader then finds all it needs and
  // has no reason to make a file.
  int persist = 1;
  const int kept = sqlite3_file_control(database.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
  if (kept != SQLITE_OK) return database.Error(kept, "keeping the WAL");
  HF_RETURN_IF_ERROR(database.SetPragma("journal_size_limit", "67108864", "67108864"));
  HF_ASSIGN_OR_RETURN(const std::string page_bytes, database.QueryText("PRAGMA page_size"));
  if (page_bytes != std::to_string(kPageBytes)) {
    return absl::DataLossError(fmt::format("the journal has pages of {} bytes", page_bytes));
  }
  return absl::OkStatus();
}

absl::Status ConfigureReader(Database& database) {
  sqlite3_busy_timeout(database.get(), 5'000);
  HF_ASSIGN_OR_RETURN(const std::uint32_t version, ReadFormatVersion(database));
  HF_RETURN_IF_ERROR(StandIn(database, version));
  HF_RETURN_IF_ERROR(database.SetPragma("query_only", "ON", "1"));
  HF_RETURN_IF_ERROR(database.SetPragma("trusted_schema", "OFF", "0"));
  HF_RETURN_IF_ERROR(database.SetPragma("cell_size_check", "ON", "1"));
  return absl::OkStatus();
}

absl::Status MigrateFile(Database& database) {
  HF_ASSIGN_OR_RETURN(const std::uint32_t version, ReadFormatVersion(database));
  if (version == kFormatVersion) return absl::OkStatus();
  HF_RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  absl::Status status = Migrate(database, version);
  if (status.ok()) status = database.Execute("COMMIT");
  if (!status.ok()) {
    if (sqlite3_get_autocommit(database.get()) == 0) database.Execute("ROLLBACK").IgnoreError();
    return status;
  }
  // Into the file's header, where also an older program looks before it believes anything.
  return database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace holdfast::journal
