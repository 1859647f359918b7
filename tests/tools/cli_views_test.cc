// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "statemachine/codec/codec.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli_fixture.h"
#include "tools/journal-cli/leaks.h"
#include "tools/views/convert.h"
#include "tools/views/journal_view.h"
#include "tools/views/narrator.h"

namespace holdfast::testing {
namespace {

using lifecycle::v1::HistoryEntry;
using lifecycle::v1::HistoryRequest;

class View : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteFixture(dir_.File("j"));
    auto opened = journal::Reader::Open(dir_.File("j"));
    ASSERT_TRUE(opened.ok()) << opened.status();
    reader_ = *std::move(opened);
  }

  std::vector<HistoryEntry> History(const std::string& id, std::uint64_t after,
                                    std::uint32_t limit) {
    HistoryRequest request;
    request.set_sandbox_id(id);
    request.set_after(after);
    request.set_limit(limit);
    std::vector<HistoryEntry> entries;
    views::JournalView view(*reader_);
    const absl::Status status = view.History(request, [&](const HistoryEntry& entry) {
      entries.push_back(entry);
      return true;
    });
    EXPECT_TRUE(status.ok()) << status;
    return entries;
  }

  TempDir dir_;
  std::unique_ptr<journal::Reader> reader_;
};

TEST_F(View, TellsTheSameTextWhereverTheHistoryBegins) {
  const std::vector<HistoryEntry> all = History("charlie", 0, 0);
  ASSERT_GT(all.size(), 10U);

  for (std::uint64_t after = 0; after < all.size(); ++after) {
    const std::vector<HistoryEntry> one = History("charlie", after, 1);
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].text(), all[after].text());
  }
}

TEST_F(View, TellsTheWholeJournalInOrderOfPosition) {
  const std::vector<HistoryEntry> all = History("", 0, 0);

  ASSERT_FALSE(all.empty());
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_GT(all[i].position(), all[i - 1].position());
  EXPECT_EQ(History("", all[2].position(), 1)[0].position(), all[3].position());
}

TEST_F(View, GivesEveryRecordADetailThatIsJson) {
  for (const HistoryEntry& entry : History("", 0, 0)) {
    EXPECT_TRUE(nlohmann::json::accept(entry.detail())) << entry.detail();
  }
}

TEST_F(View, ListsInPagesThatMeet) {
  views::JournalView view(*reader_);
  lifecycle::v1::ListRequest request;
  request.set_include_deleted(true);
  request.set_limit(3);

  const auto first = view.List(request);
  ASSERT_TRUE(first.ok()) << first.status();
  request.set_after_id(first->next_after_id());
  const auto second = view.List(request);
  ASSERT_TRUE(second.ok()) << second.status();

  EXPECT_EQ(first->sandboxes_size(), 3);
  EXPECT_EQ(first->next_after_id(), "charlie");
  ASSERT_EQ(second->sandboxes_size(), 1);
  EXPECT_EQ(second->sandboxes(0).id(), "delta");
  EXPECT_EQ(second->next_after_id(), "");
}

TEST_F(View, LeavesLongPartsOutOfLists) {
  views::JournalView view(*reader_);

  const auto list = view.List({});

  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_FALSE(list->sandboxes(0).has_spec());
  EXPECT_EQ(list->sandboxes(0).held_size(), 0);
}

TEST(Spec, SurvivesTheWayToTheWireAndBack) {
  model::SandboxSpec spec;
  spec.name = "n";
  spec.workspace = "w";
  spec.driver = "d";
  spec.image = "i";
  spec.command = {"a", "b"};
  spec.environment = {{"K", "V"}};
  spec.labels = {{"L", "M"}};
  spec.tty = true;
  spec.log_level = "debug";
  spec.cpu_request = "1";
  spec.cpu_limit = "2";
  spec.memory_request = "3";
  spec.memory_limit = "4";
  spec.driver_config = "{}";
  spec.platform_config = "[]";
  spec.gpu = true;
  spec.gpu_count = 2;

  EXPECT_EQ(views::SpecFromProto(views::SpecToProto(spec)), spec);
}

TEST(Narrator, SaysWhatItCannotRead) {
  journal::Record record;
  record.type = "FromTheFuture";
  record.payload = "\xff\xff";

  const HistoryEntry entry = views::Narrator().Tell(record);

  EXPECT_THAT(entry.text(), ::testing::StartsWith("cannot be read: "));
}

TEST(Narrator, KeepsAMessageWithLineBreaksOnOneLine) {
  const model::Recorded recorded{
      {1}, {1}, model::AgreementChanged{model::Agreement::kDrifted, "one\ntwo"}};

  EXPECT_EQ(views::EventText(recorded, nullptr), "agreement Drifted: one two");
}

TEST(Narrator, ShowsAnExtensionsStateBySizeOnly) {
  model::StepAnswered answered;
  answered.outcome = model::Outcome::Done();
  answered.outcome.state = model::StateBlob{3, "inner thoughts"};

  const std::string detail = views::EventJson(answered);

  EXPECT_EQ(detail.find("inner"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(detail)["state"]["bytes"], 14);
}

// Of the ledger alone nobody can say whether a thing will be released; its sandbox's steps say it.
TEST(Leaks, AreWhatNoStepAnswersFor) {
  lifecycle::v1::LedgerEntry entry;
  entry.set_sandbox_id("s");
  entry.set_intent(5);
  lifecycle::v1::Sandbox sandbox;
  sandbox.set_id("s");
  sandbox.set_state("Running");

  EXPECT_EQ(journal_cli::FindLeaks({entry}, {{"s", sandbox}}).size(), 1U);
  sandbox.add_held()->set_intent(5);
  EXPECT_EQ(journal_cli::FindLeaks({entry}, {{"s", sandbox}}).size(), 0U);
  sandbox.set_state("Stuck");
  EXPECT_EQ(journal_cli::FindLeaks({entry}, {{"s", sandbox}}).size(), 1U);
  EXPECT_EQ(journal_cli::FindLeaks({entry}, {}).size(), 1U);
}

}  // namespace
}  // namespace holdfast::testing
