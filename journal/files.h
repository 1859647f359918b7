// SPDX-License-Identifier: Apache-2.0
//
// What is done to files besides SQLite: find their one name, copy, sync, move, and say what went
// wrong. Everything made here can be read by its owner alone: what sandboxes run and hold is nobody
// else's business.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::journal {

// For want of space ResourceExhausted, else Unavailable; "doing: what the system says".
absl::Status FileError(int error, std::string_view doing);

// An open file: the one owner of its descriptor. Moved, never copied; used by one thread at a time.
// Errors name the path it was opened with.
class File {
 public:
  // With O_CLOEXEC; what is made is its owner's alone. Errors: as FileError.
  static absl::StatusOr<File> Open(const std::string& path, int flags);
  // Takes an open descriptor, or -1 for none, over.
  File(int fd, std::string path);
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  ~File();

  int fd() const { return fd_; }
  // How many bytes were read; fewer than asked for only at the end of the file.
  absl::StatusOr<std::size_t> Read(char* into, std::size_t size);
  absl::Status Write(std::string_view bytes);  // all of them
  absl::Status Sync();

 private:
  int fd_ = -1;
  std::string path_;
};

// The one name of the file at `path`, by which whatever lies beside it is named: absolute, and
// through all links, the last one too, also when nothing is there yet. A journal has its lock, its
// WAL and its archive beside this name, whatever name it is opened by. Opens nothing. A path that
// leads nowhere (no such directory, links in a circle) comes back as it is: to open it fails, and
// says why.
std::string RealPath(const std::string& path);

// What a file is called that is to be at `path` and is not whole yet. Whoever makes the next one
// removes it, so it is a name that nobody gives to anything else.
std::string UnfinishedName(const std::string& path);

// Whether anything at all has this name, a dangling link too. What cannot be looked at is taken to
// be there.
bool IsThere(const std::string& path);
// It is there, and not empty.
bool HasBytes(const std::string& path);
// Two names of one file that is there.
bool IsSameFile(const std::string& left, const std::string& right);
// "." for a path without a slash.
std::string DirectoryOf(const std::string& path);

absl::Status MakeEmptyFile(const std::string& path);  // an error when it is there
// Durably; no error when it is there.
absl::Status MakeDirectory(const std::string& path);
absl::Status SyncFile(const std::string& path);
absl::Status SyncDirectory(const std::string& path);

// Makes or overwrites `to`, synced, with the owner's rights of `from`, which is kept as it is.
absl::Status CopyFile(const std::string& from, const std::string& to);
// Gives the file a second name, or makes a copy where that cannot be.
absl::Status LinkOrCopy(const std::string& from, const std::string& to);
// Replaces what has the name `to`.
absl::Status Rename(const std::string& from, const std::string& to);
// AlreadyExists when something has the name `to`; it is kept.
absl::Status RenameToFree(const std::string& from, const std::string& to);
// The two change names, both or neither. Unimplemented when the file system cannot.
absl::Status Exchange(const std::string& left, const std::string& right);

// Names of the regular files in a directory, sorted; none when there is no such directory.
absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& directory);
// A file; a directory of this name was made by somebody else and is an error. None when nothing is
// there.
absl::Status Remove(const std::string& path);
// A directory and the files in it; one that holds another directory is not ours, and an error.
absl::Status RemoveDirectoryOfFiles(const std::string& path);

}  // namespace holdfast::journal
