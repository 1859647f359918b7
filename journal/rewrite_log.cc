// SPDX-License-Identifier: Apache-2.0
#include "journal/rewrite_log.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "fmt/format.h"
#include "journal/files.h"
#include "journal/sqlite.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// SQLite's file layer takes at most 128 KiB at once, and says nothing of it.
constexpr sqlite3_int64 kChunkBytes = 1 << 16;

// A file of SQLite's own file layer.
class LogFile {
 public:
  LogFile(sqlite3_vfs* vfs, std::string path)
      : vfs_(vfs),
        path_(std::move(path)),
        memory_(std::make_unique<char[]>(static_cast<std::size_t>(vfs->szOsFile))) {}
  ~LogFile() {
    if (file()->pMethods != nullptr) file()->pMethods->xClose(file());
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  absl::Status Open() {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL;
    return Told(vfs_->xOpen(vfs_, path_.c_str(), file(), flags, &flags), "opening");
  }

  absl::Status Rewrite() {
    sqlite3_int64 size = 0;
    HF_RETURN_IF_ERROR(Told(file()->pMethods->xFileSize(file(), &size), "measuring"));
    std::vector<char> chunk(static_cast<std::size_t>(std::min(size, kChunkBytes)));
    for (sqlite3_int64 offset = 0; offset < size; offset += kChunkBytes) {
      const int bytes = static_cast<int>(std::min(size - offset, kChunkBytes));
      HF_RETURN_IF_ERROR(
          Told(file()->pMethods->xRead(file(), chunk.data(), bytes, offset), "reading"));
      HF_RETURN_IF_ERROR(
          Told(file()->pMethods->xWrite(file(), chunk.data(), bytes, offset), "writing"));
    }
    return Told(file()->pMethods->xSync(file(), SQLITE_SYNC_FULL), "syncing");
  }

 private:
  sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory_.get()); }
  absl::Status Told(int code, std::string_view doing) const {
    if (code == SQLITE_OK) return absl::OkStatus();
    const int error = vfs_->xGetLastError(vfs_, 0, nullptr);
    if (error == ENOSPC || error == EDQUOT) {
      return FileError(error, fmt::format("{} {}", doing, path_));
    }
    return ToStatus(nullptr, code, fmt::format("{} {}", doing, path_));
  }

  sqlite3_vfs* vfs_;
  const std::string path_;
  std::unique_ptr<char[]> memory_;
};

}  // namespace

absl::Status RewriteLog(const std::string& path) {
  const std::string log = path + "-wal";
  if (!IsThere(log)) return absl::OkStatus();
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  if (vfs == nullptr) return absl::UnavailableError("SQLite has no file layer");
  LogFile file(vfs, log);
  HF_RETURN_IF_ERROR(file.Open());
  return file.Rewrite();
}

}  // namespace holdfast::journal
