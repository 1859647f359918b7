// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "drivers/process/files.h"
#include "drivers/process/text.h"
#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

constexpr int kProbeMillis = 2'000;

// Runs it with nothing to read and its complaints caught. The first line it wrote, "" when it ended
// with 0.
absl::StatusOr<std::string> RunProbe(std::vector<std::string> command) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return SystemError("pipe", errno);
  const Fd from(fds[0]);
  Fd to(fds[1]);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<char*, 1> env{nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, to.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, to.get(), 2);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), env.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return SystemError(fmt::format("run {}", command[0]), error);
  to.Close();

  const Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{pidfd.get(), POLLIN, 0};
  const bool in_time = poll(&ended, 1, kProbeMillis) == 1;
  if (!in_time) kill(pid, SIGKILL);  // our own, unreaped child
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return SystemError("waitpid", errno);
  if (!in_time) return fmt::format("it did not end within {} ms", kProbeMillis);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::string();
  std::array<char, 256> said{};
  fcntl(from.get(), F_SETFL, O_NONBLOCK);
  const ssize_t got = read(from.get(), said.data(), said.size());
  std::string line(said.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  line = line.substr(0, line.find('\n'));
  return line.empty() ? std::string("it failed and did not say why") : line;
}

bool IsExecutable(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

}  // namespace

absl::StatusOr<IsolationFound> FindIsolation(Isolation wanted) {
  if (wanted == Isolation::kNone) {
    IsolationFound none;
    none.why = "the configuration asks for no isolation";
    return none;
  }
  IsolationFound found;
  const absl::StatusOr<std::string> executable = FindExecutable("bwrap", kDefaultPath);
  if (!executable.ok()) {
    found.why = "bubblewrap (bwrap) is not installed";
  } else {
    std::vector<std::string> command = {*executable};
    for (std::string& word : BubblewrapArguments({}, "", "", "", {}))
      command.push_back(std::move(word));
    command.insert(command.end(), {"--", "/bin/true"});
    const absl::StatusOr<std::string> complaint = RunProbe(std::move(command));
    if (!complaint.ok()) {
      found.why = fmt::format("{} could not be tried: {}", *executable,
                              std::string(complaint.status().message()));
    } else if (!complaint->empty()) {
      found.why = fmt::format("{} does not work here: {}", *executable, *complaint);
    } else {
      found.bubblewrap = true;
      found.executable = *executable;
      found.why = fmt::format("{} was tried and works", *executable);
    }
  }
  if (wanted == Isolation::kBubblewrap && !found.bubblewrap) {
    return absl::FailedPreconditionError(
        fmt::format("isolation by bubblewrap is required, but {}", found.why));
  }
  return found;
}

std::vector<std::string> BubblewrapArguments(const std::vector<std::string>& hidden,
                                             const std::string& state_dir, const std::string& work,
                                             const std::string& secrets,
                                             const std::map<std::string, std::string>& env) {
  std::vector<std::string> arguments = {"--die-with-parent",
                                        "--unshare-pid",
                                        "--unshare-ipc",
                                        "--cap-drop",
                                        "ALL",  //
                                        "--ro-bind",
                                        "/",
                                        "/",
                                        "--dev",
                                        "/dev",
                                        "--proc",
                                        "/proc",
                                        "--tmpfs",
                                        "/tmp"};
  // Before the state directory, which may lie in one of them.
  for (const std::string& directory : hidden) {
    arguments.insert(arguments.end(), {"--tmpfs", directory});
  }
  if (!work.empty()) {
    arguments.insert(arguments.end(),
                     {"--tmpfs", state_dir, "--bind", work, work, "--chdir", work});
  }
  if (!secrets.empty()) arguments.insert(arguments.end(), {"--ro-bind", secrets, secrets});
  arguments.emplace_back("--clearenv");
  for (const auto& [name, value] : env) {
    arguments.insert(arguments.end(), {"--setenv", name, value});
  }
  return arguments;
}

absl::StatusOr<std::string> FindExecutable(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) {
    if (!name.starts_with('/')) {
      return absl::FailedPreconditionError(fmt::format(
          "the command \"{}\" is relative to a directory that does not exist yet; give an absolute "
          "path, or a name that is looked up in PATH",
          name));
    }
    if (IsExecutable(name)) return name;
    return absl::FailedPreconditionError(
        fmt::format("the command \"{}\" does not exist on this host or is not an executable file; "
                    "install it or name another one",
                    name));
  }
  for (const std::string_view directory : Split(path, ':')) {
    if (!directory.starts_with('/')) continue;  // relative to nowhere
    std::string candidate = fmt::format("{}/{}", directory, name);
    if (IsExecutable(candidate)) return candidate;
  }
  return absl::FailedPreconditionError(
      fmt::format("the command \"{}\" is not found in PATH ({}) on this host; install it, give an "
                  "absolute path, or set PATH in the environment",
                  name, path));
}

}  // namespace holdfast::drivers::process
