// SPDX-License-Identifier: Apache-2.0
//
// `holdfast` as a script uses it: what it prints where, how it ends, and that a gateway's death
// while it waits is not its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/held_pool.h"
#include "tests/e2e/house.h"

namespace holdfast::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class CommandLine : public InHouse {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(house_.Start()); }
};

TEST_F(CommandLine, CreateWaitsAndShowsItsProgress) {
  const Ran ran = house_.Holdfast({"create", "a", "--", "sleep", "100000"});

  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "a: create #1 Succeeded, state Running\n");
  EXPECT_THAT(ran.err, HasSubstr("a: Running\n"));
  EXPECT_EQ(house_.Connect().State("a"), "Running");
}

TEST_F(CommandLine, NoWaitReturnsWhenItIsAccepted) {
  HeldPool pool(house_.state());  // so that it cannot be finished yet

  const Ran ran = house_.Holdfast({"create", "a", "--no-wait", "--", "sleep", "100000"});

  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("a: create #1 accepted, state "));
  EXPECT_NE(house_.Connect().State("a"), "Running");
  pool.Release();
  EXPECT_TRUE(Eventually([&] { return house_.Connect().State("a") == "Running"; }));
}

TEST_F(CommandLine, ExitCodesAreThoseOfTheManual) {
  EXPECT_EQ(house_.Holdfast({"create", "a", "--", "sleep", "100000"}).code, 0);
  EXPECT_EQ(house_.Holdfast({"create"}).code, 1);
  EXPECT_EQ(house_.Holdfast({"no-such-verb"}).code, 1);
  EXPECT_EQ(house_.Holdfast({"delete", "a", "--grace", "5"}).code, 1);  // no unit
  EXPECT_EQ(house_.Holdfast({"get", "nobody"}).code, 2);
  EXPECT_EQ(house_.Holdfast({"stop", "nobody"}).code, 2);
  EXPECT_EQ(house_.Holdfast({"delete", "nobody"}).code, 2);
  EXPECT_EQ(house_.Holdfast({"create", "a", "--", "sleep", "1"}).code, 5);  // exists
  EXPECT_EQ(house_.Holdfast({"create", "x/y", "--", "sleep", "1"}).code, 5);
  EXPECT_EQ(house_.Holdfast({"create", "b", "--", "no-such-program"}).code, 5);
  EXPECT_EQ(house_.Holdfast({"--socket", house_.File("nobody.sock"), "ls"}).code, 5);
  EXPECT_EQ(house_.JournalCli({"why", "nobody"}).code, 2);
  EXPECT_EQ(house_.Holdfast({"stop", "a"}).code, 0);
  EXPECT_EQ(house_.Holdfast({"start", "a"}).code, 0);
  EXPECT_EQ(house_.Holdfast({"delete", "a"}).code, 0);
}

TEST_F(CommandLine, FailedCreateEndsWith3AndSaysWhy) {
  std::string config = UsualConfig();
  config.replace(config.find("10.70.0.0/24"), 12, "10.70.0.1-10.70.0.1");
  house_.Configure(config);
  house_.gateway().Kill();
  ASSERT_NO_FATAL_FAILURE(house_.Start());
  ASSERT_EQ(house_.Holdfast({"create", "a", "--", "sleep", "100000"}).code, 0);

  const Ran ran = house_.Holdfast({"create", "b", "--", "sleep", "100000"});

  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.out, HasSubstr("b: create #1 Failed, state Failed"));
  EXPECT_THAT(ran.err, HasSubstr("PoolExhausted"));
  EXPECT_THAT(ran.err, HasSubstr("journal-cli why b"));
  EXPECT_EQ(house_.Look().leases.size(), 1U);
}

TEST_F(CommandLine, JsonParsesAndNothingElseIsOnStandardOutput) {
  const Ran create = house_.Holdfast({"-o", "json", "create", "a", "--", "sleep", "100000"});
  const json created = json::parse(create.out, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(created.is_object()) << create.out;
  EXPECT_EQ(created["sandbox"]["state"], "Running");
  EXPECT_EQ(created["result"]["result"], "Succeeded");

  const json list = json::parse(house_.Holdfast({"ls", "-o", "json"}).out, nullptr, false);
  ASSERT_TRUE(list.is_array());
  EXPECT_EQ(list.size(), 1U);
  const json status = json::parse(house_.Holdfast({"status", "-o", "json"}).out, nullptr, false);
  EXPECT_EQ(status["pid"], house_.gateway().pid());
  for (const std::vector<std::string>& words : {std::vector<std::string>{"show", "a"},
                                                {"why", "a"},
                                                {"ls"},
                                                {"ledger"},
                                                {"leaks"},
                                                {"verify"},
                                                {"graph"},
                                                {"status"}}) {
    std::vector<std::string> line = words;
    line.insert(line.begin(), {"-o", "json"});
    const Ran ran = house_.JournalCli(line);
    EXPECT_FALSE(json::parse(ran.out, nullptr, false).is_discarded()) << words[0] << ran.out;
  }
}

TEST_F(CommandLine, CreateOutlivesTheDeathOfTheGatewayItWaitsFor) {
  HeldPool pool(house_.state());
  const auto create = house_.HoldfastLater({"create", "a", "--", "sleep", "100000"});
  ASSERT_TRUE(Eventually([&] { return create->Err().find("a: Preparing") != std::string::npos; }));

  house_.gateway().Kill();
  ASSERT_TRUE(Eventually([&] { return create->Err().find("waiting for it") != std::string::npos; }))
      << create->Err();
  pool.Release();
  ASSERT_NO_FATAL_FAILURE(house_.Start());

  const auto ending = create->Wait(std::chrono::seconds(30));
  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->exit_code, 0) << create->Err();
  EXPECT_EQ(create->Out(), "a: create #1 Succeeded, state Running\n");
}

TEST_F(CommandLine, InterruptingAWaitLeavesTheOperation) {
  HeldPool pool(house_.state());
  const auto create = house_.HoldfastLater({"create", "a", "--", "sleep", "100000"});
  ASSERT_TRUE(Eventually([&] { return create->Err().find("a: Preparing") != std::string::npos; }));

  create->Signal(SIGINT);
  ASSERT_TRUE(create->Wait(std::chrono::seconds(10)).has_value());
  pool.Release();

  EXPECT_TRUE(Eventually([&] { return house_.Connect().State("a") == "Running"; }));
}

}  // namespace
}  // namespace holdfast::e2e
