// SPDX-License-Identifier: Apache-2.0
#include "extensions/ipam/ipam.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "extensions/ipam/address_range.h"
#include "tests/extensions/ipam_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace holdfast::extensions {
namespace {

using ::holdfast::testing::IsOk;
using ::holdfast::testing::StatusIs;
using ::holdfast::testing::TempDir;
using model::Outcome;
using model::Verdict;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string RangeText(const std::string& text) {
  const auto range = ipam::ParseAddressRange(text);
  if (!range.ok()) return "refused";
  return ipam::FormatAddress(range->first) + "-" + ipam::FormatAddress(range->last);
}

TEST(AddressRange, IsReadFromBothForms) {
  EXPECT_EQ(RangeText("10.70.0.0/24"), "10.70.0.1-10.70.0.254");
  EXPECT_EQ(RangeText("10.70.0.4/31"), "10.70.0.4-10.70.0.5");
  EXPECT_EQ(RangeText("10.70.0.4/32"), "10.70.0.4-10.70.0.4");
  EXPECT_EQ(RangeText("10.70.0.0/16"), "10.70.0.1-10.70.255.254");
  EXPECT_EQ(RangeText("10.70.0.10-10.70.0.20"), "10.70.0.10-10.70.0.20");
}

TEST(AddressRange, RefusesWhatIsNone) {
  for (const char* text :
       {"", "10.70.0.0", "10.70.0.0/33", "10.70.0.0/-1", "10.70.0.7/24", "10.70.0.0/", "/24",
        "10.70.0.20-10.70.0.10", "10.70.0-10.70.0.20", "10.70.0.256/32", "10.70.0.01/32",
        "10.70.0.0.0/24", "::/64", "0.0.0.0/0", "10.0.0.0/8", "0.0.0.0-255.255.255.255"}) {
    EXPECT_EQ(RangeText(text), "refused") << text;
  }
}

TEST(IpamConfiguration, IsChecked) {
  const TempDir dir;
  const std::string path = dir.path().string();
  EXPECT_THAT(MakeIpamExtension({.pool = "..", .range = "10.0.0.0/24", .state_dir = path}),
              StatusIs(kInvalid));
  EXPECT_THAT(MakeIpamExtension({.pool = "lab", .range = "x", .state_dir = path}),
              StatusIs(kInvalid));
  EXPECT_THAT(MakeIpamExtension({.pool = "lab", .range = "10.0.0.0/24", .state_dir = "relative"}),
              StatusIs(kInvalid));
}

class Ipam : public ::testing::Test {
 protected:
  std::string PathOf(const std::string& name) const { return dir_.File("lab/" + name); }
  void WriteFile(const std::string& name, const std::string& text) const {
    std::ofstream(PathOf(name)) << text;
  }
  bool Exists(const std::string& name) const { return std::filesystem::exists(PathOf(name)); }

