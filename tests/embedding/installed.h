// SPDX-License-Identifier: Apache-2.0
//
// A Holdfast that was installed into a directory of the test's own, and commands that see nothing
// else of it: no path of the source or build tree is given to them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace holdfast::testing {

struct Ran {
  int status = 0;      // as a shell says it: 128 and the signal for who was killed
  std::string output;  // standard output and error
};

// Runs a shell command.
Ran Execute(const std::string& command);

// The whole file.
std::string Read(const std::filesystem::path& path);

class Installed : public ::testing::Test {
 protected:
  // `cmake --install` of one component, into prefix(). Environment goes before the command.
  void Install(const std::string& component, const std::string& environment = "");

  std::filesystem::path prefix() const { return directory_.path() / "prefix"; }
  std::filesystem::path library_dir() const { return prefix() / HOLDFAST_INSTALL_LIBDIR; }
  std::filesystem::path include_dir() const { return prefix() / "include"; }

  // A command that finds the installed Holdfast by pkg-config, CMake and the dynamic linker.
  std::string With(const std::string& command) const;

  // Copies an example out of the source tree. Returns where it is now.
  std::filesystem::path Copy(const std::string& example) const;

  // Files and links below `root`, relative to it, in order.
  static std::vector<std::string> FilesBelow(const std::filesystem::path& root);

  const TempDir directory_;
};

}  // namespace holdfast::testing
