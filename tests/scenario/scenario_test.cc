// SPDX-License-Identifier: Apache-2.0
//
// Every story in this directory, told anew and compared to the letter. HOLDFAST_REWRITE_GOLDEN=1
// rewrites the traces; do it only when you can explain every changed line.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/scenario/story.h"

namespace holdfast::scenario {
namespace {

std::vector<std::string> Stories() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(HOLDFAST_SCENARIO_DIR)) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "CMakeLists.txt") {
      names.push_back(entry.path().stem());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Scenario : public ::testing::TestWithParam<std::string> {};

TEST_P(Scenario, TracesAsTold) {
  const std::string path = std::string(HOLDFAST_SCENARIO_DIR) + "/" + GetParam() + ".txt";
  std::ifstream file(path);
  std::stringstream script;
  script << file.rdbuf();

  const std::string told = Tell(script.str());

  if (std::getenv("HOLDFAST_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << told;
  } else {
    EXPECT_EQ(told, script.str()) << "story: " << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Stories, Scenario, ::testing::ValuesIn(Stories()),
                         [](const auto& story) { return story.param; });

}  // namespace
}  // namespace holdfast::scenario
