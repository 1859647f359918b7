// SPDX-License-Identifier: Apache-2.0
//
// The examples, built with what is installed and run through one story: killed right before and
// right after the effect, they come back, look, and settle what is owed.
#include "fmt/format.h"
#include "tests/embedding/installed.h"
#include "tests/support/require.h"

namespace holdfast::testing {
namespace {

constexpr int kKilled = 128 + 9;

class Examples : public Installed {
 protected:
  void Build(const std::filesystem::path& example, const std::string& command) {
    const Ran ran = Execute(With(fmt::format("cd {} && {}", example.string(), command)));
    ASSERT_EQ(ran.status, 0) << ran.output;
  }

  void ExpectTheStory(const std::filesystem::path& program) {
    const auto gateway = [&](const std::string& arguments) {
      return Execute(With(fmt::format("exec {} {} {}", program.string(),
                                      (directory_.path() / "state").string(), arguments)));
    };
    const auto expect = [&](const std::string& arguments, int status, const std::string& output) {
      const Ran ran = gateway(arguments);
      EXPECT_EQ(ran.status, status) << arguments;
      EXPECT_EQ(ran.output, output) << arguments;
    };
    expect("create s1", 0, "epoch 1\nmade s1\n");
    expect("create s2 --die-after", kKilled, "epoch 2\n");
    expect("create s3 --die-before", kKilled, "epoch 3\nowed: make s2: it is there\n");
    expect("status", 0,
           "epoch 4\n"
           "owed: make s3: it is not there\n"
           "held: lease s1 (file) by s1\n"
           "held: lease s2 (file) by s2\n");
    expect("delete s1 --die-before", kKilled, "epoch 5\n");
    expect("delete s2 --die-after", kKilled, "epoch 6\nowed: drop s1: it is there\n");
    expect("delete s3", 0, "epoch 7\nowed: drop s2: it is not there\ns3 holds nothing\n");
    expect("status", 0, "epoch 8\n");
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state/s1.lease"));
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state/s2.lease"));
  }
};

TEST_F(Examples, CWithPkgConfigSettlesWhatIsOwed) {
  Install("journal_c");
  const auto example = Copy("c");

  Build(example, "make CFLAGS='-std=gnu99 -Wall -Wextra -Wpedantic -Werror'");

  ExpectTheStory(example / "gateway");
}

TEST_F(Examples, CArchivesAndBacksUpWhileItHoldsTheJournal) {
  Install("journal_c");
  const auto example = Copy("c");
  Build(example, "make");
  const std::string state = (directory_.path() / "state").string();
  const std::string program = fmt::format("exec {} {}", (example / "gateway").string(), state);
  const std::string backup = (directory_.path() / "backup.db").string();
  EXPECT_EQ(Execute(With(program + " create s1")).status, 0);
  EXPECT_EQ(Execute(With(program + " delete s1")).status, 0);

  const Ran ran = Execute(With(fmt::format("{} backup {}", program, backup)));

  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output, fmt::format("epoch 3\narchived 1\nbackup of 5 records: {}\n", backup));
  EXPECT_TRUE(std::filesystem::exists(backup + ".archive"));
}

TEST_F(Examples, CWithCMakeSettlesWhatIsOwed) {
  Install("journal_c");
  const auto example = Copy("c");

  Build(example, fmt::format("{0} -S . -B build && {0} --build build", HOLDFAST_CMAKE));

  ExpectTheStory(example / "build/gateway");
}

TEST_F(Examples, CPlusPlusSettlesWhatIsOwed) {
  Install("journal");
  const auto example = Copy("cpp");

  Build(example, fmt::format("{0} -S . -B build && {0} --build build", HOLDFAST_CMAKE));

  ExpectTheStory(example / "build/gateway");
}

TEST_F(Examples, RustSettlesWhatIsOwed) {
  HF_NEEDS("rust", Execute("rustc --version").status == 0, "there is no rustc that runs");
  Install("journal_c");
  const auto example = Copy("rust");

  Build(example, "make");

  ExpectTheStory(example / "gateway");
}

TEST_F(Examples, WorkFromATreeThatWasMoved) {
  Install("journal_c");
  std::filesystem::rename(prefix(), directory_.path() / "elsewhere");
  std::filesystem::create_directory(directory_.path() / "deep");
  std::filesystem::rename(directory_.path() / "elsewhere", directory_.path() / "deep/down");
  const std::string moved = (directory_.path() / "deep/down" / HOLDFAST_INSTALL_LIBDIR).string();
  const auto example = Copy("c");

  const Ran ran = Execute(
      fmt::format("cd {} && PKG_CONFIG_PATH={}/pkgconfig make && LD_LIBRARY_PATH={} ./gateway "
                  "state create s1",
                  example.string(), moved, moved));

  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("made s1"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace holdfast::testing
