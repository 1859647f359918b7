// SPDX-License-Identifier: Apache-2.0
//
// The storage under test, one per process, because SQLite's default VFS is one per process. All
// that the journal does to its files passes here, through the VFS (fault_vfs.cc) and the few file
// calls that it makes itself (file_calls.cc). It does two things, independent of each other:
//   - it lets the n-th call of a kind fail, once or until it is lifted;
//   - it records what was done to the files of one directory, so that a power cut at any point of
//     it can be tried afterwards on the model (disk.h). No sync reaches the real disk: nothing here
//     outlives the test, and it costs milliseconds.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/disk.h"

namespace holdfast::faults {

// Kinds of calls. The log is SQLite's WAL; the database is every other file that SQLite writes.
enum class Call {
  kOpen,
  kReadDatabase,
  kReadLog,
  kWriteDatabase,
  kWriteLog,
  kTruncate,
  kSync,
  kRemove,
  kLength,
  kSharedMemory,
  kFileCall,  // open, fsync, renameat2, unlink, chmod by the journal itself
};

enum class Effect {
  kDiskFull,  // ENOSPC; nothing is done
  kIoError,   // EIO; nothing is done
  kShort,     // read: half of it, then the end of the file. Write: half of it, then ENOSPC
};

std::string_view NameOf(Call call);
std::string_view NameOf(Effect effect);

struct Fault {
  Call call = Call::kWriteLog;
  Effect effect = Effect::kIoError;
  std::uint64_t nth = 1;  // from 1: the first call that fails
  bool lasting = false;   // and every later one of its kind, until it is lifted
};

std::ostream& operator<<(std::ostream& out, const Fault& fault);

// All members may be called by any thread.
class Storage {
 public:
  // Installs the VFS as SQLite's default at the first call.
  static Storage& Get();

  // From now on calls are counted for this fault. It replaces an earlier one.
  void Inject(const Fault& fault);
  void Lift();
  // Whether the fault that was injected last has struck.
  bool struck() const;
  // How much had been recorded when it struck first.
  std::size_t struck_at() const;

  void StartRecording(const std::string& directory);
  std::vector<DiskOperation> StopRecording();
  // How many operations have been recorded: the time of a recording.
  std::size_t recorded() const;

  // Of the VFS and the file calls: counts this call, and says how it has to fail.
  std::optional<Effect> Strike(Call call);
  // Of the same: this was done to the file at `path`, or to the directory when it ends with a
  // slash. What is in other directories is passed over.
  void Done(DiskOperation::Kind kind, std::string_view path, std::uint64_t offset = 0,
            std::string_view bytes = "");
  void RenameDone(std::string_view path, std::string_view new_path);

 private:
  Storage() = default;
  // The name of a file in the recorded directory. REQUIRES: mutex_ is held.
  std::optional<std::string> NameIn(std::string_view path) const;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::optional<Fault> fault_;
  std::uint64_t calls_ = 0;  // of the fault's kind
  bool struck_ = false;
  std::size_t struck_at_ = 0;
  bool recording_ = false;
  std::string directory_;  // with a slash at its end
  std::vector<DiskOperation> operations_;
};

// The files of a directory but not what SQLite shares between processes (-shm), which no power cut
// leaves, nor the journal's lock.
Files ReadFiles(const std::string& directory);
void WriteFiles(const std::string& directory, const Files& files);

}  // namespace holdfast::faults
