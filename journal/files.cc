// SPDX-License-Identifier: Apache-2.0
#include "journal/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// Read and written at a time.
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

struct Free {
  void operator()(char* text) const { std::free(text); }
};

// Of links that lead to links; Linux follows as many.
constexpr int kLinksMax = 40;

// Fills `block`; what was read, which ends before the block does only at the end of the file.
absl::StatusOr<std::string_view> ReadBlock(File& file, std::string& block) {
  block.resize(kBlockBytes);
  HF_ASSIGN_OR_RETURN(const std::size_t filled, file.Read(block.data(), block.size()));
  return std::string_view(block).substr(0, filled);
}

absl::Status RenameWith(const std::string& from, const std::string& to, unsigned flags) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0) {
    return absl::OkStatus();
  }
  if (errno == EEXIST) return absl::AlreadyExistsError(fmt::format("{} exists", to));
  if (errno == EINVAL || errno == ENOSYS) {
    return absl::UnimplementedError(
        fmt::format("renaming {} to {}: {}", from, to, strerror(errno)));
  }
  return FileError(errno, fmt::format("renaming {} to {}", from, to));
}

}  // namespace

absl::Status FileError(int error, std::string_view doing) {
  const std::string message = fmt::format("{}: {}", doing, strerror(error));
  return error == ENOSPC || error == EDQUOT ? absl::ResourceExhaustedError(message)
                                            : absl::UnavailableError(message);
}

absl::StatusOr<File> File::Open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return FileError(errno, fmt::format("opening {}", path));
  return File(fd, path);
}

File::File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<std::size_t> File::Read(char* into, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(fd_, into + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, fmt::format("reading {}", path_));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

absl::Status File::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FileError(errno, fmt::format("writing {}", path_));
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status File::Sync() {
  return ::fsync(fd_) == 0 ? absl::OkStatus() : FileError(errno, fmt::format("syncing {}", path_));
}

std::string RealPath(const std::string& path) {
  std::string name = path;
  for (int links_left = kLinksMax; links_left > 0; --links_left) {
    const std::string last = name.substr(name.rfind('/') + 1);     // npos + 1 is 0
    if (last.empty() || last == "." || last == "..") return path;  // no file has such a name
    const std::unique_ptr<char, Free> directory(::realpath(DirectoryOf(name).c_str(), nullptr));
    if (directory == nullptr) return path;
    const std::string_view parent = directory.get();
    name = fmt::format("{}/{}", parent == "/" ? "" : parent, last);
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(name, error).string();
    if (error) return name;  // no link, or nothing yet
    name = target.starts_with('/') ? target : fmt::format("{}/{}", parent, target);
  }
  return path;
}

std::string UnfinishedName(const std::string& path) { return path + ".holdfast-unfinished"; }

bool IsThere(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 || errno != ENOENT;
}

bool HasBytes(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

bool IsSameFile(const std::string& left, const std::string& right) {
  struct stat left_status {};
  struct stat right_status {};
  return ::stat(left.c_str(), &left_status) == 0 && ::stat(right.c_str(), &right_status) == 0 &&
         left_status.st_dev == right_status.st_dev && left_status.st_ino == right_status.st_ino;
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

absl::Status MakeEmptyFile(const std::string& path) {
  return File::Open(path, O_WRONLY | O_CREAT | O_EXCL).status();
}

absl::Status MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return FileError(errno, fmt::format("making the directory {}", path));
  }
  // Also of one that is there: who made it may have been killed before it was on the disk.
  return SyncDirectory(DirectoryOf(path));
}

absl::Status SyncFile(const std::string& path) {
  HF_ASSIGN_OR_RETURN(File file, File::Open(path, O_RDONLY));
  return file.Sync();
}

absl::Status SyncDirectory(const std::string& path) {
  HF_ASSIGN_OR_RETURN(File directory, File::Open(path, O_RDONLY | O_DIRECTORY));
  return directory.Sync();
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  HF_ASSIGN_OR_RETURN(File source, File::Open(from, O_RDONLY));
  HF_ASSIGN_OR_RETURN(File copy, File::Open(to, O_WRONLY | O_CREAT | O_TRUNC));
  std::string block;
  while (true) {
    HF_ASSIGN_OR_RETURN(const std::string_view bytes, ReadBlock(source, block));
    if (bytes.empty()) break;
    HF_RETURN_IF_ERROR(copy.Write(bytes));
  }
  struct stat status {};
  if (::fstat(source.fd(), &status) != 0 || ::fchmod(copy.fd(), status.st_mode & S_IRWXU) != 0) {
    return FileError(errno, fmt::format("giving {} the mode of {}", to, from));
  }
  return copy.Sync();
}

absl::Status LinkOrCopy(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  const int error = errno;
  // Not every file system can, and some systems forbid it for files of others.
  if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK ||
      error == EXDEV) {
    return CopyFile(from, to);
  }
  return FileError(error, fmt::format("linking {} to {}", from, to));
}

absl::Status Rename(const std::string& from, const std::string& to) {
  return RenameWith(from, to, 0);
}

absl::Status RenameToFree(const std::string& from, const std::string& to) {
  absl::Status status = RenameWith(from, to, RENAME_NOREPLACE);
  if (!absl::IsUnimplemented(status)) return status;
  // The file system cannot refuse by itself; between the look and the rename somebody else could
  // take the name.
  if (IsThere(to)) return absl::AlreadyExistsError(fmt::format("{} exists", to));
  return Rename(from, to);
}

absl::Status Exchange(const std::string& left, const std::string& right) {
  return RenameWith(left, right, RENAME_EXCHANGE);
}

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  auto entry = std::filesystem::directory_iterator(directory, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    if (entry->is_regular_file(gone)) names.push_back(entry->path().filename().string());
  }
  if (error) return FileError(error.value(), fmt::format("listing {}", directory));
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status Remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return FileError(errno, fmt::format("removing {}", path));
}

absl::Status RemoveDirectoryOfFiles(const std::string& path) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(path));
  for (const std::string& name : names)
    HF_RETURN_IF_ERROR(Remove(fmt::format("{}/{}", path, name)));
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return FileError(errno, fmt::format("removing {}", path));
}

}  // namespace holdfast::journal
