// SPDX-License-Identifier: Apache-2.0
//
// What is the process driver's own, beyond the contract.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "fmt/format.h"
#include "tests/conformance/driver_caller.h"
#include "tests/drivers/process/process_world.h"
#include "tests/support/require.h"
#include "tests/support/status_matchers.h"

namespace holdfast::conformance {
namespace {

using drivers::process::Isolation;
using holdfast::testing::StatusIs;
using ::testing::HasSubstr;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Subject Launch(drivers::Driver& driver, const std::string& id, model::SandboxSpec spec) {
  Subject subject = MakeSubject(driver, id, std::move(spec));
  EXPECT_EQ(Name(Perform(driver, subject, "provision").verdict), "Done");
  EXPECT_EQ(Name(Perform(driver, subject, "start").verdict), "Done");
  return subject;
}

model::Secrets Token() {
  model::Secrets::Values values;
  values.emplace("sandbox_token", support::SecretBytes::CopyOf("planted"));
  return model::Secrets(std::move(values));
}

// Runs a script to its end and returns what it wrote.
std::string OutputOf(ProcessWorld& world, model::SandboxSpec spec) {
  Exits exits;
  const auto driver = world.MakeDriver();
  driver->Watch(exits.Observer());
  const Subject subject = Launch(*driver, "output", std::move(spec));
  EXPECT_TRUE(exits.WaitFor(subject.owner).has_value());
  return ReadAll(world.File("output", "output.log"));
}

TEST(ProcessDriver, MakesItsStateDirectoryPrivate) {
  ProcessWorld world;
  world.MakeDriver();

  struct stat found {};
  ASSERT_EQ(stat(world.state_dir().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0700u);
}

TEST(ProcessDriver, SaysWhichIsolationAndWhy) {
  ProcessWorld world(Isolation::kNone);
  const auto driver = world.MakeDriver();

  EXPECT_THAT(driver->capabilities().features, ::testing::Contains("isolation.process-group"));
  EXPECT_THAT(driver->capabilities().facts.at("isolation"), HasSubstr("no isolation"));
}

TEST(ProcessDriver, RefusesARelativeStateDirectory) {
  EXPECT_THAT(drivers::process::MakeProcessDriver(
                  {.state_dir = "here", .supervisor = "", .journal_id = ""}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ProcessDriver, GivesTheWorkloadACleanEnvironment) {
  ProcessWorld world;
  model::SandboxSpec spec = world.Shell("env; pwd");
  spec.environment["GREETING"] = "hello";
  setenv("SECRET_OF_THE_GATEWAY", "hunter2", 1);

  const std::string output = OutputOf(world, spec);

  unsetenv("SECRET_OF_THE_GATEWAY");
  EXPECT_THAT(output, HasSubstr("GREETING=hello\n"));
  EXPECT_THAT(output, HasSubstr("HOLDFAST_SANDBOX_ID=output\n"));
  EXPECT_THAT(output, HasSubstr("/sandboxes/output/work\n"));
  EXPECT_THAT(output, ::testing::Not(HasSubstr("hunter2")));
}

TEST(ProcessDriver, GivesTheWorkloadNoDescriptorButTheStandardOnes) {
  ProcessWorld world;

  const std::string output = OutputOf(world, world.Shell("ls -1 /proc/self/fd | tr '\\n' ' '"));

  // 3 is the directory that ls itself reads.
  EXPECT_EQ(output, "0 1 2 3 ");
}

// Provisions with a secret, starts, and returns what the workload wrote.
std::string OutputWithSecret(ProcessWorld& world, model::SandboxSpec spec) {
  Exits exits;
  const auto driver = world.MakeDriver();
  driver->Watch(exits.Observer());
  const Subject subject = MakeSubject(*driver, "secret", std::move(spec));
  drivers::StepRequest request = RequestOf(subject, "provision");
  request.secrets = Token();
  EXPECT_EQ(Name(Perform(*driver, std::move(request)).verdict), "Done");
  EXPECT_EQ(Name(Perform(*driver, subject, "start").verdict), "Done");
  EXPECT_TRUE(exits.WaitFor(subject.owner).has_value());
  return ReadAll(world.File("secret", "output.log"));
}

TEST(ProcessDriver, GivesTheWorkloadItsSecretsInFilesThatOnlyItsUserReads) {
  ProcessWorld world;

  const std::string output = OutputWithSecret(
      world, world.Shell("cat $HOLDFAST_SANDBOX_SECRETS/sandbox_token; echo; "
                         "stat -c %a $HOLDFAST_SANDBOX_SECRETS $HOLDFAST_SANDBOX_SECRETS/*"));

  EXPECT_EQ(output, "planted\n700\n600\n");
}

TEST(ProcessDriver, ShowsAWorkloadInBubblewrapItsSecretsAndNobodyElses) {
  HF_NEEDS("bubblewrap", BubblewrapWorks(), "it does not work on this host");
  ProcessWorld world(Isolation::kBubblewrap);

  const std::string output = OutputWithSecret(
      world,
      world.Shell(fmt::format("cat $HOLDFAST_SANDBOX_SECRETS/sandbox_token; echo; touch "
                              "$HOLDFAST_SANDBOX_SECRETS/x || echo read-only; ls {}/sandboxes/*",
                              world.state_dir())));

  EXPECT_THAT(output, HasSubstr("planted\n"));
  EXPECT_THAT(output, HasSubstr("read-only\n"));
  EXPECT_THAT(output, HasSubstr("secrets\nwork\n"));
}

TEST(ProcessDriver, KeepsNothingOfASecretOutsideItsFile) {
  ProcessWorld world;

  OutputWithSecret(world, world.Shell("exit 0"));

  std::set<std::string> holding;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.state_dir())) {
    if (!entry.is_regular_file()) continue;
    if (ReadAll(entry.path()).find("planted") != std::string::npos) holding.insert(entry.path());
  }
  EXPECT_THAT(holding, ::testing::ElementsAre(world.File("secret", "secrets/sandbox_token")));
}

TEST(ProcessDriver, RemovesTheSecretsWithTheSandbox) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "secret", world.Shell("exit 0"));
  drivers::StepRequest request = RequestOf(subject, "provision");
  request.secrets = Token();
  ASSERT_EQ(Name(Perform(*driver, std::move(request)).verdict), "Done");

