// SPDX-License-Identifier: Apache-2.0
#include "tests/journal/system_calls.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>

namespace holdfast::testing {
namespace {

constexpr int kSystemCallStop = SIGTRAP | 0x80;  // with PTRACE_O_TRACESYSGOOD
constexpr int kCannotTrace = 77;

bool ChangesFiles(const user_regs_struct& registers) {
  switch (static_cast<long>(registers.orig_rax)) {
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_link:
    case SYS_linkat:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir:
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_chmod:
    case SYS_fchmod:
      return true;
    case SYS_open:
      return (registers.rsi & O_CREAT) != 0;
    case SYS_openat:
      return (registers.rdx & O_CREAT) != 0;
    default:
      return false;
  }
}

}  // namespace

Interfered RunInterfered(const std::function<int()>& work, Interference interference) {
  Interfered result;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kCannotTrace);
    ::raise(SIGSTOP);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) {
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  bool entered = false;
  bool prevented = false;
  std::intptr_t signal = 0;
  while (::ptrace(PTRACE_SYSCALL, child, nullptr, reinterpret_cast<void*>(signal)) == 0) {
    ::waitpid(child, &status, 0);
    signal = 0;
    if (WIFEXITED(status)) {
      result.exit_code = WEXITSTATUS(status);
      return result;
    }
    if (WIFSIGNALED(status)) return result;
    if (WSTOPSIG(status) != kSystemCallStop) {
      signal = WSTOPSIG(status);
      continue;
    }
    entered = !entered;
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, child, nullptr, &registers);
    if (!entered && prevented) {
      registers.rax = static_cast<unsigned long long>(-static_cast<long long>(interference.error));
      ::ptrace(PTRACE_SETREGS, child, nullptr, &registers);
      prevented = false;
    }
    if (!entered || !ChangesFiles(registers) || ++result.calls != interference.at) continue;
    if (interference.error == 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      result.killed = true;
      return result;
    }
    registers.orig_rax = static_cast<unsigned long long>(-1);  // no such call: the kernel skips it
    ::ptrace(PTRACE_SETREGS, child, nullptr, &registers);
    prevented = true;
  }
  return result;
}

bool CanTrace() {
  static const bool can = RunInterfered([] { return 0; }, {}).exit_code == 0;
  return can;
}

}  // namespace holdfast::testing
