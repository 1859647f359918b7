// SPDX-License-Identifier: Apache-2.0
//
// Runs the test that is running once more in a process of its own, with another environment: how a
// test gets a process that it may have killed. Failpoints are read from the environment once, so
// that forking alone would not arm them.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>

namespace holdfast::testing {

// The value that the parent set, or nullptr: this process is the parent.
inline const char* InRerun(const char* variable) { return std::getenv(variable); }

// As from waitpid. The child runs the current test alone, with these variables added.
inline int RerunThisTest(const std::map<std::string, std::string>& environment) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string filter =
      std::string("--gtest_filter=") + test->test_suite_name() + "." + test->name();
  const pid_t child = fork();
  if (child == 0) {
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    // A parent under test of its own output must not see the child's report.
    unsetenv("GTEST_OUTPUT");
    execl("/proc/self/exe", "rerun", filter.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = -1;
  if (child > 0) waitpid(child, &status, 0);
  return status;
}

// Ends a rerun: the child never goes on into the parent's part of the test.
[[noreturn]] inline void EndRerun(bool ok) { _exit(ok ? 0 : 1); }

inline bool WasKilled(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }
inline bool EndedWell(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

}  // namespace holdfast::testing