  ASSERT_EQ(Name(Perform(*driver, subject, "destroy").verdict), "Done");

  EXPECT_FALSE(std::filesystem::exists(world.File("secret", "secrets")));
}

TEST(ProcessDriver, SetsNoPathOfSecretsWhenThereAreNone) {
  ProcessWorld world;

  EXPECT_EQ(OutputOf(world, world.Shell("echo \"<$HOLDFAST_SANDBOX_SECRETS>\"")), "<>\n");
}

TEST(ProcessDriver, RefusesASecretWhoseNameLeadsElsewhere) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "secret", world.Shell("exit 0"));
  model::Secrets::Values values;
  values.emplace("../token", support::SecretBytes::CopyOf("planted"));
  drivers::StepRequest request = RequestOf(subject, "provision");
  request.secrets = model::Secrets(std::move(values));

  EXPECT_EQ(Name(Perform(*driver, std::move(request)).verdict), "Failed");

  EXPECT_EQ(world.CountSandboxes(), 0U);
}

TEST(ProcessDriver, KillsWhatTheMainProcessLeaves) {
  ProcessWorld world;

  OutputOf(world, world.Shell("setsid sleep 1000 & setsid sleep 1000 & exit 0"));

  EXPECT_TRUE(ProcessWorld::Eventually([&] { return world.Marked().empty(); }));
}

