// SPDX-License-Identifier: Apache-2.0
//
// Method: the promise is that a process that dies inside a hook leaves one lease or none, which a
// later one finds and releases. Killed with SIGKILL at each of ipam's failpoints, in a rerun of the
// test; the parent then looks at the directory that it left. Process death, not power loss.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/conformance/rerun.h"
#include "tests/extensions/ipam_fixture.h"
#include "tests/support/temp_dir.h"

namespace holdfast::extensions {
namespace {

using ::holdfast::testing::EndRerun;
using ::holdfast::testing::InRerun;
using ::holdfast::testing::RerunThisTest;
using ::holdfast::testing::TempDir;
using ::holdfast::testing::WasKilled;
using model::Verdict;
using ::testing::SizeIs;

constexpr const char* kDirectory = "HOLDFAST_IPAM_TEST_DIRECTORY";

struct Point {
  std::string name;
  bool leased_after;  // its death leaves a lease
};

class IpamKilled : public ::testing::TestWithParam<Point> {};

TEST_P(IpamKilled, LeavesOneLeaseOrNoneAndTheNextProcessKnowsWhich) {
  if (const char* directory = InRerun(kDirectory)) {
    IpamUser ipam(directory);
    const bool leased = ipam.Lease("s1").verdict == Verdict::kDone;
    EndRerun(leased && ipam.Release("s1").verdict == Verdict::kDone);
  }
#ifndef HOLDFAST_FAILPOINTS
  GTEST_SKIP() << "NOT TESTED: this build has no failpoints";
#endif
  const TempDir dir;
  const std::string path = dir.path().string();
  // Two others, so that what is found is found among others.
  IpamUser(path).Lease("s2");
  IpamUser(path).Lease("s1", 7);

  const int status =
      RerunThisTest({{kDirectory, path}, {"HOLDFAST_FAILPOINT_KILL_ON", GetParam().name + ":1"}});
  ASSERT_TRUE(WasKilled(status)) << "the point was not hit";

  IpamUser next(path);
  EXPECT_EQ(next.Probe("s1").verdict,
            GetParam().leased_after ? Verdict::kPresent : Verdict::kAbsent);
  EXPECT_THAT(next.Owned(), SizeIs(GetParam().leased_after ? 3 : 2));
  EXPECT_EQ(next.Lease("s1").verdict, Verdict::kDone);
  EXPECT_THAT(next.Owned(), SizeIs(3)) << "doubled";
  EXPECT_EQ(next.Release("s1").verdict, Verdict::kDone);
  EXPECT_EQ(next.Probe("s1").verdict, Verdict::kAbsent);
  EXPECT_THAT(next.Owned(), SizeIs(2)) << "leaked, or took another's";
}

INSTANTIATE_TEST_SUITE_P(Points, IpamKilled,
                         ::testing::Values(Point{"kIpamBeforeLease", false},
                                           Point{"kIpamAfterLease", true},
                                           Point{"kIpamBeforeRelease", true},
                                           Point{"kIpamAfterRelease", false}),
                         [](const auto& tested) { return tested.param.name; });

TEST(Trap10TwoProcesses, NeverShareAnAddressOfOnePool) {
  constexpr int kProcesses = 4;
  constexpr int kEach = 15;
  if (const char* directory = InRerun(kDirectory)) {
    IpamUser ipam(directory, "10.70.0.10-10.70.0.69");
    bool ok = true;
    for (int i = 0; i < kEach; ++i) {
      // Released and taken again, so that addresses wander between the processes.
      const std::string sandbox = std::to_string(getpid()) + "-" + std::to_string(i);
      ok = ipam.Lease(sandbox).verdict == Verdict::kDone && ok;
      ok = ipam.Release(sandbox).verdict == Verdict::kDone && ok;
      ok = ipam.Lease(sandbox, 2).verdict == Verdict::kDone && ok;
    }
    EndRerun(ok);
  }
  const TempDir dir;
  std::vector<std::thread> parents;
  std::vector<int> statuses(kProcesses, -1);
  for (std::size_t i = 0; i < kProcesses; ++i) {
    parents.emplace_back([&, i] {
      statuses[i] = RerunThisTest({{kDirectory, dir.path().string()}});
    });
  }
  for (std::thread& parent : parents) parent.join();

  for (const int status : statuses) EXPECT_TRUE(testing::EndedWell(status));
  // Sixty leases in sixty addresses: had two shared one, a file would be missing.
  const auto owned = IpamUser(dir.path().string(), "10.70.0.10-10.70.0.69").Owned();
  std::set<std::string> addresses, sandboxes;
  for (const OwnedResource& resource : owned) {
    addresses.insert(resource.resource.handle);
    sandboxes.insert(resource.sandbox.value);
  }
  EXPECT_THAT(addresses, SizeIs(kProcesses * kEach));
  EXPECT_THAT(sandboxes, SizeIs(kProcesses * kEach));
}

}  // namespace
}  // namespace holdfast::extensions
