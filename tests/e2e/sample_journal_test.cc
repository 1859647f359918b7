// SPDX-License-Identifier: Apache-2.0
//
// An upgrade: the gateway is started on the journal of a killed gateway of each version of the
// format (tests/data/journals). The host's world is not that of the sample: its processes, leases
// and directories are gone, as after the loss of a machine whose journal was kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/house.h"
#include "tests/journal/sample.h"

namespace holdfast::e2e {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::vector<journal::Sample> HouseSamples() {
  std::vector<journal::Sample> samples = journal::ListSamples(HOLDFAST_SAMPLES);
  std::erase_if(samples, [](const journal::Sample& sample) { return sample.name != "house"; });
  return samples;
}

class SampleJournal : public InHouse, public ::testing::WithParamInterface<journal::Sample> {
 protected:
  void SetUp() override {
    house_.Configure(R"(extensions = ["env", "ipam"]

[policy]
backoff_initial_ms = 20
probes_max = 2
undo_attempts_max = 2

[drivers.process]
isolation = "none"

[extension.ipam.config]
range = "10.70.0.10-10.70.0.200"
)");
    std::filesystem::create_directories(house_.state());
    std::filesystem::permissions(house_.state(), std::filesystem::perms::owner_all);
    ASSERT_EQ(journal::UnpackSample(GetParam(), house_.state()), house_.journal());
    ASSERT_NO_FATAL_FAILURE(house_.Start());
  }

  void TearDown() override {
    for (const auto& [id, state] : States()) {
      if (state != "Deleted") Delete(id);
    }
    InHouse::TearDown();
  }

  std::map<std::string, std::string> States() {
    std::map<std::string, std::string> states;
    for (const lifecycle::Sandbox& sandbox : house_.Connect().List(true).response) {
      states[sandbox.id()] = sandbox.state();
    }
    return states;
  }

  // As an operator would. The leases are in a directory that the journal names and this host does
  // not have: that is no proof that nothing is leased, so somebody has to attest it.
  void Delete(const std::string& id) {
    house_.Holdfast({"delete", id});
    for (int parked = 0; parked < 3 && house_.Connect().State(id) == "Stuck"; ++parked) {
      const Ran repair = house_.Holdfast(
          {"repair", id, "--mark-released", "--note", "the machine with the leases is gone"});
      EXPECT_EQ(repair.code, 0) << id << ": " << repair.out << repair.err;
    }
    EXPECT_EQ(house_.Connect().State(id), "Deleted") << id;
  }

  // When the operations that were in flight have ended, one way or the other.
  bool Settled() {
    const std::map<std::string, std::string> states = States();
    return states.size() == 7 && std::all_of(states.begin(), states.end(), [](const auto& entry) {
             return entry.second == "Stopped" || entry.second == "Deleted" ||
                    entry.second == "Stuck";
           });
  }
};

// The operations in flight end, and what ran is seen to run no more.
TEST_P(SampleJournal, BringsEverySandboxToADefinedState) {
  ASSERT_TRUE(Eventually([&] { return Settled(); })) << ::testing::PrintToString(States());

  auto states = States();
  EXPECT_THAT(states["deleting"], AnyOf("Deleted", "Stuck"));
  states.erase("deleting");
  EXPECT_EQ(states, (std::map<std::string, std::string>{{"running", "Stopped"},
                                                        {"stopped", "Stopped"},
                                                        {"deleted", "Deleted"},
                                                        {"again", "Stopped"},
                                                        {"ended", "Stopped"},
                                                        {"stopping", "Stopped"}}));
}

TEST_P(SampleJournal, DeletesEverySandboxAndHoldsNothing) {
  ASSERT_TRUE(Eventually([&] { return Settled(); })) << ::testing::PrintToString(States());

  for (const auto& [id, state] : States()) {
    if (state != "Deleted") Delete(id);
  }

  const Ran ledger = house_.JournalCli({"ledger"});
  EXPECT_EQ(ledger.code, 0) << ledger.err;
  EXPECT_THAT(ledger.out, HasSubstr("nothing"));
}

TEST_P(SampleJournal, StartsASandboxOfTheOldJournalAnew) {
  ASSERT_TRUE(Eventually([&] { return Settled(); })) << ::testing::PrintToString(States());
  if (house_.Connect().State("deleting") != "Deleted") Delete("deleting");

  const auto created = house_.Connect().Submit(CreateRequest("deleting", Forever()));

  EXPECT_EQ(created.response.sandbox().state(), "Running") << created.status.error_message();
}

INSTANTIATE_TEST_SUITE_P(All, SampleJournal, ::testing::ValuesIn(HouseSamples()),
                         [](const ::testing::TestParamInfo<journal::Sample>& param) {
                           return fmt::format("v{}", param.param.version);
                         });

}  // namespace
}  // namespace holdfast::e2e