TEST(ProcessDriver, StopLetsTheWorkloadEndItself) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject =
      Launch(*driver, "polite",
             world.Shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done"));
  const std::string log = world.File("polite", "output.log");
  ASSERT_TRUE(
      ProcessWorld::Eventually([&] { return ReadAll(log).find("ready") != std::string::npos; }));

  EXPECT_EQ(Name(Perform(*driver, subject, "stop").verdict), "Done");

  EXPECT_THAT(ReadAll(log), HasSubstr("bye"));
}

TEST(ProcessDriver, StopKillsWhatIgnoresTheGrace) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = Launch(
      *driver, "stubborn", world.Shell("trap '' TERM; echo ready; while :; do sleep 0.02; done"));
  const std::string log = world.File("stubborn", "output.log");
  ASSERT_TRUE(
      ProcessWorld::Eventually([&] { return ReadAll(log).find("ready") != std::string::npos; }));
  drivers::StepRequest request = RequestOf(subject, "stop");
  request.grace = std::chrono::milliseconds(50);

  EXPECT_EQ(Name(Perform(*driver, std::move(request)).verdict), "Done");

  EXPECT_TRUE(world.Marked().empty());
}

TEST(ProcessDriver, CancelledStopAnswersWithinItsGrace) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = Launch(
      *driver, "stubborn", world.Shell("trap '' TERM; echo ready; while :; do sleep 0.02; done"));
  const std::string log = world.File("stubborn", "output.log");
  ASSERT_TRUE(
      ProcessWorld::Eventually([&] { return ReadAll(log).find("ready") != std::string::npos; }));
  std::stop_source source;
  drivers::StepRequest request = RequestOf(subject, "stop");
  request.grace = std::chrono::seconds(30);
  request.cancelled = source.get_token();
  auto answer = PerformLater(*driver, std::move(request));

  source.request_stop();

  const model::Outcome outcome = Wait(std::move(answer));
  EXPECT_EQ(outcome.reason, "Cancelled");
  EXPECT_TRUE(outcome.retryable);
}

TEST(ProcessDriver, ClosingAnswersWhatIsInFlight) {
  ProcessWorld world;
  auto driver = world.MakeDriver();
  const Subject subject = Launch(
      *driver, "stubborn", world.Shell("trap '' TERM; echo ready; while :; do sleep 0.02; done"));
  const std::string log = world.File("stubborn", "output.log");
  ASSERT_TRUE(
      ProcessWorld::Eventually([&] { return ReadAll(log).find("ready") != std::string::npos; }));
  drivers::StepRequest request = RequestOf(subject, "stop");
  request.grace = std::chrono::seconds(30);
  auto answer = PerformLater(*driver, std::move(request));

  driver.reset();

  EXPECT_EQ(Name(Wait(std::move(answer)).verdict), "Unknown");
}

TEST(ProcessDriver, LoginShellOfATerminalGoesOnRunning) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  model::SandboxSpec spec;
  spec.command = {"/bin/bash", "-l"};
  spec.tty = true;

  const Subject subject = Launch(*driver, "shell", spec);

  // Its prompt is written when it waits for somebody to type.
  EXPECT_TRUE(ProcessWorld::Eventually(
      [&] { return !ReadAll(world.File("shell", "output.log")).empty(); }));
  EXPECT_EQ(world.CountRunning(), 1u);
  EXPECT_EQ(Name(Perform(*driver, subject, "stop").verdict), "Done");
}

TEST(ProcessDriver, DestroyDoesNotFollowLinks) {
  ProcessWorld world;
  const holdfast::testing::TempDir elsewhere;
  std::ofstream(elsewhere.File("precious")) << "keep";
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "links", world.RunsLong());
  Perform(*driver, subject, "provision");
  std::filesystem::create_directory_symlink(elsewhere.path(), world.File("links", "work/out"));

  EXPECT_EQ(Name(Perform(*driver, subject, "destroy").verdict), "Done");

  EXPECT_EQ(ReadAll(elsewhere.File("precious")), "keep");
}

