// SPDX-License-Identifier: Apache-2.0
//
// Any interleaving of leases and releases keeps addresses unique and ends empty. A failure prints
// the seed; rerun with RC_PARAMS="seed=…".
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/extensions/ipam_fixture.h"
#include "tests/support/temp_dir.h"

namespace holdfast::extensions {
namespace {

using model::Outcome;
using model::Verdict;

struct Step {
  bool lease;
  unsigned process;  // of two on one directory
  unsigned sandbox;
  unsigned generation;
};

rc::Gen<Step> AnyStep() {
  return rc::gen::map(rc::gen::tuple(rc::gen::arbitrary<bool>(), rc::gen::inRange(0U, 2U),
                                     rc::gen::inRange(0U, 4U), rc::gen::inRange(1U, 3U)),
                      [](const std::tuple<bool, unsigned, unsigned, unsigned>& t) {
                        return Step{std::get<0>(t), std::get<1>(t), std::get<2>(t), std::get<3>(t)};
                      });
}

TEST(IpamProperty, AnyInterleavingKeepsAddressesUniqueAndReturnsToEmpty) {
  const bool held = rc::check("leases are as in the model", [] {
    const auto steps =
        *rc::gen::resize(30, rc::gen::container<std::vector<Step>>(rc::gen::noShrink(AnyStep())));
    const testing::TempDir dir;
    IpamUser processes[2] = {IpamUser(dir.path().string()), IpamUser(dir.path().string())};
    std::map<std::pair<unsigned, unsigned>, std::string> model;  // sandbox, generation -> address
    for (const Step& step : steps) {
      IpamUser& ipam = processes[step.process];
      const std::string sandbox = "s" + std::to_string(step.sandbox);
      const std::pair owner{step.sandbox, step.generation};
      if (step.lease) {
        const Outcome outcome = ipam.Lease(sandbox, step.generation);
        if (const auto at = model.find(owner); at != model.end()) {
          RC_ASSERT(AddressOf(outcome) == at->second);
        } else if (model.size() == 4) {
          RC_ASSERT(outcome.reason == "PoolExhausted");
        } else {
          RC_ASSERT(outcome.verdict == Verdict::kDone);
          model[owner] = AddressOf(outcome);
        }
      } else {
        RC_ASSERT(ipam.Release(sandbox, step.generation).verdict == Verdict::kDone);
        model.erase(owner);
      }
      std::set<std::string> addresses;
      for (const auto& [of, address] : model) addresses.insert(address);
      RC_ASSERT(addresses.size() == model.size());
      RC_ASSERT(ipam.Owned().size() == model.size());
    }
    for (unsigned sandbox = 0; sandbox < 4; ++sandbox) {
      for (unsigned generation = 1; generation < 3; ++generation) {
        processes[0].Release("s" + std::to_string(sandbox), generation);
      }
    }
    RC_ASSERT(processes[1].Owned().empty());
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace holdfast::extensions
