// SPDX-License-Identifier: Apache-2.0
#include "tests/statemachine/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace holdfast::tests {
namespace {

std::string Absolute(std::string_view path_from_root) {
  return std::string(HOLDFAST_SOURCE_DIR) + "/" + std::string(path_from_root);
}

}  // namespace

bool RewritingGolden() {
  const char* value = std::getenv("HOLDFAST_REWRITE_GOLDEN");
  return value != nullptr && std::string_view(value) == "1";
}

std::string ReadSourceFile(std::string_view path_from_root) {
  std::ifstream file(Absolute(path_from_root), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void ExpectGolden(std::string_view path_from_root, const std::string& text) {
  if (RewritingGolden()) {
    std::ofstream file(Absolute(path_from_root), std::ios::binary | std::ios::trunc);
    file << text;
    EXPECT_TRUE(file.good()) << "cannot write " << path_from_root;
    return;
  }
  const std::string committed = ReadSourceFile(path_from_root);
  if (committed == text) return;
  std::istringstream was(committed);
  std::istringstream is(text);
  for (int number = 1;; ++number) {
    std::string old_line;
    std::string new_line;
    const bool more_old = static_cast<bool>(std::getline(was, old_line));
    const bool more_new = static_cast<bool>(std::getline(is, new_line));
    if (old_line == new_line && more_old && more_new) continue;
    ADD_FAILURE() << path_from_root << ":" << number << " differs from what the code generates.\n"
                  << "  committed: " << (more_old ? old_line : "(end of file)") << "\n"
                  << "  generated: " << (more_new ? new_line : "(end of file)") << "\n"
                  << "If the change is meant, run again with HOLDFAST_REWRITE_GOLDEN=1.";
    return;
  }
}

}  // namespace holdfast::tests