  const TempDir dir_;
  IpamUser ipam_{dir_.path().string()};  // four addresses
};

TEST_F(Ipam, AnswersWithLeaseEnvironmentAndState) {
  const Outcome outcome = ipam_.Lease("s1");

  const std::string address = AddressOf(outcome);
  EXPECT_EQ(outcome.verdict, Verdict::kDone);
  ASSERT_THAT(outcome.resources, SizeIs(1));
  EXPECT_EQ(outcome.resources[0], (model::Resource{"lease", "lab/s1", address}));
  EXPECT_EQ(outcome.env.at("HOLDFAST_IP_POOL"), "lab");
  ASSERT_TRUE(outcome.state);
  EXPECT_EQ(outcome.state->schema_version, 1U);
  EXPECT_EQ(outcome.state->bytes, "{\"address\":\"" + address + "\"}");
  EXPECT_TRUE(Exists(address));
}

TEST_F(Ipam, StartsAtTheSamePlaceInEveryProcess) {
  const std::string first = AddressOf(ipam_.Lease("s1"));
  ipam_.Release("s1");

  EXPECT_EQ(AddressOf(IpamUser(dir_.path().string()).Lease("s1")), first);
}

TEST_F(Ipam, GivesEachSandboxAnotherAddressUntilThePoolIsExhausted) {
  std::set<std::string> addresses;
  for (const char* sandbox : {"s1", "s2", "s3", "s4"}) {
    addresses.insert(AddressOf(ipam_.Lease(sandbox)));
  }

  const Outcome refused = ipam_.Lease("s5");

  EXPECT_THAT(addresses, SizeIs(4));
  EXPECT_EQ(refused.verdict, Verdict::kFailed);
  EXPECT_EQ(refused.reason, "PoolExhausted");
  EXPECT_FALSE(refused.retryable);
  EXPECT_TRUE(refused.no_effect);
  EXPECT_THAT(refused.message,
              AllOf(HasSubstr("pool 'lab'"), HasSubstr("4 by leases"), HasSubstr("delete")));
}

TEST_F(Ipam, FindsItsOwnLeaseInAnExhaustedPool) {
  const Outcome first = ipam_.Lease("s1");
  for (const char* sandbox : {"s2", "s3", "s4"}) ipam_.Lease(sandbox);

  EXPECT_EQ(ipam_.Lease("s1"), first);
}

TEST_F(Ipam, LeavesAnOlderGenerationsLeaseAlone) {
  const std::string older = AddressOf(ipam_.Lease("s1", 1));

  const std::string newer = AddressOf(ipam_.Lease("s1", 2));

  EXPECT_NE(newer, older);
  EXPECT_THAT(ipam_.Owned(), SizeIs(2));
}

TEST_F(Ipam, ReleasesOnlyWhatItsContentProves) {
  const std::string first = AddressOf(ipam_.Lease("s1", 1));
  const std::string second = AddressOf(ipam_.Lease("s1", 2));

  EXPECT_EQ(ipam_.Release("s1", 1).verdict, Verdict::kDone);

  EXPECT_FALSE(Exists(first));
  EXPECT_TRUE(Exists(second));
}

TEST_F(Ipam, NeitherLeasesNorRemovesWhatItDidNotWrite) {
  WriteFile("10.70.0.10", "");
  WriteFile("10.70.0.11", "{\"sandbox\":\"s1\",\"generation\":1}");
  WriteFile("10.70.0.12",
            R"({"schema":1,"sandbox":"s1","generation":1,"key":"k","pool":"another"})");
  std::filesystem::create_directory(PathOf("10.70.0.13"));
  WriteFile("notes.txt", "s1");

  EXPECT_EQ(ipam_.Lease("s1").reason, "PoolExhausted");
  EXPECT_EQ(ipam_.Release("s1").verdict, Verdict::kDone);

  EXPECT_THAT(ipam_.Owned(), IsEmpty());
  for (const char* name : {"10.70.0.10", "10.70.0.11", "10.70.0.12", "10.70.0.13", "notes.txt"}) {
    EXPECT_TRUE(Exists(name)) << name;
  }
}

TEST_F(Ipam, DoesNotFollowASymbolicLink) {
  WriteFile("elsewhere", R"({"schema":1,"sandbox":"s1","generation":1,"key":"k","pool":"lab"})");
  std::filesystem::create_symlink(PathOf("elsewhere"), PathOf("10.70.0.10"));

  EXPECT_THAT(ipam_.Owned(), IsEmpty());
  EXPECT_EQ(ipam_.Release("s1").verdict, Verdict::kDone);
  EXPECT_TRUE(std::filesystem::is_symlink(PathOf("10.70.0.10")));
}

TEST_F(Ipam, MakesNothingAfterItsDeadline) {
  const Outcome late = ipam_.Lease("s1", 1, std::chrono::milliseconds(-1));

  EXPECT_EQ(late.verdict, Verdict::kFailed);
  EXPECT_TRUE(late.retryable);
  EXPECT_THAT(ipam_.Owned(), IsEmpty());
}

TEST_F(Ipam, LeavesNothingBesideItsLocksBehind) {
  ipam_.Lease("s1");
  ipam_.Release("s1");

  for (const auto& entry : std::filesystem::directory_iterator(dir_.path() / "lab")) {
    EXPECT_TRUE(entry.path().filename().string().starts_with(".lock-")) << entry.path();
  }
}

TEST_F(Ipam, RemovesWhatADeadAttemptLeftHalfWritten) {
  WriteFile(".tmp@s1@1@4711-0", "{");
  WriteFile(".tmp@s1@2@4711-1", "{");

  ipam_.Lease("s1", 1);

  EXPECT_FALSE(Exists(".tmp@s1@1@4711-0"));
  EXPECT_TRUE(Exists(".tmp@s1@2@4711-1"));  // another generation's, perhaps being written
}

TEST(Trap04CleanupChosenFromLiveConfig, LeaseIsReleasedWhereItWasMade) {
  const TempDir before, after;
  IpamUser old(before.path().string());
  old.Lease("s1");
  const std::string undo_args = old.UndoArgs();
  IpamUser reconfigured(after.path().string(), "10.99.0.0/24", "renamed");

  EXPECT_EQ(reconfigured.Release("s1", 1, undo_args).verdict, Verdict::kDone);

  EXPECT_THAT(old.Owned(), IsEmpty());
}

// Intended under the old configuration, attempted again under the new one.
TEST(Trap04CleanupChosenFromLiveConfig, LeaseOfAnAttemptAfterThePoolMovedIsFoundAndReleased) {
  const TempDir before, after;
  const std::string undo_args = IpamUser(before.path().string()).UndoArgs();
  IpamUser moved(after.path().string());
  moved.Lease("s1");

  EXPECT_EQ(moved.Probe("s1", 1, undo_args).verdict, Verdict::kPresent);
  EXPECT_EQ(moved.Release("s1", 1, undo_args).verdict, Verdict::kDone);

  EXPECT_THAT(moved.Owned(), IsEmpty());
}

TEST(Trap04CleanupChosenFromLiveConfig, LeaseOutsideTheNewRangeIsFoundAndReleased) {
  const TempDir dir;
  IpamUser old(dir.path().string());
  const Outcome leased = old.Lease("s1");
  IpamUser reconfigured(dir.path().string(), "10.99.0.0/24");

  EXPECT_EQ(reconfigured.Lease("s1"), leased);
  EXPECT_EQ(reconfigured.Release("s1").verdict, Verdict::kDone);
  EXPECT_THAT(reconfigured.Owned(), IsEmpty());
}

TEST(Trap09NameReuse, ReCreatedSandboxDoesNotTakeItsPredecessorsLease) {
  const TempDir dir;
  IpamUser ipam(dir.path().string());
  const std::string left = AddressOf(ipam.Lease("s1", 1));

  EXPECT_EQ(ipam.Probe("s1", 2).verdict, Verdict::kAbsent);
  EXPECT_NE(AddressOf(ipam.Lease("s1", 2)), left);
}

// Root may read everything, so the directory is made unusable by a file in its place.
class UnreadablePool : public ::testing::Test {
 protected:
  UnreadablePool() {
    ipam_.Lease("s1");
    std::filesystem::rename(dir_.path() / "lab", dir_.path() / "away");
    std::ofstream(dir_.File("lab")) << "not a directory";
  }

