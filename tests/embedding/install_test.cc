// SPDX-License-Identifier: Apache-2.0
//
// Where `cmake --install` puts what, and that it can be used from there and from anywhere else.
#include <algorithm>
#include <fstream>
#include <regex>
#include <set>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "tests/embedding/installed.h"
#include "tests/support/require.h"

namespace holdfast::testing {
namespace {

using ::testing::Contains;
using ::testing::IsSubsetOf;
using ::testing::Not;
using InstallTest = Installed;

std::string InLibraryDir(const std::string& file) {
  return fmt::format("{}/{}", HOLDFAST_INSTALL_LIBDIR, file);
}

TEST_F(InstallTest, GivesCTheLibraryTheHeaderAndBothPackageFiles) {
  Install("journal_c");

  EXPECT_THAT(
      (std::vector<std::string>{
          "include/holdfast/journal.h", InLibraryDir("libholdfast_journal.so"),
          InLibraryDir("libholdfast_journal.so.0"), InLibraryDir("pkgconfig/holdfast-journal.pc"),
          InLibraryDir("cmake/holdfast/holdfast-config.cmake"),
          InLibraryDir("cmake/holdfast/holdfast-config-version.cmake"),
          "share/holdfast/proto/holdfast/journal/v1/journal.proto"}),
      IsSubsetOf(FilesBelow(prefix())));
}

TEST_F(InstallTest, GivesCNothingOfCPlusPlus) {
  Install("journal_c");

  EXPECT_EQ(FilesBelow(include_dir()), std::vector<std::string>{"holdfast/journal.h"});
  EXPECT_THAT(FilesBelow(prefix()), Not(Contains(InLibraryDir("libholdfast_journal_cpp.a"))));
}

TEST_F(InstallTest, GivesCPlusPlusHeadersUnderOneName) {
  Install("journal");

  EXPECT_THAT((std::vector<std::string>{"holdfast/journal/journal.h", "holdfast/journal/record.h",
                                        "holdfast/journal/v1/journal.pb.h"}),
              IsSubsetOf(FilesBelow(include_dir())));
  for (const std::string& file : FilesBelow(include_dir())) {
    EXPECT_EQ(file.rfind("holdfast/", 0), 0U) << file;
  }
}

TEST_F(InstallTest, PutsProgramsBesideEachOther) {
  HF_NEEDS("tools", HOLDFAST_HAS_TOOLS, "this build has no programs (HOLDFAST_TOOLS=OFF)");
  Install("programs");

  EXPECT_EQ(FilesBelow(prefix()),
            (std::vector<std::string>{"bin/holdfast", "bin/holdfast-gateway",
                                      "bin/holdfast-process-supervisor", "bin/journal-cli"}));
  EXPECT_EQ(Execute((prefix() / "bin/journal-cli").string() + " --help").status, 0);
}

TEST_F(InstallTest, GoesBelowDestdirAndKeepsThePrefix) {
  const std::filesystem::path stage = directory_.path() / "stage";

  Install("journal_c", "DESTDIR=" + stage.string());
  Install("journal", "DESTDIR=" + stage.string());

  EXPECT_FALSE(std::filesystem::exists(prefix()));
  const std::string below = prefix().relative_path().string();
  EXPECT_THAT(FilesBelow(stage), Contains(below + "/include/holdfast/journal.h"));
  EXPECT_THAT(FilesBelow(stage), Contains(below + "/include/holdfast/journal/journal.h"));
}

TEST_F(InstallTest, NamesNoPlaceOfTheBuildAndNoPrefix) {
  Install("journal_c");
  Install("journal");

  for (const std::string& file : FilesBelow(prefix())) {
    const std::string text = Read(prefix() / file);
    if (text.rfind("\x7f"
                   "ELF",
                   0) == 0 ||
        text.rfind("!<arch>", 0) == 0)
      continue;
    for (const std::string& place :
         {std::string(HOLDFAST_SOURCE_DIR), std::string(HOLDFAST_BUILD_DIR), prefix().string()}) {
      EXPECT_EQ(text.find(place), std::string::npos) << file << " names " << place;
    }
  }
}

TEST_F(InstallTest, EveryHeaderIsCompleteAlone) {
  Install("journal_c");
  Install("journal");

  for (const std::string& header : FilesBelow(include_dir())) {
    const Ran ran =
        Execute(fmt::format("echo '#include <{}>' | {} -std=c++20 -fsyntax-only -x c++ -I{} -",
                            header, HOLDFAST_CXX, include_dir().string()));
    EXPECT_EQ(ran.status, 0) << header << "\n" << ran.output;
  }
}

TEST_F(InstallTest, SharedLibraryShowsTheFunctionsOfItsHeaderAndNothingElse) {
  Install("journal_c");
  const std::string header = Read(include_dir() / "holdfast/journal.h");
  std::set<std::string> declared;
  const std::regex declaration(R"(^[a-z][\w \*]*[ \*](hf_\w+)\()", std::regex::multiline);
  for (std::sregex_iterator it(header.begin(), header.end(), declaration), end; it != end; ++it) {
    declared.insert((*it)[1]);
  }

  const Ran ran = Execute(fmt::format("nm -D --defined-only --format=posix {} | cut -d ' ' -f 1",
                                      (library_dir() / "libholdfast_journal.so.0").string()));

  std::set<std::string> exported;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) exported.insert(line);
  EXPECT_GT(declared.size(), 30U);
  EXPECT_EQ(exported, declared);
}

TEST_F(InstallTest, PackageForCNeedsNoOtherPackage) {
  Install("journal_c");
  const auto example = Copy("c");

  // Nothing that the journal was built with is found by this CMake run.
  const Ran ran = Execute(With(fmt::format(
      "cd {} && {} -S . -B build -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON "
      "-DCMAKE_DISABLE_FIND_PACKAGE_Protobuf=ON -DCMAKE_DISABLE_FIND_PACKAGE_SQLite3=ON",
      example.string(), HOLDFAST_CMAKE)));

  EXPECT_EQ(ran.status, 0) << ran.output;
}

class PackageVersion : public Installed {
 protected:
  // Whether a project that was written for `version` finds the package.
  bool IsFoundBy(const std::string& version, const std::string& component) {
    std::ofstream(directory_.path() / "CMakeLists.txt") << fmt::format(
        "cmake_minimum_required(VERSION 3.25)\nproject(asks LANGUAGES CXX C)\n"
        "find_package(holdfast {} REQUIRED COMPONENTS {})\n",
        version, component);
    const Ran ran = Execute(With(fmt::format("cd {} && rm -rf asked && {} -S . -B asked",
                                             directory_.path().string(), HOLDFAST_CMAKE)));
    EXPECT_TRUE(ran.status == 0 || ran.output.find("compatible with") != std::string::npos)
        << ran.output;
    return ran.status == 0;
  }
};

TEST_F(PackageVersion, OfCServesWhoWasWrittenForAnEarlierOne) {
  Install("journal_c");
  Install("journal");

  EXPECT_TRUE(IsFoundBy(HOLDFAST_VERSION, "journal_c"));
  EXPECT_TRUE(IsFoundBy("0.0.9", "journal_c"));
  EXPECT_FALSE(IsFoundBy("99.0", "journal_c"));
}

TEST_F(PackageVersion, OfCPlusPlusServesTheSameMinorOneOnly) {
  Install("journal");

  EXPECT_TRUE(IsFoundBy(HOLDFAST_VERSION, "journal"));
  EXPECT_FALSE(IsFoundBy("0.0.9", "journal"));
  EXPECT_FALSE(IsFoundBy("99.0", "journal"));
}

TEST_F(InstallTest, PackageThatLacksTheComponentIsNotFoundAndSaysSo) {
  Install("journal_c");
  const auto example = Copy("cpp");

  const Ran ran =
      Execute(With(fmt::format("cd {} && {} -S . -B build", example.string(), HOLDFAST_CMAKE)));

  EXPECT_NE(ran.status, 0);
  EXPECT_NE(ran.output.find("component journal is not installed"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace holdfast::testing
