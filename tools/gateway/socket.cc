// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "support/status_macros.h"

namespace holdfast::gateway {
namespace {

constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;
constexpr int kBacklog = 128;
// How long to rest when the process is out of file descriptors: accept would fail at once again.
constexpr int kExhaustedRestMs = 100;

absl::Status SystemError(std::string_view what, const std::string& path) {
  return absl::UnavailableError(fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

absl::Status PrepareDirectory(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(directory).parent_path();
  std::filesystem::create_directories(parent, error);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError("make the socket's directory", directory);
  }
  struct stat status {};
  if (lstat(directory.c_str(), &status) != 0) return SystemError("look at", directory);
  if (!S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError(
        fmt::format("{} is not a directory; choose another --socket", directory));
  }
  if (status.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        fmt::format("{} belongs to uid {}, not to uid {} that this gateway runs as; choose a "
                    "--socket in a directory of your own",
                    directory, status.st_uid, geteuid()));
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "others may write to {}; chmod 0700 it, or choose another --socket", directory));
  }
  return absl::OkStatus();
}

// Removes a socket file that a dead gateway left; refuses everything else that is in the way.
absl::Status RemoveStale(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? absl::OkStatus() : SystemError("look at", path);
  }
  if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid()) {
    return absl::FailedPreconditionError(fmt::format(
        "{} is in the way: it is not a socket of uid {}; it is left untouched", path, geteuid()));
  }
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return SystemError("make a socket for", path);
  const sockaddr_un address = AddressOf(path);
  const int connected = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int why = errno;
  close(probe);
  // A full backlog (EAGAIN) is an answer too: somebody is there.
  if (connected == 0 || why != ECONNREFUSED) {
    return absl::FailedPreconditionError(
        fmt::format("somebody answers on {} already; is another gateway running?", path));
  }
  if (unlink(path.c_str()) != 0) return SystemError("remove the stale socket", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSocketPath(const std::string& path) {
  if (path.size() <= kPathBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the socket path {} has {} bytes, and the system allows {}; choose a shorter one "
                  "with --socket",
                  path, path.size(), kPathBytesMax));
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(const std::string& path) {
  HF_RETURN_IF_ERROR(CheckSocketPath(path));
  HF_RETURN_IF_ERROR(PrepareDirectory(std::filesystem::path(path).parent_path().string()));
  HF_RETURN_IF_ERROR(RemoveStale(path));

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return SystemError("make a socket for", path);
  const sockaddr_un address = AddressOf(path);
  // Nobody can connect between bind and chmod: a socket refuses until it listens.
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0600) != 0 || listen(fd, kBacklog) != 0) {
    absl::Status status = SystemError("listen on", path);
    close(fd);
    return status;
  }
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) {
    absl::Status status = SystemError("make a wake-up for", path);
    close(fd);
    return status;
  }
  return std::unique_ptr<Listener>(new Listener(path, fd, wake));
}

Listener::Listener(std::string path, int fd, int wake)
    : path_(std::move(path)), fd_(fd), wake_(wake) {
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0) inode_ = status.st_ino;
}

Listener::~Listener() {
  Close();
  close(wake_);
}

void Listener::Accept(ConnectionHandler handler, RefusalObserver refused) {
  handler_ = std::move(handler);
  refused_ = std::move(refused);
  thread_ = std::thread([this] { Run(); });
}

void Listener::Run() {
  std::array<pollfd, 2> wanted = {pollfd{fd_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
  while (true) {
    if (poll(wanted.data(), wanted.size(), -1) < 0) continue;  // EINTR is all it can be
    if (wanted[1].revents != 0) return;
    const int connection = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        poll(&wanted[1], 1, kExhaustedRestMs);
      }
      continue;
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
      close(connection);
      continue;
    }
    if (peer.uid != geteuid()) {
      close(connection);
      refused_(peer.uid);
      continue;
    }
    handler_(connection);
  }
}

void Listener::Close() {
  if (fd_ < 0) return;
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    // An eventfd that is full is readable as well, so a failed write wakes all the same.
    static_cast<void>(!write(wake_, &one, sizeof one));
    thread_.join();
  }
  close(fd_);
  fd_ = -1;
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace holdfast::gateway
