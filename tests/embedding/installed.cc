// SPDX-License-Identifier: Apache-2.0
#include "tests/embedding/installed.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "fmt/format.h"

namespace holdfast::testing {

Ran Execute(const std::string& command) {
  Ran ran;
  std::FILE* pipe = popen(fmt::format("{{ {}\n}} 2>&1", command).c_str(), "r");
  if (pipe == nullptr) return {.status = -1, .output = "popen failed"};
  std::array<char, 4096> chunk;
  while (const std::size_t bytes = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
    ran.output.append(chunk.data(), bytes);
  }
  const int status = pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

std::string Read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void Installed::Install(const std::string& component, const std::string& environment) {
  const Ran ran =
      Execute(fmt::format("{} {} --install {} --component {} --prefix {}", environment,
                          HOLDFAST_CMAKE, HOLDFAST_BUILD_DIR, component, prefix().string()));
  ASSERT_EQ(ran.status, 0) << ran.output;
}

std::string Installed::With(const std::string& command) const {
  return fmt::format(
      "export PKG_CONFIG_PATH={0}/pkgconfig LD_LIBRARY_PATH={0} CMAKE_PREFIX_PATH={1} "
      "CC={2} CXX={3}; {4}",
      library_dir().string(), prefix().string(), HOLDFAST_CC, HOLDFAST_CXX, command);
}

std::filesystem::path Installed::Copy(const std::string& example) const {
  const std::filesystem::path to = directory_.path() / example;
  std::filesystem::copy(std::filesystem::path(HOLDFAST_SOURCE_DIR) / "examples" / example, to,
                        std::filesystem::copy_options::recursive);
  return to;
}

std::vector<std::string> Installed::FilesBelow(const std::filesystem::path& root) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(root).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace holdfast::testing
