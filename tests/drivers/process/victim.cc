// SPDX-License-Identifier: Apache-2.0
//
// holdfast_process_victim STATE_DIR ISOLATION SCRIPT ACTION…: does the actions to the sandbox
// "victim" one after the other, and then kills itself with SIGKILL, or earlier, at the failpoint
// that its environment names. Whatever it leaves is for its parent to find.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "drivers/process/driver.h"
#include "tests/conformance/driver_caller.h"

int main(int argc, char** argv) {
  using namespace holdfast;  // NOLINT
  if (argc < 4) return 2;
  const bool bubblewrap = std::string(argv[2]) == "bubblewrap";
  auto driver = drivers::process::MakeProcessDriver(
      {.state_dir = argv[1],
       .supervisor = "",
       .isolation = bubblewrap ? drivers::process::Isolation::kBubblewrap
                               : drivers::process::Isolation::kNone,
       .journal_id = "test"});
  if (!driver.ok()) return 3;
  model::SandboxSpec spec;
  spec.command = {"/bin/sh", "-c", argv[3]};
  const conformance::Subject subject = conformance::MakeSubject(**driver, "victim", spec);
  for (int i = 4; i < argc; ++i) {
    const model::Outcome outcome = conformance::Perform(**driver, subject, argv[i]);
    if (outcome.verdict != model::Verdict::kDone) {
      std::fprintf(stderr, "%s: %s\n", argv[i], outcome.message.c_str());
      return 4;
    }
  }
  kill(getpid(), SIGKILL);
  pause();
}
