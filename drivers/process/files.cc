// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
// Each level holds one descriptor open, and a workload may nest as deeply as it likes: what is
// deeper is moved to the top first.
constexpr int kTreeDepthMax = 32;

// The tree that is being removed.
struct Removal {
  int top;
  dev_t device;
  std::string last;
  int moved = 0;  // to the top, in this pass
};

// Under a name that is not there yet: earlier attempts may have left some.
absl::Status MoveToTop(int directory, const std::string& name, Removal& removal) {
  for (;;) {
    const std::string to = fmt::format(".deep-{}", removal.moved++);
    if (renameat2(directory, name.c_str(), removal.top, to.c_str(), RENAME_NOREPLACE) == 0) {
      return absl::OkStatus();
    }
    if (errno != EEXIST) return SystemError(fmt::format("move {} up", name), errno);
  }
}

absl::Status RemoveContents(int directory, int depth, Removal& removal) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(directory));
  for (const std::string& name : names) {
    if (depth == 0 && name == removal.last) continue;
    struct stat entry {};
    if (fstatat(directory, name.c_str(), &entry, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return SystemError(fmt::format("stat {}", name), errno);
    }
    if (!S_ISDIR(entry.st_mode)) {
      HF_RETURN_IF_ERROR(UnlinkAt(directory, name));
      continue;
    }
    if (entry.st_dev != removal.device) {
      return absl::UnavailableError(
          fmt::format("{} is a mount point; unmount it, then destroy again", name));
    }
    // The workload may have taken its own permissions away; root does not need them, others do.
    if ((entry.st_mode & S_IRWXU) != S_IRWXU) {
      [[maybe_unused]] const int ignored = fchmodat(directory, name.c_str(), S_IRWXU, 0);
    }
    if (depth == kTreeDepthMax) {
      HF_RETURN_IF_ERROR(MoveToTop(directory, name, removal));
      continue;
    }
    HF_ASSIGN_OR_RETURN(std::optional<Fd> child, OpenDirectoryAt(directory, name));
    if (!child) continue;
    HF_RETURN_IF_ERROR(RemoveContents(child->get(), depth + 1, removal));
    if (unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      return SystemError(fmt::format("rmdir {}", name), errno);
    }
  }
  return absl::OkStatus();
}

}  // namespace

void Fd::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

absl::Status SystemError(std::string_view what, int error) {
  std::array<char, 128> buffer{};
  return absl::UnavailableError(
      fmt::format("{}: {}", what, strerror_r(error, buffer.data(), buffer.size())));
}

absl::StatusOr<std::optional<Fd>> OpenDirectoryAt(int parent, const std::string& name) {
  Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd) return std::optional<Fd>(std::move(fd));
  if (errno == ENOENT) return std::optional<Fd>();
  return SystemError(fmt::format("open the directory {}", name), errno);
}

absl::StatusOr<Fd> OpenDirectory(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return SystemError(fmt::format("open the directory {}", path), errno);
  return fd;
}

absl::Status EnsurePrivateDirectory(const std::string& path) {
  if (mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return SystemError(fmt::format("make the directory {}", path), errno);
  }
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return SystemError(fmt::format("stat {}", path), errno);
  if (!S_ISDIR(found.st_mode)) {
    return absl::FailedPreconditionError(fmt::format("{} is not a directory", path));
  }
  if (found.st_uid != geteuid()) {
    return absl::FailedPreconditionError(fmt::format(
        "{} belongs to user {}; it must belong to user {}", path, found.st_uid, geteuid()));
  }
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0 && chmod(path.c_str(), S_IRWXU) != 0) {
    return SystemError(fmt::format("chmod 0700 {}", path), errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> ReadFileAt(int directory, const std::string& name) {
  const Fd fd(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    if (errno == ENOENT) return std::optional<std::string>();
    return SystemError(fmt::format("open {}", name), errno);
  }
  std::string content;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(fmt::format("read {}", name), errno);
    if (got == 0) return std::optional<std::string>(std::move(content));
    content.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.size() > kFileBytesMax) {
      return absl::UnavailableError(fmt::format("{} is larger than a megabyte", name));
    }
  }
}

absl::Status WriteFileAt(int directory, const std::string& name, std::string_view content) {
  // Of this thread alone: two attempts at once must not take each other's half-written file.
  const std::string temporary = fmt::format("{}.{}.new", name, gettid());
  Fd fd(openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
               S_IRUSR | S_IWUSR));
  if (!fd) return SystemError(fmt::format("create {}", temporary), errno);
  while (!content.empty()) {
    const ssize_t put = write(fd.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return SystemError(fmt::format("write {}", temporary), errno);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (fsync(fd.get()) != 0) return SystemError(fmt::format("fsync {}", temporary), errno);
  if (renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
    return SystemError(fmt::format("rename {}", temporary), errno);
  }
  return SyncDirectory(directory);
}

absl::Status UnlinkAt(int directory, const std::string& name) {
  if (unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT) {
    return SystemError(fmt::format("unlink {}", name), errno);
  }
  return absl::OkStatus();
}

absl::Status SyncDirectory(int directory) {
  if (fsync(directory) != 0) return SystemError("fsync of a directory", errno);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListNames(int directory) {
  // A descriptor of its own: the read position belongs to the open file, not to the number.
  const int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open a directory to list it", errno);
  DIR* stream = fdopendir(fd);
  if (stream == nullptr) {
    const int error = errno;
    close(fd);
    return SystemError("list a directory", error);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  closedir(stream);
  if (error != 0) return SystemError("list a directory", error);
  return names;
}

absl::Status RemoveTreeAt(int parent, const std::string& name, const std::string& last) {
  HF_ASSIGN_OR_RETURN(const std::optional<Fd> directory, OpenDirectoryAt(parent, name));
  if (!directory) return absl::OkStatus();
  struct stat top {};
  if (fstat(directory->get(), &top) != 0) return SystemError(fmt::format("stat {}", name), errno);
  Removal removal{.top = directory->get(), .device = top.st_dev, .last = last};
  do {
    removal.moved = 0;
    HF_RETURN_IF_ERROR(RemoveContents(directory->get(), 0, removal));
  } while (removal.moved > 0);
  if (!last.empty()) HF_RETURN_IF_ERROR(UnlinkAt(directory->get(), last));
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return SystemError(fmt::format("rmdir {}", name), errno);
  }
  return SyncDirectory(parent);
}

}  // namespace holdfast::drivers::process
