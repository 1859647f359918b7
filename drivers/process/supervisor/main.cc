// SPDX-License-Identifier: Apache-2.0
//
// holdfast-process-supervisor: stands over the workload of one sandbox while drivers come and go.
// Started by the process driver only (see drivers/process/launch_format.h). It promises:
//   - the lock it inherited is held for as long as it lives, so one sandbox never has two of it;
//   - who it is (supervisor.json) is on disk before the workload runs one instruction;
//   - when the workload's main process ends, everything it started is dead before exit.json is
//     written, and exit.json is on disk before the supervisor goes;
//   - when it is itself killed, the workload's main process dies with it.
// SIGTERM is passed on to the workload; SIGUSR1 kills all of it at once.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "drivers/process/launch_format.h"
#include "drivers/process/supervisor/launch.h"
#include "drivers/process/supervisor/output.h"
#include "drivers/process/supervisor/report.h"
#include "drivers/process/supervisor/tree.h"

namespace holdfast::drivers::process::supervisor {
namespace {

// Of output copied before signals are looked at again.
constexpr std::size_t kCopyBytesMax = std::size_t{1} << 20;
// Bubblewrap needs some milliseconds before anything runs in it that could be asked to end.
constexpr int kAskAgainMillis = 10;

void Tell(const std::string& word) {
  // The driver may be gone; then nobody needs to be told.
  [[maybe_unused]] const ssize_t ignored = write(kReadyFd, word.data(), word.size());
}

struct Pipe {
  int read = -1, write = -1;
};

bool MakePipe(Pipe& made) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return false;
  made = {fds[0], fds[1]};
  return true;
}

// The workload's side, and ours, of its output.
struct Output {
  int ours = -1, theirs = -1;
};

bool MakeOutput(bool tty, Output& output) {
  if (!tty) {
    Pipe made;
    if (!MakePipe(made)) return false;
    output = {made.read, made.write};
  } else {
    output.ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[128];
    if (output.ours < 0 || grantpt(output.ours) != 0 || unlockpt(output.ours) != 0 ||
        ptsname_r(output.ours, name, sizeof name) != 0) {
      return false;
    }
    output.theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (output.theirs < 0) return false;
  }
  return fcntl(output.ours, F_SETFL, O_NONBLOCK) == 0;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child: everything up to the execution. Sends errno through `failed` when it does not
// happen.
[[noreturn]] void BecomeWorkload(Launch& launch, pid_t parent, const Output& output, const Pipe& go,
                                 const Pipe& failed) {
  close(go.write);
  close(failed.read);
  const auto fail = [&] {
    const int error = errno;
    [[maybe_unused]] const ssize_t ignored = write(failed.write, &error, sizeof error);
    _exit(127);
  };
  // Death of the supervisor is death of the workload; it may have died before we asked for that.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail();
  if (getppid() != parent) _exit(127);
  setsid();
  int input = -1;
  if (launch.tty) {
    if (ioctl(output.theirs, TIOCSCTTY, 0) != 0) fail();
    input = output.theirs;
  } else {
    input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  const int work =
      openat(kDirectoryFd, kWorkDirectory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (work < 0 || fchdir(work) != 0) fail();
  if (dup2(input, 0) < 0 || dup2(output.theirs, 1) < 0 || dup2(output.theirs, 2) < 0) fail();
  // Wait until who we are is on disk. The end of the pipe instead of a word: never run.
  char word = 0;
  ssize_t got = 0;
  while ((got = read(go.read, &word, 1)) < 0 && errno == EINTR) {
  }
  if (got != 1) _exit(127);

  if (launch.mode == kModeBubblewrap && fcntl(kArgumentsFd, F_SETFD, 0) != 0) fail();
  umask(022);
  struct sigaction normal {};
  normal.sa_handler = SIG_DFL;
  sigaction(SIGPIPE, &normal, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const std::vector<char*> argv = Pointers(launch.argv);
  const std::vector<char*> env = Pointers(launch.env);
  execve(launch.executable.c_str(), argv.data(), env.data());
  fail();
  _exit(127);
}

// What is known of the workload's main process.
struct Main {
  pid_t pid = 0;
  bool ended = false;
  int status = 0;
};

void NoteReaped(pid_t pid, int status, void* context) {
  Main& main = *static_cast<Main*>(context);
  if (pid != main.pid) return;
  main.ended = true;
  main.status = status;
}

// Until the main process has ended. Then the rest of the tree is killed.
void StandOver(const Launch& launch, int signals, int output_fd, OutputLog& log, Main& main) {
  bool output_open = true;
  bool ask_inside = false;  // owed: bubblewrap was still making its namespace
  while (!main.ended) {
    pollfd waits[2] = {{signals, POLLIN, 0}, {output_open ? output_fd : -1, POLLIN, 0}};
    if (poll(waits, 2, ask_inside ? kAskAgainMillis : -1) < 0) continue;
    if (waits[1].revents != 0) {
      output_open = log.CopyFrom(output_fd, kCopyBytesMax);
    }
    signalfd_siginfo got{};
    while (read(signals, &got, sizeof got) == sizeof got) {
      if (got.ssi_signo == SIGTERM && launch.mode == kModeBubblewrap) {
        ask_inside = true;
      } else if (got.ssi_signo == SIGTERM) {
        TerminateGroup(main.pid, launch.tty);
      } else if (got.ssi_signo == SIGUSR1) {
        KillTree(NoteReaped, &main);
      }
    }
    if (ask_inside && !main.ended) ask_inside = !TerminateInside(main.pid, launch.tty);
    int status = 0;
    while (!main.ended) {
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid <= 0) break;
      NoteReaped(pid, status, &main);
    }
  }
  KillTree(NoteReaped, &main);
  log.CopyFrom(output_fd, kCopyBytesMax);
}

int Run(Launch& launch) {
  OutputLog log(kDirectoryFd);
  Output output;
  Pipe go, failed;
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGCHLD, SIGTERM, SIGUSR1, SIGHUP, SIGINT}) sigaddset(&handled, signal);
  sigprocmask(SIG_SETMASK, &handled, nullptr);
  const int signals = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signals < 0 || !MakeOutput(launch.tty, output) || !MakePipe(go) || !MakePipe(failed)) {
    Tell(std::string("Ethe supervisor has no descriptors or terminals left: ") + strerror(errno));
    return 1;
  }

  const pid_t self = getpid();
  Main main;
  main.pid = fork();
  if (main.pid == 0) BecomeWorkload(launch, self, output, go, failed);
  if (main.pid < 0) {
    Tell(std::string("Efork: ") + strerror(errno));
    return 1;
  }
  close(go.read);
  close(failed.write);
  close(output.theirs);
  close(kArgumentsFd);
  // 1. Die before this is on disk: the child never runs (its pipe ends), nothing to find.
  // 2. Die after it: the child is killed with us, and the file says whom to look for.
  if (!WriteSupervisor(kDirectoryFd, launch, main.pid)) {
    const std::string why = strerror(errno);
    KillTree(NoteReaped, &main);
    Tell("Esupervisor.json cannot be written: " + why);
    return 1;
  }
  [[maybe_unused]] const ssize_t released = write(go.write, "g", 1);
  close(go.write);

  int error = 0;
  ssize_t got = 0;
  while ((got = read(failed.read, &error, sizeof error)) < 0 && errno == EINTR) {
  }
  close(failed.read);
  if (got == static_cast<ssize_t>(sizeof error)) {
    KillTree(NoteReaped, &main);
    const std::string why = launch.executable + " cannot be executed: " + strerror(error);
    WriteNeverRan(kDirectoryFd, launch, why);
    Tell("E" + why);
    return 1;
  }
  Tell("R");
  close(kReadyFd);
  StandOver(launch, signals, output.ours, log, main);
  return WriteExit(kDirectoryFd, launch, main.status) ? 0 : 1;
}

}  // namespace
}  // namespace holdfast::drivers::process::supervisor

int main(int argc, char** argv) {
  using namespace holdfast::drivers::process;              // NOLINT
  using namespace holdfast::drivers::process::supervisor;  // NOLINT
  Launch launch;
  if (argc != 2 || std::string(argv[1]) != "--inherited" || !ReadLaunch(kLaunchFd, launch)) {
    fprintf(stderr, "%s is started by Holdfast's process driver, not by hand.\n", argv[0]);
    return 2;
  }
  // The driver waits for this first process only; what follows belongs to nobody.
  const pid_t child = fork();
  if (child != 0) _exit(child > 0 ? 0 : 1);
  close_range(kArgumentsFd + 1, ~0U, 0);
  for (int fd = kLockFd; fd <= kArgumentsFd; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
  signal(SIGPIPE, SIG_IGN);  // NOLINT: the reader of the ready pipe may be dead
  umask(077);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || chdir("/") != 0) return 1;
  return Run(launch);
}
