// SPDX-License-Identifier: Apache-2.0
//
// An upgrade: the gateway is started on the journal of a killed gateway of each version of the
// format (tests/data/journals). The host's world is not that of the sample: its processes, leases
// and directories are gone, as after the loss of a machine whose journal was kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/house.h"
#include "tests/journal/sample.h"

namespace holdfast::e2e {
namespace {

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

  std::map<std::string, std::string> States() {
    std::map<std::string, std::string> states;
    for (const lifecycle::Sandbox& sandbox : house_.Connect().List(true).response) {
      states[sandbox.id()] = sandbox.state();
    }
    return states;
  }
};

// The operations in flight end, and what ran is seen to run no more.
TEST_P(SampleJournal, BringsEverySandboxToADefinedState) {
  const std::map<std::string, std::string> expected = {
      {"running", "Stopped"},  {"stopped", "Stopped"}, {"deleted", "Deleted"}, {"again", "Stopped"},
      {"deleting", "Deleted"}, {"ended", "Stopped"},   {"stopping", "Stopped"}};

  EXPECT_TRUE(Eventually([&] { return States() == expected; }))
      << ::testing::PrintToString(States());
}

TEST_P(SampleJournal, DeletesEverySandboxAndHoldsNothing) {
  ASSERT_TRUE(Eventually([&] { return house_.Connect().State("deleting") == "Deleted"; }));
  for (const auto& [id, state] : States()) {
    if (state == "Deleted") continue;
    const Ran deleted = house_.Holdfast({"delete", id});
    EXPECT_EQ(deleted.code, 0) << id << ": " << deleted.out << deleted.err;
  }

  for (const auto& [id, state] : States()) EXPECT_EQ(state, "Deleted") << id;
  const Ran ledger = house_.JournalCli({"ledger"});
  EXPECT_EQ(ledger.code, 0) << ledger.err;
  EXPECT_THAT(ledger.out, HasSubstr("nothing"));
}

TEST_P(SampleJournal, StartsASandboxOfTheOldJournalAnew) {
  ASSERT_TRUE(Eventually([&] { return house_.Connect().State("deleting") == "Deleted"; }));

  const auto created = house_.Connect().Submit(CreateRequest("deleting", Forever()));

  EXPECT_EQ(created.response.sandbox().state(), "Running") << created.status.error_message();
}

INSTANTIATE_TEST_SUITE_P(All, SampleJournal, ::testing::ValuesIn(HouseSamples()),
                         [](const ::testing::TestParamInfo<journal::Sample>& param) {
                           return fmt::format("v{}", param.param.version);
                         });

}  // namespace
}  // namespace holdfast::e2e
