// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/paths.h"
#include "tools/client/table.h"
#include "tools/holdfast/arguments.h"

namespace holdfast::testing {
namespace {

support::Environment With(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) -> const char* {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  };
}

TEST(OneLine, LeavesTextAlone) {
  EXPECT_EQ(client::OneLine("na\xC3\xAFve \xE2\x9C\x93 \xF0\x9F\x90\x9F"),
            "na\xC3\xAFve \xE2\x9C\x93 \xF0\x9F\x90\x9F");
}

TEST(OneLine, LeavesNothingThatSteersATerminal) {
  EXPECT_EQ(client::OneLine("a\x1b[2J\r\n\x7f"), "a [2J   ");
  EXPECT_EQ(client::OneLine("\xC2\x9B"
                            "2J"),
            " 2J");  // CSI, as one character of C1
  EXPECT_EQ(client::OneLine("\x9B"
                            "2J\xE2\x80"),
            "?2J??");  // the same as a bare byte; cut short
  EXPECT_EQ(client::OneLine("\xE2\x80\xAEtxt.exe"), " txt.exe");  // right to left from here
}

TEST(RequestId, IsAnotherOneEachTime) {
  EXPECT_NE(command_line::RandomRequestId(), command_line::RandomRequestId());
}

TEST(DefaultPaths, FollowTheEnvironmentInTheDocumentedOrder) {
  EXPECT_EQ(support::DefaultSocketPath(With({{"HOLDFAST_SOCKET", "/a"}, {"HOME", "/h"}})), "/a");
  EXPECT_EQ(support::DefaultSocketPath(With({{"XDG_RUNTIME_DIR", "/run/u"}, {"HOME", "/h"}})),
            "/run/u/holdfast/gateway.sock");
  EXPECT_EQ(support::DefaultSocketPath(With({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}})),
            "/s/holdfast/run/gateway.sock");
  EXPECT_EQ(support::DefaultSocketPath(With({{"HOME", "/h"}})),
            "/h/.local/state/holdfast/run/gateway.sock");
  EXPECT_EQ(support::DefaultJournalPath(With({{"HOME", "/h"}})),
            "/h/.local/state/holdfast/journal.db");
}

TEST(DefaultPaths, TreatAnEmptyVariableAsUnset) {
  EXPECT_EQ(support::DefaultStateDir(With({{"XDG_STATE_HOME", ""}, {"HOME", "/h"}})),
            "/h/.local/state/holdfast");
}

TEST(Table, LinesUpAndNeverSteersATerminal) {
  client::Table table({"A", "B"});
  table.Add({"größe", ""});
  table.Add({"x", "red\x1b[31m\nline"});

  EXPECT_EQ(table.Render(), "A      B\ngröße  -\nx      red [31m line\n");
}

}  // namespace
}  // namespace holdfast::testing