  const TempDir dir_;
  IpamUser ipam_{dir_.path().string()};
};
using Trap11LeakedVsLiveMisclassification = UnreadablePool;

TEST_F(Trap11LeakedVsLiveMisclassification, ReleaseIsUnknown) {
  EXPECT_EQ(ipam_.Release("s1").verdict, Verdict::kUnknown);
}

TEST_F(Trap11LeakedVsLiveMisclassification, ProbeCannotTell) {
  EXPECT_EQ(ipam_.Probe("s1").verdict, Verdict::kCannotTell);
}

TEST_F(Trap11LeakedVsLiveMisclassification, ListIsAnError) {
  EXPECT_FALSE(ipam_.extension().ListOwned().ok());
}

TEST_F(Trap11LeakedVsLiveMisclassification, DirectoryThatWentAwayIsNotAnEmptyOne) {
  std::filesystem::remove(dir_.path() / "lab");

  EXPECT_EQ(ipam_.Release("s1").verdict, Verdict::kUnknown);
  EXPECT_EQ(ipam_.Probe("s1").verdict, Verdict::kCannotTell);
}

TEST(Trap18ReuseBeforeRelease, AddressIsNotReusedBeforeItsHolderIsReleased) {
  const TempDir dir;
  IpamUser ipam(dir.path().string(), "10.70.0.10-10.70.0.10");
  const std::string address = AddressOf(ipam.Lease("s1"));

  EXPECT_EQ(ipam.Lease("s2").reason, "PoolExhausted");
  ipam.Release("s1");
  EXPECT_EQ(AddressOf(ipam.Lease("s2")), address);
}

TEST(IpamThreads, NeverShareAnAddress) {
  constexpr int kThreads = 8;
  constexpr int kEach = 12;
  const TempDir dir;
  std::vector<std::vector<std::string>> leased(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      IpamUser ipam(dir.path().string(), "10.70.0.0/25");
      for (int i = 0; i < kEach; ++i) {
        leased[t].push_back(
            AddressOf(ipam.Lease("s" + std::to_string(t) + "-" + std::to_string(i))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::set<std::string> distinct;
  for (const auto& of_thread : leased) distinct.insert(of_thread.begin(), of_thread.end());
  EXPECT_THAT(distinct, SizeIs(kThreads * kEach));
  EXPECT_FALSE(distinct.contains(""));
}

TEST(IpamThreads, WithOneKeyGetOneLease) {
  const TempDir dir;
  std::vector<std::string> leased(8);
  std::vector<std::thread> threads;
  for (std::string& address : leased) {
    threads.emplace_back([&] { address = AddressOf(IpamUser(dir.path().string()).Lease("s1")); });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(std::set<std::string>(leased.begin(), leased.end()).size(), 1U);
  EXPECT_THAT(IpamUser(dir.path().string()).Owned(), SizeIs(1));
}

}  // namespace
}  // namespace holdfast::extensions
