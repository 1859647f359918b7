// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/fault_vfs.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "support/check.h"
#include "tests/faults/storage.h"

namespace holdfast::faults {
namespace {

using Kind = DiskOperation::Kind;

sqlite3_vfs* real_vfs = nullptr;  // set once, before any file is opened

// SQLite allocates it, with room for the real file behind it.
struct FaultFile {
  sqlite3_file base;
  const char* path;  // SQLite's, valid until the file is closed; null: a temporary file
  bool is_log;
  bool directory_sync_due;  // with its first sync, as the real one does for a file it made
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile& Of(sqlite3_file* file) { return *reinterpret_cast<FaultFile*>(file); }
sqlite3_file* Real(sqlite3_file* file) { return Of(file).real(); }

std::string_view PathOf(const FaultFile& file) { return file.path == nullptr ? "" : file.path; }

// SQLite asks for errno after an error; the journal tells a full disk by it.
int Fail(Effect effect, int code) {
  errno = effect == Effect::kIoError ? EIO : ENOSPC;
  return code;
}

int Close(sqlite3_file* file) { return Real(file)->pMethods->xClose(Real(file)); }

int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  const auto effect = Storage::Get().Strike(Of(file).is_log ? Call::kReadLog : Call::kReadDatabase);
  // What the real one makes of EIO in a read; SQLite reports it as a damaged file.
  if (effect == Effect::kIoError) return Fail(*effect, SQLITE_IOERR_CORRUPTFS);
  const int code = Real(file)->pMethods->xRead(Real(file), bytes, size, offset);
  if (effect != Effect::kShort || code != SQLITE_OK) return code;
  const int half = size / 2;
  std::memset(static_cast<char*>(bytes) + half, 0, static_cast<std::size_t>(size - half));
  return SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  const auto effect =
      Storage::Get().Strike(Of(file).is_log ? Call::kWriteLog : Call::kWriteDatabase);
  const int written = !effect.has_value() ? size : effect == Effect::kShort ? size / 2 : 0;
  if (written > 0) {
    const int code = Real(file)->pMethods->xWrite(Real(file), bytes, written, offset);
    if (code != SQLITE_OK) return code;
    Storage::Get().Done(
        Kind::kWrite, PathOf(Of(file)), static_cast<std::uint64_t>(offset),
        std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(written)));
  }
  if (!effect.has_value()) return SQLITE_OK;
  return Fail(*effect, effect == Effect::kIoError ? SQLITE_IOERR_WRITE : SQLITE_FULL);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const auto effect = Storage::Get().Strike(Call::kTruncate)) {
    return Fail(*effect, SQLITE_IOERR_TRUNCATE);
  }
  const int code = Real(file)->pMethods->xTruncate(Real(file), size);
  if (code == SQLITE_OK) {
    Storage::Get().Done(Kind::kTruncate, PathOf(Of(file)), static_cast<std::uint64_t>(size));
  }
  return code;
}

void DirectorySynced(std::string_view path) {
  Storage::Get().Done(Kind::kSyncDirectory, path.substr(0, path.rfind('/') + 1));
}

int Sync(sqlite3_file* file, int) {
  if (const auto effect = Storage::Get().Strike(Call::kSync)) {
    Storage::Get().Done(Kind::kFailSync, PathOf(Of(file)));
    return Fail(*effect, SQLITE_IOERR_FSYNC);
  }
  Storage::Get().Done(Kind::kSync, PathOf(Of(file)));
  if (Of(file).directory_sync_due) {
    Of(file).directory_sync_due = false;
    DirectorySynced(PathOf(Of(file)));
  }
  return SQLITE_OK;
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  if (const auto effect = Storage::Get().Strike(Call::kLength)) {
    return Fail(*effect, SQLITE_IOERR_FSTAT);
  }
  return Real(file)->pMethods->xFileSize(Real(file), size);
}

int Lock(sqlite3_file* file, int level) { return Real(file)->pMethods->xLock(Real(file), level); }
int Unlock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xUnlock(Real(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* held) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), held);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return Real(file)->pMethods->xFileControl(Real(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return Real(file)->pMethods->xSectorSize(Real(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
}
int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  if (const auto effect = Storage::Get().Strike(Call::kSharedMemory)) {
    return Fail(*effect, SQLITE_IOERR_SHMSIZE);
  }
  return Real(file)->pMethods->xShmMap(Real(file), region, size, extend, memory);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Real(file)->pMethods->xShmLock(Real(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Real(file)->pMethods->xShmBarrier(Real(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Real(file)->pMethods->xShmUnmap(Real(file), remove);
}

// Version 2: with shared memory, without memory maps.
const sqlite3_io_methods kMethods = {2,
                                     Close,
                                     Read,
                                     Write,
                                     Truncate,
                                     Sync,
                                     FileSize,
                                     Lock,
                                     Unlock,
                                     CheckReservedLock,
                                     FileControl,
                                     SectorSize,
                                     DeviceCharacteristics,
                                     ShmMap,
                                     ShmLock,
                                     ShmBarrier,
                                     ShmUnmap,
                                     nullptr,
                                     nullptr};

int Open(sqlite3_vfs*, const char* path, sqlite3_file* opened, int flags, int* flags_out) {
  FaultFile& file = Of(opened);
  file.base.pMethods = nullptr;
  if (const auto effect = Storage::Get().Strike(Call::kOpen)) {
    return Fail(*effect, SQLITE_CANTOPEN);
  }
  constexpr int kLogs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  const bool may_make = (flags & SQLITE_OPEN_CREATE) != 0;
  file.path = path;
  file.is_log = (flags & SQLITE_OPEN_WAL) != 0;
  file.directory_sync_due = may_make && (flags & kLogs) != 0;
  const int code = real_vfs->xOpen(real_vfs, path, file.real(), flags, flags_out);
  if (code != SQLITE_OK) return code;
  file.base.pMethods = &kMethods;
  if (may_make) Storage::Get().Done(Kind::kMake, PathOf(file));
  return SQLITE_OK;
}

int Delete(sqlite3_vfs*, const char* path, int sync_directory) {
  if (const auto effect = Storage::Get().Strike(Call::kRemove)) {
    return Fail(*effect, SQLITE_IOERR_DELETE);
  }
  const int code = real_vfs->xDelete(real_vfs, path, /*syncDir=*/0);
  if (code != SQLITE_OK) return code;
  Storage::Get().Done(Kind::kRemove, path);
  if (sync_directory != 0) DirectorySynced(path);
  return SQLITE_OK;
}

}  // namespace

void InstallFaultVfs() {
  HF_CHECK(sqlite3_initialize() == SQLITE_OK);
  real_vfs = sqlite3_vfs_find(nullptr);
  // What is not ours stays as the real one has it, its own data included.
  static sqlite3_vfs vfs = *real_vfs;
  vfs.zName = "faults";
  vfs.pNext = nullptr;
  vfs.szOsFile = static_cast<int>(sizeof(FaultFile)) + real_vfs->szOsFile;
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  HF_CHECK(sqlite3_vfs_register(&vfs, /*makeDflt=*/1) == SQLITE_OK);
}

}  // namespace holdfast::faults
