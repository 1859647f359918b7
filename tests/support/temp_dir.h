// SPDX-License-Identifier: Apache-2.0
//
// A directory of a test's own, removed with everything in it when the test ends. Under TEST_TMPDIR
// or TMPDIR when set, else /tmp: the path stays short enough for a Unix socket inside it.
#pragma once

#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace holdfast::testing {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (Parent() / "holdfast-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      std::perror("mkdtemp");
      std::abort();  // no test can say anything without its directory
    }
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    if (error) {
      std::fprintf(stderr, "left behind: %s: %s\n", path_.c_str(), error.message().c_str());
    }
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // The path of something in it, which need not exist.
  std::string File(std::string_view name) const { return (path_ / name).string(); }

 private:
  static std::filesystem::path Parent() {
    for (const char* variable : {"TEST_TMPDIR", "TMPDIR"}) {
      if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') {
        return value;
      }
    }
    return "/tmp";
  }

  std::filesystem::path path_;
};

}  // namespace holdfast::testing
