// SPDX-License-Identifier: Apache-2.0
//
// A program that a test runs: started with its own environment, its output in two files (pipes
// would be inherited by what it leaves behind), and killed with the test if the test dies first.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::e2e {

struct Ending {
  int exit_code = -1;  // -1: it was killed
  int signal = 0;      // 0: it ended by itself
};

class Child {
 public:
  // `environment` is added to the test's own, which is stripped of whatever Holdfast would read.
  // Aborts when there is no such program: no test could go on.
  Child(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
        std::string out_path, std::string err_path);
  ~Child();  // kills it when it still runs
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int signal);
  // Unset when it still runs after `most`.
  std::optional<Ending> Wait(std::chrono::milliseconds most);

  std::string Out() const;
  std::string Err() const;

 private:
  std::string out_path_, err_path_;
  pid_t pid_ = -1;
  std::optional<Ending> ending_;
};

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& text);

}  // namespace holdfast::e2e
