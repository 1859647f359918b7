// SPDX-License-Identifier: Apache-2.0
//
// Runs something in a child process and interferes with the n-th system call by which it changes
// files: kills it there, or lets the call fail. Sweeping over n stops it everywhere, whatever it
// and SQLite do in between, without a line of the code under test knowing of it. By ptrace, on
// x86-64.
#pragma once

#include <functional>

namespace holdfast::testing {

struct Interference {
  int at = 0;     // the n-th call, from 1; 0: none
  int error = 0;  // of the call, which then does nothing; 0: the child is killed instead of it
};

struct Interfered {
  int calls = 0;        // that change files, made or prevented
  bool killed = false;  // by us
  int exit_code = -1;   // what `work` returned, unless it was killed
};

// Forks: REQUIRES that the caller has no other thread. `work` runs in the child.
Interfered RunInterfered(const std::function<int()>& work, Interference interference);

// Some sandboxes forbid it.
bool CanTrace();

}  // namespace holdfast::testing
