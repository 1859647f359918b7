// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "drivers/process/launch_format.h"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

// Above all of LaunchFd, so that putting one into its place never overwrites another.
constexpr int kSafeFd = 32;

absl::StatusOr<Fd> CopyAbove(int fd) {
  Fd copy(fcntl(fd, F_DUPFD_CLOEXEC, kSafeFd));
  if (!copy) return SystemError("copy a descriptor", errno);
  return copy;
}

absl::StatusOr<Fd> MemoryFile(const char* name, std::string_view content) {
  const Fd file(memfd_create(name, MFD_CLOEXEC));
  if (!file) return SystemError("memfd_create", errno);
  while (!content.empty()) {
    const ssize_t put = write(file.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return SystemError("write to memory", errno);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return SystemError("lseek", errno);
  return CopyAbove(file.get());
}

void Add(std::string& texts, std::string_view text) {
  texts.append(text);
  texts.push_back('\0');
}

std::string LaunchBytes(const LaunchTexts& launch) {
  std::string texts;
  for (const std::string_view text :
       {std::string_view(kLaunchVersion), std::string_view(launch.sandbox),
        std::string_view(launch.generation), std::string_view(launch.key),
        std::string_view(launch.owner), std::string_view(launch.mode),
        std::string_view(launch.tty ? "1" : "0"), std::string_view(launch.executable)}) {
    Add(texts, text);
  }
  Add(texts, std::to_string(launch.argv.size()));
  for (const std::string& word : launch.argv) Add(texts, word);
  Add(texts, std::to_string(launch.env.size()));
  for (const auto& [name, value] : launch.env) Add(texts, fmt::format("{}={}", name, value));
  return texts;
}

}  // namespace

absl::StatusOr<Fd> SpawnSupervisor(const std::string& supervisor, const LaunchTexts& launch,
                                   int directory, int lock) {
  std::string arguments;
  for (const std::string& word : launch.bubblewrap_arguments) Add(arguments, word);
  int fds[2];
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) return SystemError("pipe", errno);
  Fd ready(fds[0]);
  const Fd ready_end(fds[1]);
  HF_ASSIGN_OR_RETURN(const Fd lock_copy, CopyAbove(lock));
  HF_ASSIGN_OR_RETURN(const Fd ready_copy, CopyAbove(ready_end.get()));
  HF_ASSIGN_OR_RETURN(const Fd launch_file, MemoryFile("holdfast-launch", LaunchBytes(launch)));
  HF_ASSIGN_OR_RETURN(const Fd directory_copy, CopyAbove(directory));
  HF_ASSIGN_OR_RETURN(const Fd arguments_file, MemoryFile("holdfast-arguments", arguments));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_adddup2(&actions, 0, 2);
  posix_spawn_file_actions_adddup2(&actions, lock_copy.get(), kLockFd);
  posix_spawn_file_actions_adddup2(&actions, ready_copy.get(), kReadyFd);
  posix_spawn_file_actions_adddup2(&actions, launch_file.get(), kLaunchFd);
  posix_spawn_file_actions_adddup2(&actions, directory_copy.get(), kDirectoryFd);
  posix_spawn_file_actions_adddup2(&actions, arguments_file.get(), kArgumentsFd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(
      &attributes,
      static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);

  std::array<std::string, 2> words = {supervisor, "--inherited"};
  std::array<char*, 3> argv = {words[0].data(), words[1].data(), nullptr};
  std::array<char*, 1> env = {nullptr};
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, supervisor.c_str(), &actions, &attributes, argv.data(), env.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return SystemError(fmt::format("start {}", supervisor), error);
  // It forks at once and the first process ends; what lives on is a child of nobody here.
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return ready;
}

}  // namespace holdfast::drivers::process
