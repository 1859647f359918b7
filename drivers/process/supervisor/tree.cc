// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/supervisor/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace holdfast::drivers::process::supervisor {
namespace {

struct Stat {
  pid_t pid = 0, parent = 0, group = 0;
  unsigned long long start_time = 0;
};

bool ReadStat(pid_t pid, Stat& stat) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[1024];
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return false;
  text[got] = '\0';
  const char* rest = std::strrchr(text, ')');  // the name before it may hold anything
  if (rest == nullptr) return false;
  char state = 0;
  stat.pid = pid;
  // Fields 3 to 5, then 22 of proc(5).
  return std::sscanf(
             rest + 1,
             " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &state, &stat.parent, &stat.group, &stat.start_time) == 4;
}

std::vector<Stat> AllProcesses() {
  std::vector<Stat> all;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return all;
  while (const dirent* entry = readdir(proc)) {
    char* end = nullptr;
    const long pid = std::strtol(entry->d_name, &end, 10);
    Stat stat;
    if (*end == '\0' && pid > 0 && ReadStat(static_cast<pid_t>(pid), stat)) all.push_back(stat);
  }
  closedir(proc);
  return all;
}

void SignalExactly(const Stat& target, int signal) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, target.pid, 0));
  if (fd < 0) return;
  Stat now;
  if (ReadStat(target.pid, now) && now.start_time == target.start_time &&
      now.parent == target.parent) {
    syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0);
  }
  close(fd);
}

// SIGHUP because an interactive shell ignores SIGTERM; SIGCONT because a stopped process hears
// nothing.
void ForEachAsk(bool tty, void (*send)(int signal, const void* context), const void* context) {
  send(SIGTERM, context);
  if (tty) send(SIGHUP, context);
  send(SIGCONT, context);
}

}  // namespace

unsigned long long StartTime(pid_t pid) {
  Stat stat;
  return ReadStat(pid, stat) ? stat.start_time : 0;
}

void TerminateGroup(pid_t main, bool tty) {
  ForEachAsk(
      tty, [](int signal, const void* group) { kill(-*static_cast<const pid_t*>(group), signal); },
      &main);
}

bool TerminateInside(pid_t main, bool tty) {
  const std::vector<Stat> all = AllProcesses();
  pid_t init = 0;  // bubblewrap's pid 1 of the namespace
  for (const Stat& one : all) {
    if (one.parent == main) init = one.pid;
  }
  bool asked = false;
  for (const Stat& one : all) {
    if (init == 0 || one.parent != init) continue;
    asked = true;
    ForEachAsk(
        tty,
        [](int signal, const void* target) {
          SignalExactly(*static_cast<const Stat*>(target), signal);
        },
        &one);
  }
  return asked;
}

void KillTree(void (*on_reaped)(pid_t pid, int status, void* context), void* context) {
  while (true) {
    for (const Stat& one : AllProcesses()) {
      // Unreaped children of ours, so the pid is theirs until we wait for them below.
      if (one.parent == getpid()) kill(one.pid, SIGKILL);
    }
    while (true) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid > 0) {
        on_reaped(pid, status, context);
        continue;
      }
      if (pid < 0 && errno == ECHILD) return;
      break;
    }
    // What was killed takes a moment to die, and its children a moment to become ours.
    poll(nullptr, 0, 2);
  }
}

}  // namespace holdfast::drivers::process::supervisor