// Deeper than a process has descriptors, by default.
TEST(ProcessDriver, DestroyRemovesATreeOfAnyDepth) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "deep", world.RunsLong());
  Perform(*driver, subject, "provision");
  int directory = open(world.File("deep", "work").c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_EQ(mkdirat(directory, "d", 0700), 0);
    const int child = openat(directory, "d", O_RDONLY | O_DIRECTORY);
    close(directory);
    directory = child;
  }
  close(directory);

  EXPECT_EQ(Name(Perform(*driver, subject, "destroy").verdict), "Done");

  EXPECT_EQ(world.CountSandboxes(), 0u);
}

TEST(ProcessDriver, ProvisionMakesNothingAfterItsDeadline) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "late", world.RunsLong());
  drivers::StepRequest request = RequestOf(subject, "provision");
  request.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);

  const model::Outcome outcome = Perform(*driver, std::move(request));

  EXPECT_EQ(outcome.reason, "DeadlineExceeded");
  EXPECT_TRUE(outcome.no_effect);
  EXPECT_EQ(world.CountSandboxes(), 0u);
}

TEST(Trap14OneInterruptedSandboxBlocksOthers, ADirectoryThatCannotBeReadHidesNoOthersEnd) {
  ProcessWorld world;
  Subject subject;
  {
    const auto driver = world.MakeDriver();
    subject = Launch(*driver, "sound", world.Shell("exit 3"));
    const Subject damaged = MakeSubject(*driver, "damaged", world.RunsLong());
    Perform(*driver, damaged, "provision");
  }
  const std::string proof = world.File("damaged", "owner.json");
  const std::string content = ReadAll(proof);
  std::ofstream(proof) << "{";
  Exits exits;
  {
    const auto driver = world.MakeDriver();
    driver->Watch(exits.Observer());

    EXPECT_TRUE(exits.WaitFor(subject.owner).has_value());
  }
  std::ofstream(proof) << content;  // so that it can be cleaned up
}

TEST(ProcessDriver, DirectoryWithoutProofIsNotTouched) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "foreign", world.RunsLong());
  std::filesystem::create_directory(world.state_dir() + "/sandboxes/foreign");
  std::ofstream(world.File("foreign", "precious")) << "keep";

  EXPECT_EQ(Perform(*driver, subject, "provision").reason, "Conflict");
  EXPECT_EQ(Perform(*driver, subject, "destroy").reason, "Conflict");

  EXPECT_EQ(ReadAll(world.File("foreign", "precious")), "keep");
}

TEST(ProcessDriver, TombstoneOfADeadDestroyIsListedAndFinished) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "buried", world.RunsLong());
  Perform(*driver, subject, "provision");
  std::filesystem::rename(world.state_dir() + "/sandboxes/buried",
                          world.state_dir() + "/tombstones/buried@1");

  EXPECT_EQ(Name(Probe(*driver, subject, "provision").verdict), "Present");
  HF_ASSERT_OK_AND_ASSIGN(const auto owned, ListOwned(*driver));
  EXPECT_EQ(owned.size(), 1u);
  EXPECT_EQ(Name(Perform(*driver, subject, "destroy").verdict), "Done");

  EXPECT_EQ(world.CountSandboxes(), 0u);
}

TEST(ProcessDriver, HalfMadeDirectoryIsNeverAbsent) {
  ProcessWorld world;
  const auto driver = world.MakeDriver();
  const Subject subject = MakeSubject(*driver, "half", world.RunsLong());
  std::filesystem::create_directory(world.state_dir() + "/staging/half@1");

  EXPECT_EQ(Name(Probe(*driver, subject, "provision").verdict), "CannotTell");
  EXPECT_EQ(Name(Perform(*driver, subject, "provision").verdict), "Done");

  EXPECT_EQ(world.CountSandboxes(), 1u);
}

