// SPDX-License-Identifier: Apache-2.0
//
// The processes below the supervisor. It is their subreaper, so whatever loses its parent becomes
// its own child: killing one's own unreaped children, again and again until there are none, reaches
// every descendant and can never hit a stranger whose pid was given out anew.
#pragma once

#include <sys/types.h>

namespace holdfast::drivers::process::supervisor {

// Field 22 of /proc/<pid>/stat; 0 when it is gone.
unsigned long long StartTime(pid_t pid);

// Asks the workload to end. `main` is our direct, unreaped child and leads its group.
void TerminateGroup(pid_t main, bool tty);

// The same when `main` is bubblewrap: what runs in its pid namespace is asked, bubblewrap is not,
// for it would take everything down at once.
// False: nothing runs in there yet; ask again.
bool TerminateInside(pid_t main, bool tty);

// Kills all descendants and reaps them. `on_reaped` learns of each. Returns when there are none
// left.
void KillTree(void (*on_reaped)(pid_t pid, int status, void* context), void* context);

}  // namespace holdfast::drivers::process::supervisor
