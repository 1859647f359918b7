// SPDX-License-Identifier: Apache-2.0
//
// The gateway's configuration: what it means, and that each mistake is named with its line.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tools/gateway/config.h"

namespace holdfast::gateway {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;

class GatewayConfig : public ::testing::Test {
 protected:
  absl::StatusOr<Config> Load(const std::string& text) {
    std::ofstream(dir_.File("h.toml")) << text;
    Overrides overrides;
    overrides.config_path = dir_.File("h.toml");
    return LoadConfig(overrides, Environment());
  }

  // The whole message, without the directory in front of the file's name.
  std::string MistakesIn(const std::string& text) {
    std::string message(Load(text).status().message());
    const std::string directory = dir_.path().string() + "/";
    for (std::size_t at = 0; (at = message.find(directory)) != std::string::npos;) {
      message.erase(at, directory.size());
    }
    return message;
  }

  support::Environment Environment() {
    return [this](const char* name) -> const char* {
      auto found = variables_.find(name);
      return found == variables_.end() ? nullptr : found->second.c_str();
    };
  }

  testing::TempDir dir_;
  std::map<std::string, std::string> variables_{{"HOME", "/home/op"}};
};

TEST_F(GatewayConfig, NeedsNoFile) {
  HF_ASSERT_OK_AND_ASSIGN(const Config config, LoadConfig({}, Environment()));

  EXPECT_EQ(config.state_dir, "/home/op/.local/state/holdfast");
  EXPECT_EQ(config.journal_path, "/home/op/.local/state/holdfast/journal.db");
  EXPECT_EQ(config.socket_path, "/home/op/.local/state/holdfast/run/gateway.sock");
  EXPECT_EQ(config.default_driver, "process");
  EXPECT_TRUE(config.extensions.empty());
}

TEST_F(GatewayConfig, PutsTheSocketIntoTheRuntimeDirectoryWhenThereIsOne) {
  variables_["XDG_RUNTIME_DIR"] = "/run/user/7";

  HF_ASSERT_OK_AND_ASSIGN(const Config config, LoadConfig({}, Environment()));

  EXPECT_EQ(config.socket_path, "/run/user/7/holdfast/gateway.sock");
}

TEST_F(GatewayConfig, PrefersTheCommandLine) {
  std::ofstream(dir_.File("h.toml")) << "[gateway]\nstate_dir = \"/a\"\nsocket = \"/a/s\"\n";

  HF_ASSERT_OK_AND_ASSIGN(
      const Config config,
      LoadConfig({.config_path = dir_.File("h.toml"), .state_dir = "/b", .socket_path = "/b/s"},
                 Environment()));

  EXPECT_EQ(config.journal_path, "/b/journal.db");
  EXPECT_EQ(config.socket_path, "/b/s");
}

TEST_F(GatewayConfig, KeepsTheOperatorsOrderOfExtensions) {
  HF_ASSERT_OK_AND_ASSIGN(const Config config, Load(R"(
extensions = ["ipam", "env"]
[extension.env]
on_failure = "fail"
deadline_ms = 500
[extension.ipam]
activation = "on-request"
key = "addresses"
workspaces = ["lab"]
[extension.ipam.config]
range = "10.70.0.0/24"
)"));

  ASSERT_EQ(config.extensions.size(), 2U);
  EXPECT_EQ(config.extensions[0].name, "ipam");
  EXPECT_FALSE(config.extensions[0].global);
  EXPECT_EQ(config.extensions[0].activation_key, "addresses");
  EXPECT_THAT(config.extensions[0].workspaces, ElementsAre("lab"));
  EXPECT_EQ(config.extensions[1].name, "env");
  EXPECT_EQ(config.extensions[1].on_failure, model::FailurePolicy::kFail);
  EXPECT_EQ(config.extensions[1].deadline, std::chrono::milliseconds(500));
}

TEST_F(GatewayConfig, ReadsPolicyAndPlan) {
  HF_ASSERT_OK_AND_ASSIGN(const Config config, Load(R"(
[policy]
undo_attempts_max = 2
backoff_initial_ms = 5
[plan]
launcher_args = ["--quiet", "--cpu-*"]
)"));

  EXPECT_EQ(config.policy.undo_attempts_max, 2U);
  EXPECT_EQ(config.policy.backoff_initial, std::chrono::milliseconds(5));
  EXPECT_THAT(config.plan.launcher_args_allowed, ElementsAre("--cpu-*", "--quiet"));
}

TEST_F(GatewayConfig, Trap13OverBroadFingerprint) {
  HF_ASSERT_OK_AND_ASSIGN(
      const Config before,
      Load("extensions = [\"env\"]\n[extension.env.config]\nenv = {A = \"1\"}\n"));
  HF_ASSERT_OK_AND_ASSIGN(const Config benign,
                          Load("extensions = [\"env\"]\n[gateway]\nthreads = 3\n"
                               "[extension.env]\ndeadline_ms = 7\n"
                               "[extension.env.config]\n# a comment\nenv = { A = \"1\" }\n"));
  HF_ASSERT_OK_AND_ASSIGN(
      const Config other,
      Load("extensions = [\"env\"]\n[extension.env.config]\nenv = {A = \"2\"}\n"));

  EXPECT_EQ(before.extensions[0].config_digest, benign.extensions[0].config_digest);
  EXPECT_NE(before.extensions[0].config_digest, other.extensions[0].config_digest);
}

TEST_F(GatewayConfig, NamesTheNearestKeyForAnUnknownOne) {
  EXPECT_EQ(MistakesIn("[gateway]\n\nscoket = \"/a\"\n"),
            "h.toml:3: gateway.scoket: unknown key; did you mean \"socket\"?");
}

TEST_F(GatewayConfig, ListsTheKeysWhenNoneIsNear) {
  EXPECT_EQ(MistakesIn("[journal]\ncompression = true\n"),
            "h.toml:2: journal.compression: unknown key; [journal] knows archive_after, "
            "archive_keep, key_file, path");
}

TEST_F(GatewayConfig, RefusesAnUnknownTable) {
  EXPECT_EQ(MistakesIn("[gatway]\nthreads = 1\n"),
            "h.toml:1: gatway: unknown key; did you mean \"gateway\"?");
}

TEST_F(GatewayConfig, RefusesAWrongType) {
  EXPECT_EQ(MistakesIn("[gateway]\nthreads = \"2\"\n"),
            "h.toml:2: gateway.threads: must be an integer from 1 to 64, not a string");
}

TEST_F(GatewayConfig, RefusesAValueOutOfRange) {
  EXPECT_EQ(MistakesIn("[gateway]\nthreads = 65\n"),
            "h.toml:2: gateway.threads: must be from 1 to 64, not 65");
}

TEST_F(GatewayConfig, RefusesAnUnknownChoice) {
  EXPECT_EQ(
      MistakesIn("[drivers.process]\nisolation = \"vm\"\n"),
      "h.toml:2: drivers.process.isolation: must be one of auto, bubblewrap, none, not \"vm\"");
}

TEST_F(GatewayConfig, RefusesARelativePath) {
  EXPECT_EQ(MistakesIn("[journal]\nkey_file = \"keys\"\n"),
            "h.toml:2: journal.key_file: must be an absolute path, not \"keys\"");
  EXPECT_EQ(MistakesIn("[journal]\npath = \"journal.db\"\n"),
            "h.toml:2: journal.path: must be an absolute path, not \"journal.db\"");
}

TEST_F(GatewayConfig, ArchivesAfterAMonthAndKeepsArchivesForEver) {
  HF_ASSERT_OK_AND_ASSIGN(const Config config, Load("[journal]\n"));

  EXPECT_EQ(config.archive_after, std::chrono::hours(720));
  EXPECT_EQ(config.archive_keep, std::nullopt);
}

TEST_F(GatewayConfig, ReadsWhenToArchiveAndHowLongToKeep) {
  HF_ASSERT_OK_AND_ASSIGN(const Config config,
                          Load("[journal]\narchive_after = \"90s\"\narchive_keep = \"365d\"\n"));

  EXPECT_EQ(config.archive_after, std::chrono::seconds(90));
  EXPECT_EQ(config.archive_keep, std::chrono::days(365));
}

TEST_F(GatewayConfig, ReadsThatNothingIsArchivedAndAllIsKept) {
  HF_ASSERT_OK_AND_ASSIGN(
      const Config config,
      Load("[journal]\narchive_after = \"never\"\narchive_keep = \"forever\"\n"));

  EXPECT_EQ(config.archive_after, std::nullopt);
  EXPECT_EQ(config.archive_keep, std::nullopt);
}

TEST_F(GatewayConfig, TakesAnyRetentionWhereNothingIsArchived) {
  HF_ASSERT_OK_AND_ASSIGN(const Config config,
                          Load("[journal]\narchive_after = \"never\"\narchive_keep = \"1d\"\n"));

  EXPECT_EQ(config.archive_keep, std::chrono::days(1));
}

TEST_F(GatewayConfig, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "-1s", "720", "1.5h", "soon", "forever", "9999999d", "1h30m"}) {
    EXPECT_EQ(MistakesIn(fmt::format("[journal]\narchive_after = \"{}\"\n", text)),
              fmt::format("h.toml:2: journal.archive_after: must be \"never\", or a duration like "
                          "\"90s\", \"10m\", \"720h\" or \"30d\", not \"{}\"",
                          text));
  }
  EXPECT_EQ(MistakesIn("[journal]\narchive_keep = \"never\"\n"),
            "h.toml:2: journal.archive_keep: must be \"forever\", or a duration like \"90s\", "
            "\"10m\", \"720h\" or \"30d\", not \"never\"");
}

TEST_F(GatewayConfig, RefusesADurationThatIsNoTextOnce) {
  EXPECT_EQ(MistakesIn("[journal]\narchive_after = 720\narchive_keep = false\n"),
            "h.toml:2: journal.archive_after: must be a string in quotes, not an integer\n"
            "h.toml:3: journal.archive_keep: must be a string in quotes, not true or false");
}

TEST_F(GatewayConfig, RefusesARetentionThatWouldThrowAwayWhatIsArchivedAtOnce) {
  const std::string refusal =
      "journal.archive_keep: must not be shorter than archive_after: both count from a sandbox's "
      "last record, and what is archived would be thrown away at once";

  EXPECT_EQ(MistakesIn("[journal]\narchive_keep = \"10d\"\n"), "h.toml:2: " + refusal);
  EXPECT_EQ(MistakesIn("[journal]\narchive_after = \"1h\"\narchive_keep = \"59m\"\n"),
            "h.toml:3: " + refusal);
  EXPECT_THAT(Load("[journal]\narchive_after = \"1h\"\narchive_keep = \"60m\"\n"), IsOk());
}

TEST_F(GatewayConfig, RefusesAnUnknownDriver) {
  EXPECT_EQ(MistakesIn("[drivers.proces]\n"),
            "h.toml:1: drivers.proces: no such driver; did you mean \"process\"?");
}

TEST_F(GatewayConfig, RefusesAnUnknownExtension) {
  EXPECT_EQ(MistakesIn("extensions = [\"ipma\"]\n"),
            "h.toml:1: extensions: no such extension \"ipma\"; did you mean \"ipam\"?");
}

TEST_F(GatewayConfig, RefusesAnExtensionThatIsNamedTwice) {
  EXPECT_EQ(MistakesIn("extensions = [\"env\", \"env\"]\n"),
            "h.toml:1: extensions: names \"env\" twice");
}

TEST_F(GatewayConfig, SaysWhereTheListOfExtensionsBelongs) {
  EXPECT_EQ(
      MistakesIn("[gateway]\nextensions = [\"env\"]\n"),
      "h.toml:2: gateway.extensions: belongs to the top of the file, before the first [table]: "
      "extensions = [\"…\"]");
}

TEST_F(GatewayConfig, RefusesADefaultDriverThatIsNotConfigured) {
  EXPECT_EQ(
      MistakesIn("[gateway]\ndefault_driver = \"docker\"\n"),
      "h.toml:2: gateway.default_driver: must be one of the configured drivers (process), not "
      "\"docker\"");
}

TEST_F(GatewayConfig, RefusesADeadlineAboveTheOperatorsMaximum) {
  EXPECT_EQ(
      MistakesIn("[policy]\nhook_deadline_max_ms = 1000\n[extension.env]\ndeadline_ms = 2000\n"),
      "h.toml:4: extension.env.deadline_ms: must be from 1 to 1000, not 2000");
}

TEST_F(GatewayConfig, RefusesAKeyWithoutMeaning) {
  EXPECT_EQ(
      MistakesIn("[extension.env]\nworkspaces = [\"a\"]\n"),
      "h.toml:2: extension.env.workspaces: has a meaning only with activation = \"on-request\"");
}

TEST_F(GatewayConfig, RefusesWhatTheExtensionWouldRefuse) {
  EXPECT_THAT(MistakesIn("[extension.ipam.config]\nrange = \"10.0.0.9-10.0.0.1\"\n"),
              HasSubstr("h.toml:2: extension.ipam.config.range: "));
}

TEST_F(GatewayConfig, KeepsTheThreeNameSpacesApart) {
  EXPECT_EQ(MistakesIn("[drivers.process]\nthreads = 2\n[extension.env]\nenv = {A = \"1\"}\n"),
            "h.toml:2: drivers.process.threads: unknown key; [drivers.process] knows isolation, "
            "state_dir, supervisor\n"
            "h.toml:4: extension.env.env: unknown key; [extension.env] knows activation, config, "
            "deadline_ms, key, on_failure, workspaces");
}

TEST_F(GatewayConfig, TellsAllMistakesInTheOrderOfTheFile) {
  EXPECT_EQ(MistakesIn("[policy]\nprobes_max = 0\n[gateway]\nthreads = 0\n"),
            "h.toml:2: policy.probes_max: must be from 1 to 1000, not 0\n"
            "h.toml:4: gateway.threads: must be from 1 to 64, not 0");
}

TEST_F(GatewayConfig, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(MistakesIn("[gateway]\nthreads = = 2\n"), HasSubstr("h.toml:2: not valid TOML: "));
}

TEST_F(GatewayConfig, RefusesAFileThatIsNotThere) {
  EXPECT_THAT(LoadConfig({.config_path = dir_.File("none"), .state_dir = {}, .socket_path = {}},
                         Environment()),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(GatewayConfig, RefusesASocketPathThatNoAddressHolds) {
  const std::string path = "/" + std::string(107, 'x');

  EXPECT_THAT(LoadConfig({.config_path = {}, .state_dir = {}, .socket_path = path}, Environment()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has 108 bytes, and the system allows 107")));
}

TEST(GatewayConfigurationDocument, NamesEveryKey) {
  std::ifstream file(std::string(HOLDFAST_SOURCE_DIR) + "/docs/configuration.md");
  std::stringstream document;
  document << file.rdbuf();

  for (const std::string& key : KnownKeys()) {
    // Tables have a heading; keys stand in code quotes.
    const bool named = document.str().find("`" + key + "`") != std::string::npos ||
                       document.str().find("[" + key + "]") != std::string::npos ||
                       document.str().find("[" + key + ".") != std::string::npos;
    EXPECT_TRUE(named) << key << " is not in docs/configuration.md";
  }
}

}  // namespace
}  // namespace holdfast::gateway