TEST(ProcessDriver, CommandThatCannotBeExecutedFailsTheStart) {
  ProcessWorld world;
  const holdfast::testing::TempDir programs;
  const std::string program = programs.File("broken");
  std::ofstream(program) << "#!/no/such/interpreter\n";
  chmod(program.c_str(), 0700);
  const auto driver = world.MakeDriver();
  model::SandboxSpec spec;
  spec.command = {program};
  const Subject subject = MakeSubject(*driver, "broken", spec);
  Perform(*driver, subject, "provision");

  const model::Outcome outcome = Perform(*driver, subject, "start");

  EXPECT_EQ(outcome.reason, "CannotExecute");
  EXPECT_TRUE(outcome.no_effect);
  EXPECT_EQ(Name(Probe(*driver, subject, "start").verdict), "Absent");
}

TEST(ProcessDriver, OutputIsBounded) {
  ProcessWorld world;

  OutputOf(world, world.Shell("head -c 30000000 /dev/zero"));

  const auto newer = std::filesystem::file_size(world.File("output", "output.log"));
  const auto older = std::filesystem::file_size(world.File("output", "output.log.1"));
  EXPECT_LE(newer + older, (std::size_t{16} << 20) + 2 * 65'536);
}

TEST(ProcessDriver, BubblewrapHidesTheHostsProcessesAndOtherSandboxes) {
  HF_NEEDS("bubblewrap", BubblewrapWorks(), "it does not work on this host");
  ProcessWorld world(Isolation::kBubblewrap);

  const std::string output =
      OutputOf(world, world.Shell(fmt::format("echo parent $PPID; ls {}/sandboxes; touch /etc/x || "
                                              "echo read-only; touch here && echo writable",
                                              world.state_dir())));

  EXPECT_THAT(output, HasSubstr("parent 1\n"));
  EXPECT_THAT(output, HasSubstr("output\n"));
  EXPECT_THAT(output, HasSubstr("read-only\n"));
  EXPECT_THAT(output, HasSubstr("writable\n"));
}

TEST(ProcessDriver, BubblewrapHidesWhatItIsToldToHide) {
  HF_NEEDS("bubblewrap", BubblewrapWorks(), "it does not work on this host");
  ProcessWorld world(Isolation::kBubblewrap);
  HF_ASSERT_OK_AND_ASSIGN(const auto driver,
                          drivers::process::MakeProcessDriver({.state_dir = world.state_dir(),
                                                               .supervisor = "",
                                                               .isolation = Isolation::kBubblewrap,
                                                               .journal_id = "test",
                                                               .hide = {"/var/lib", "/"}}));
  Exits exits;
  driver->Watch(exits.Observer());

  const Subject subject =
      Launch(*driver, "blind", world.Shell("echo \"sees $(ls -A /var/lib | wc -l)\""));

  ASSERT_TRUE(exits.WaitFor(subject.owner).has_value());
  EXPECT_THAT(ReadAll(world.File("blind", "output.log")), HasSubstr("sees 0\n"));
}

TEST(ProcessDriver, BubblewrapPassesTheRequestToEndOn) {
  HF_NEEDS("bubblewrap", BubblewrapWorks(), "it does not work on this host");
  ProcessWorld world(Isolation::kBubblewrap);
  const auto driver = world.MakeDriver();
  const Subject subject =
      Launch(*driver, "polite",
             world.Shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done"));
  const std::string log = world.File("polite", "output.log");
  ASSERT_TRUE(
      ProcessWorld::Eventually([&] { return ReadAll(log).find("ready") != std::string::npos; }));

  EXPECT_EQ(Name(Perform(*driver, subject, "stop").verdict), "Done");

  EXPECT_THAT(ReadAll(log), HasSubstr("bye"));
}

}  // namespace
}  // namespace holdfast::conformance
