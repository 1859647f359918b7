// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "tests/e2e/eventually.h"

namespace holdfast::e2e {
namespace {

std::vector<std::string> EnvironmentWith(const std::map<std::string, std::string>& added) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("HOLDFAST_") || text.starts_with("XDG_")) continue;
    if (added.contains(std::string(text.substr(0, text.find('='))))) continue;
    environment.emplace_back(text);
  }
  for (const auto& [name, value] : added) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Child::Child(const std::vector<std::string>& argv,
             const std::map<std::string, std::string>& environment, std::string out_path,
             std::string err_path)
    : out_path_(std::move(out_path)), err_path_(std::move(err_path)) {
  std::vector<std::string> words = argv;
  std::vector<std::string> variables = EnvironmentWith(environment);
  std::vector<char*> word_pointers = Pointers(words);
  std::vector<char*> variable_pointers = Pointers(variables);
  const int out = open(out_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int err = open(err_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || err < 0 || in < 0) {
    std::perror("open");
    std::abort();
  }
  pid_ = fork();
  if (pid_ == 0) {
    // This process has threads: from here to execve only what a signal handler may call.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve(word_pointers[0], word_pointers.data(), variable_pointers.data());
    _exit(127);
  }
  close(out);
  close(err);
  close(in);
  if (pid_ < 0) {
    std::perror("fork");
    std::abort();
  }
}

Child::~Child() {
  if (!Running()) return;
  Signal(SIGKILL);
  static_cast<void>(Wait(std::chrono::seconds(10)));
}

bool Child::Running() {
  if (ending_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  Ending ending;
  if (WIFEXITED(status)) ending.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ending.signal = WTERMSIG(status);
  ending_ = ending;
  return false;
}

void Child::Signal(int signal) {
  // Its pid cannot be anybody else's: it has not been waited for.
  if (!ending_) kill(pid_, signal);
}

std::optional<Ending> Child::Wait(std::chrono::milliseconds most) {
  Eventually([this] { return !Running(); }, most);
  return ending_;
}

std::string Child::Out() const { return ReadFile(out_path_); }
std::string Child::Err() const { return ReadFile(err_path_); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace holdfast::e2e
