// SPDX-License-Identifier: Apache-2.0
//
// The gateway's front door: a Unix socket that only the gateway's own user can come through. Its
// directory is private, its file is 0600, and the uid of every peer is checked again when it
// connects, since a file's mode says who may open it and the peer's credentials say who did.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::gateway {

// InvalidArgument when the path does not fit into a socket address.
absl::Status CheckSocketPath(const std::string& path);

class Listener {
 public:
  // Takes over an accepted, non-blocking connection.
  using ConnectionHandler = std::function<void(int fd)>;
  // Told of a peer that was turned away.
  using RefusalObserver = std::function<void(unsigned peer_uid)>;

  // Makes the directory (0700) if it is absent, removes a socket file that nobody answers on, binds
  // and listens. Nobody is accepted before Accept. Errors: InvalidArgument     the path is too long
  //         FailedPrecondition  the directory is not a directory, not ours, or others may write to
  //         it;
  //                             the path is taken by something that is not a dead socket of ours
  //         Unavailable         the operating system refused
  static absl::StatusOr<std::unique_ptr<Listener>> Open(const std::string& path);

  // Closes, and removes the file if it is still ours.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // From now on connections are accepted on a thread of their own. Called once.
  void Accept(ConnectionHandler handler, RefusalObserver refused);
  // Nobody is accepted any more; the file is removed. Idempotent.
  void Close();

  const std::string& path() const { return path_; }

 private:
  Listener(std::string path, int fd, int wake);
  void Run();

  const std::string path_;
  int fd_;
  int wake_;
  unsigned long inode_ = 0;  // of the file that we bound: another's file is not ours to remove
  ConnectionHandler handler_;
  RefusalObserver refused_;
  std::thread thread_;
};

}  // namespace holdfast::gateway
