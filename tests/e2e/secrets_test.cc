// SPDX-License-Identifier: Apache-2.0
//
// Secrets of an OpenShell create, from outside. Method: recognisable values are planted in every
// field that the contract marks, the sandbox lives through all that can happen to it, and then
// every file of the installation, every log and every output is searched for them. The one place
// where they may be is the sandbox's own directory of secrets, and there they must be, until it is
// deleted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPlanted[] = "planted-secret";
constexpr char kToken[] = "planted-secret-7f3a9c";
constexpr char kLaunch[] = "planted-secret-launch-51";

class Secrets : public InHouse {
 protected:
  void SetUp() override {
    ASSERT_EQ(NewKey(), "") << "the key file could not be made";
    house_.Configure(UsualConfig() +
                     "\n[gateway]\nlog_level = \"trace\"\n\n[journal]\nkey_file = \"" + key_file_ +
                     "\"\n");
  }

  // Empty, or what went wrong.
  std::string NewKey() {
    const Ran made = house_.JournalCliOffline({"key", "new", key_file_});
    return made.code == 0 ? "" : made.err;
  }
  void WithoutKeyFile() { house_.Configure(UsualConfig()); }

  grpc::Status Create(const std::string& id) {
    compute::CreateSandboxRequest request;
    compute::DriverSandbox& sandbox = *request.mutable_sandbox();
    sandbox.set_id(id);
    for (const std::string& word : Forever()) sandbox.mutable_spec()->add_command(word);
    sandbox.mutable_spec()->set_sandbox_token(kToken);
    sandbox.mutable_spec()->set_launch_authentication(kLaunch);
    compute::CreateSandboxResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    return house_.Connect().openshell().CreateSandbox(&context, request, &response);
  }
  bool Becomes(const std::string& id, const std::string& state) {
    return Eventually([&] { return house_.Connect().State(id) == state; });
  }
  std::string SecretsOf(const std::string& id) {
    return house_.state() + "/process/sandboxes/" + id + "/secrets";
  }
  // The create's provision is about to begin when the gateway dies.
  void DieBeforeProvision(const std::string& id) {
    ASSERT_NO_FATAL_FAILURE(
        house_.Start({{"HOLDFAST_FAILPOINT_KILL_ON", "kProcessBeforeProvision:1"}}));
    ASSERT_TRUE(Create(id).ok());
    ASSERT_TRUE(house_.gateway().Wait().has_value());
  }

  // Every file with a planted value in it, but those below `except`.
  std::set<std::string> FilesWithSecrets(const std::string& except = "") {
    std::set<std::string> found;
    searched_.clear();
    // The house's whole directory: state, logs, configuration, backups, what the programs wrote.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(house_.File(""))) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path();
      if (!except.empty() && path.starts_with(except + "/")) continue;
      searched_.insert(entry.path().filename());
      if (ReadFile(path).find(kPlanted) != std::string::npos) found.insert(path);
    }
    return found;
  }
  // What every verb says, on both ways.
  std::string AllOutputs(const std::string& id) {
    std::string all;
    const std::vector<std::vector<std::string>> verbs = {
        {"ls", "--all"}, {"show", id}, {"why", id}, {"leaks"},    {"ledger", "--all"},
        {"graph", id},   {"verify"},   {"status"},  {"key", "ls"}};
    for (const std::vector<std::string>& verb : verbs) {
      for (const std::string format : {"table", "json"}) {
        std::vector<std::string> words = {"-o", format};
        words.insert(words.end(), verb.begin(), verb.end());
        for (const Ran& ran : {house_.JournalCli(words), house_.JournalCliOffline(words)}) {
          EXPECT_NE(ran.code, 1) << verb.front() << ": " << ran.err;
          all += ran.out + ran.err;
        }
      }
    }
    for (const std::vector<std::string>& verb :
         std::vector<std::vector<std::string>>{{"get", id}, {"ls"}, {"status"}}) {
      std::vector<std::string> words = {"-o", "json"};
      words.insert(words.end(), verb.begin(), verb.end());
      const Ran ran = house_.Holdfast(words);
      all += ran.out + ran.err;
    }
    return all;
  }

  const std::string key_file_ = house_.File("journal.keys");
  std::set<std::string> searched_;
};

