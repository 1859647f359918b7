// SPDX-License-Identifier: Apache-2.0
#include "journal/full_reads.h"

#include <sqlite3.h>

#include <map>
#include <mutex>

namespace holdfast::journal {
namespace {

constexpr char kName[] = "holdfast-full-reads";

// The methods of a file of the default VFS with one replaced. First, so that a file's pMethods
// leads here.
struct Methods {
  sqlite3_io_methods ours;
  const sqlite3_io_methods* real = nullptr;
};

sqlite3_vfs* real_vfs = nullptr;  // set once, before ours is known to SQLite

int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  const sqlite3_io_methods& real = *reinterpret_cast<const Methods*>(file->pMethods)->real;
  const int code = real.xRead(file, bytes, size, offset);
  if (code != SQLITE_IOERR_SHORT_READ) return code;
  sqlite3_int64 length = 0;
  if (const int failed = real.xFileSize(file, &length); failed != SQLITE_OK) return failed;
  return offset + size <= length ? SQLITE_IOERR_READ : code;
}

// The default VFS has a handful of tables, chosen by the kind of file; each is copied once and
// kept.
const sqlite3_io_methods* WithFullReads(const sqlite3_io_methods* real) {
  static std::mutex mutex;
  static auto& known = *new std::map<const sqlite3_io_methods*, Methods>;
  const std::lock_guard lock(mutex);
  const auto [entry, inserted] = known.try_emplace(real);
  if (inserted) {
    entry->second = {.ours = *real, .real = real};
    entry->second.ours.xRead = Read;
  }
  return &entry->second.ours;
}

int Open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  const int code = real_vfs->xOpen(real_vfs, path, file, flags, flags_out);
  if (code == SQLITE_OK && file->pMethods != nullptr)
    file->pMethods = WithFullReads(file->pMethods);
  return code;
}

bool Register() {
  if (sqlite3_initialize() != SQLITE_OK) return false;
  real_vfs = sqlite3_vfs_find(nullptr);
  if (real_vfs == nullptr) return false;
  // What is not ours stays as the default has it, its own data included.
  static sqlite3_vfs vfs = *real_vfs;
  vfs.zName = kName;
  vfs.pNext = nullptr;
  vfs.xOpen = Open;
  return sqlite3_vfs_register(&vfs, /*makeDflt=*/0) == SQLITE_OK;
}

}  // namespace

const char* FullReadsVfs() {
  static const bool registered = Register();
  return registered ? kName : nullptr;
}

}  // namespace holdfast::journal