TEST_F(Secrets, AreFoundNowhereButInTheSandboxThatTheyAreFor) {
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  ASSERT_TRUE(Create("a").ok());
  ASSERT_TRUE(Becomes("a", "Running"));
  EXPECT_EQ(ReadFile(SecretsOf("a") + "/sandbox_token"), kToken);
  EXPECT_EQ(ReadFile(SecretsOf("a") + "/launch_authentication"), kLaunch);
  house_.gateway().Kill();
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  ASSERT_TRUE(house_.Connect().Submit(StopRequest("a")).ok());
  ASSERT_TRUE(house_.Connect().Submit(StartRequest("a")).ok());
  ASSERT_EQ(house_.JournalCli({"backup", house_.File("backup.db")}).code, 0);

  EXPECT_THAT(AllOutputs("a"), Not(HasSubstr(kPlanted)));
  EXPECT_THAT(FilesWithSecrets(SecretsOf("a")), ::testing::IsEmpty());

  for (const char* name : {"journal.db", "journal.db-wal", "owner.json", "backup.db"}) {
    EXPECT_TRUE(searched_.contains(name)) << name << " was not searched";
  }
  ASSERT_TRUE(house_.Connect().Submit(DeleteRequest("a")).ok());
  EXPECT_THAT(FilesWithSecrets(), ::testing::IsEmpty());
  EXPECT_EQ(house_.JournalCli({"key", "ls"}).out, "nothing is sealed\n");
}

TEST_F(Secrets, OfARefusedCreateAreFoundNowhere) {
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  compute::CreateSandboxRequest request;
  request.mutable_sandbox()->set_id("b");
  request.mutable_sandbox()->mutable_spec()->add_command("no-such-program");
  request.mutable_sandbox()->mutable_spec()->set_sandbox_token(kToken);
  compute::CreateSandboxResponse response;
  grpc::ClientContext context;
  SetDeadline(context);

  const grpc::Status refused =
      house_.Connect().openshell().CreateSandbox(&context, request, &response);

  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.error_message(), Not(HasSubstr(kPlanted)));
  EXPECT_THAT(FilesWithSecrets(), ::testing::IsEmpty());
}

TEST_F(Secrets, ReachTheSandboxAlthoughTheGatewayDiedBeforeItWasMade) {
  ASSERT_NO_FATAL_FAILURE(DieBeforeProvision("a"));
  EXPECT_THAT(FilesWithSecrets(), ::testing::IsEmpty());

  ASSERT_NO_FATAL_FAILURE(house_.Start());

  ASSERT_TRUE(Becomes("a", "Running"));
  EXPECT_EQ(ReadFile(SecretsOf("a") + "/sandbox_token"), kToken);
}

TEST_F(Secrets, ThatAreLostUndoTheCreate) {
  WithoutKeyFile();
  ASSERT_NO_FATAL_FAILURE(DieBeforeProvision("a"));

  ASSERT_NO_FATAL_FAILURE(house_.Start());

  ASSERT_TRUE(Becomes("a", "Failed"));
  EXPECT_EQ(house_.Connect().Get("a").response.reason(), "SecretsUnavailable");
  EXPECT_TRUE(house_.Look().empty()) << house_.Look().Text();
}

TEST_F(Secrets, AreSealedAnewByTheFirstStartAfterANewKey) {
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  ASSERT_TRUE(Create("a").ok());
  ASSERT_TRUE(Becomes("a", "Running"));
  ASSERT_EQ(NewKey(), "");
  EXPECT_THAT(house_.JournalCli({"key", "ls", "--key-file", key_file_}).out, HasSubstr("old"));

  house_.gateway().Kill();
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  EXPECT_TRUE(Eventually([&] {
    return house_.gateway().Log().find("resealed boxes=1 resealed=1 failed=0") != std::string::npos;
  })) << house_.gateway().Log();
  const Ran ls = house_.JournalCli({"-o", "json", "key", "ls", "--key-file", key_file_});
  EXPECT_EQ(ls.code, 0);
  EXPECT_THAT(ls.out, Not(HasSubstr("missing")));
}

TEST_F(Secrets, NeedAKeyFileThatIsPrivate) {
  std::filesystem::permissions(key_file_, std::filesystem::perms(0644));

  const auto gateway = house_.Launch(house_.socket());
  const auto ending = gateway->Wait();

  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->exit_code, 1);
  EXPECT_THAT(gateway->Log(), HasSubstr("chmod 600"));
}

}  // namespace
}  // namespace holdfast::e2e
