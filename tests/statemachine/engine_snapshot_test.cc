// SPDX-License-Identifier: Apache-2.0
//
// When the engine has a snapshot kept, what a start reads because of it, and that a start never
// depends on one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/snapshot.h"
#include "statemachine/engine/history.h"
#include "statemachine/engine/loading.h"
#include "statemachine/model/action.h"
#include "tests/simulation/flaky_journal.h"
#include "tests/simulation/sim_house.h"
#include "tests/support/status_matchers.h"

namespace holdfast {
namespace {

using engine::Loaded;
using model::State;
using simulation::Fault;
using simulation::FlakyJournal;
using simulation::FlakyReader;
using simulation::SimHouse;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

// Changes a closed journal behind everybody's back.
void Tamper(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  sqlite3_free(error);
  sqlite3_close(database);
}

// Appends to a closed journal: one event that changes little, with any snapshot.
void AppendWithSnapshot(const std::string& path, const std::string& id, const model::Event& event,
                        std::optional<std::string> snapshot) {
  journal::Options options;
  options.path = path;
  auto journal = journal::Journal::Open(std::move(options));
  ASSERT_THAT(journal, IsOk());
  const auto row = (*journal)->reader().FindSandbox(id);
  ASSERT_THAT(row, IsOk());
  journal::Batch batch;
  batch.sandbox_id = id;
  batch.expected_sequence = row->head_sequence;
  batch.drafts = {codec::Encode(event, {1})};
  batch.projection = row->projection;
  batch.snapshot = std::move(snapshot);
  ASSERT_THAT((*journal)->Append(std::move(batch)), IsOk());
  ASSERT_THAT((*journal)->Close(), IsOk());
}

model::Sandbox FoldAll(journal::Reader& reader, const std::string& id) {
  auto row = reader.FindSandbox(id);
  EXPECT_TRUE(row.ok()) << row.status();
  auto loaded = engine::LoadSandbox(reader, *row, nullptr);
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return std::move(loaded->sandbox);
}

std::map<std::string, absl::StatusOr<Loaded>> LoadAllLive(journal::Reader& reader) {
  std::vector<model::SandboxId> ids;
  auto rows = reader.ListSandboxes(true, "", 10'000);
  EXPECT_TRUE(rows.ok()) << rows.status();
  for (const auto& row : *rows) ids.push_back({row.sandbox_id});
  std::mutex mu;
  std::map<std::string, absl::StatusOr<Loaded>> all;
  engine::LoadLive(reader, ids, [&](const model::SandboxId& id, absl::StatusOr<Loaded> loaded) {
    std::lock_guard lock(mu);
    EXPECT_TRUE(all.emplace(id.value, std::move(loaded)).second) << id.value << " came twice";
  });
  return all;
}

TEST(EngineSnapshot, IsKeptOfASandboxThatComesToRest) {
  SimHouse house;
  house.Open();
  auto created = house.Create("s");
  ASSERT_THAT(created, IsOk());
  ASSERT_THAT(house.journal().Flush(), IsOk());

  const auto snapshot = house.reader().FindSnapshot("s");

  ASSERT_THAT(snapshot, IsOk());
  ASSERT_TRUE(snapshot->has_value());
  const auto decoded = codec::DecodeSnapshot((*snapshot)->bytes, "s");
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(*decoded, created->sandbox);
  EXPECT_EQ(*decoded, FoldAll(house.reader(), "s"));
}

TEST(EngineSnapshot, IsKeptEverySoManyRecordsOfASandboxThatDoesNotRest) {
  SimHouse house;
  house.policy.forward_attempts_max = 1'000;
  std::vector<Fault> faults(60, Fault::kFailRetryable);
  faults.push_back(Fault::kHangBefore);
  house.world().Plan("s", "provision", faults);
  house.Open();
  ASSERT_THAT(house.Accept(SimHouse::CreateCommand("s")), IsOk());
  for (int i = 0; i < 20'000 && house.world().calls("s", "provision") < faults.size(); ++i) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  ASSERT_THAT(house.journal().Flush(), IsOk());

  const auto row = house.reader().FindSandbox("s");
  const auto snapshot = house.reader().FindSnapshot("s");

  ASSERT_THAT(row, IsOk());
  ASSERT_THAT(snapshot, IsOk());
  ASSERT_GT(row->head_sequence, 150u);
  ASSERT_TRUE(snapshot->has_value());
  EXPECT_LE(row->head_sequence - (*snapshot)->sequence, 64u);
}

TEST(EngineSnapshot, SparesAStartTheRecordsBeforeIt) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  house.Close();
  // Whoever reads the first record finds that it was changed.
  Tamper(house.journal_path(), "UPDATE records SET payload = x'00' WHERE position = 1");

  house.Open();

  const auto update = house.engine().Get({"s"});
  ASSERT_THAT(update, IsOk());
  EXPECT_EQ(update->quarantine, "");
  EXPECT_EQ(update->sandbox.state, State::kRunning);
}

TEST(EngineSnapshot, MayBeLostAndTheRecordsAreFoldedInstead) {
  SimHouse house;
  house.Open();
  auto created = house.Create("s");
  ASSERT_THAT(created, IsOk());
  house.Close();
  Tamper(house.journal_path(), "DELETE FROM snapshots");

  house.Open();

  const auto update = house.engine().Get({"s"});
  ASSERT_THAT(update, IsOk());
  EXPECT_EQ(update->sandbox, created->sandbox);
  EXPECT_THAT(house.engine().startup_report().findings, IsEmpty());
}

TEST(EngineSnapshot, ThatCannotBeDecodedIsIgnoredAndReported) {
  SimHouse house;
  house.Open();
  ASSERT_THAT(house.Create("s"), IsOk());
  house.Close();
  AppendWithSnapshot(house.journal_path(), "s",
                     model::AgreementChanged{model::Agreement::kConsistent, ""}, "\x08\x01\x12");

  house.Open();

  const auto update = house.engine().Get({"s"});
  ASSERT_THAT(update, IsOk());
  EXPECT_EQ(update->quarantine, "");
  EXPECT_EQ(update->sandbox, FoldAll(house.reader(), "s"));
  EXPECT_THAT(house.engine().startup_report().findings,
              ElementsAre(HasSubstr("sandbox 's' was folded from its first record: ")));
}

TEST(EngineSnapshot, WhoseSuffixDoesNotFoldIsIgnored) {
  SimHouse house;
  house.Open();
  auto created = house.Create("s");
  ASSERT_THAT(created, IsOk());
  house.Close();
  // It claims that nothing is held; then what was held vanishes.
  model::Sandbox lie = created->sandbox;
  const model::IntentId start = lie.held.back().intent;
  lie.held.clear();
  lie.head.value += 1;
  AppendWithSnapshot(house.journal_path(), "s",
                     model::AgreementChanged{model::Agreement::kConsistent, ""},
                     codec::EncodeSnapshot(lie));
  AppendWithSnapshot(house.journal_path(), "s", model::EffectVanished{start, "Exited", "", {}},
                     std::nullopt);

  auto reader = journal::Reader::Open(house.journal_path());
  ASSERT_THAT(reader, IsOk());
  const auto loaded = engine::LoadSandbox(**reader, model::SandboxId{"s"});

  ASSERT_THAT(loaded, IsOk());
  EXPECT_THAT(loaded->ignored, HasSubstr("what vanished was not held"));
  EXPECT_EQ(loaded->sandbox, FoldAll(**reader, "s"));
}

// A house that was busy when it died, read through a FlakyReader.
class LoadLive : public ::testing::Test {
 protected:
  void SetUp() override {
    house_.Open();
    for (int i = 0; i < kMade; ++i) {
      const std::string id = "s" + std::to_string(i);
      if (i % 3 == 0) house_.world().Plan(id, "start", {Fault::kHangAfter});
      if (i % 7 == 0) house_.world().Plan(id, "provision", {Fault::kFail});
      ASSERT_THAT(house_.Accept(SimHouse::CreateCommand(id)), IsOk());
    }
    for (int i = 0; i < kMade; i += kMade / kDeleted)
      ASSERT_THAT(house_.Delete("s" + std::to_string(i)), IsOk());
    house_.Close();
    auto reader = journal::Reader::Open(house_.journal_path());
    ASSERT_THAT(reader, IsOk());
    real_ = *std::move(reader);
    reader_ = std::make_unique<FlakyReader>(*real_);
  }

  static constexpr int kMade = 63;
  static constexpr int kDeleted = 3;
  SimHouse house_;
  std::unique_ptr<journal::Reader> real_;
  std::unique_ptr<FlakyReader> reader_;
};

TEST_F(LoadLive, GivesWhatFoldingAllRecordsGives) {
  const auto all = LoadAllLive(*reader_);

  ASSERT_EQ(all.size(), std::size_t{kMade - kDeleted});
  for (const auto& [id, loaded] : all) {
    ASSERT_THAT(loaded, IsOk());
    EXPECT_EQ(loaded->sandbox, FoldAll(*real_, id)) << id;
    EXPECT_EQ(loaded->ignored, "");
  }
}

TEST_F(LoadLive, ReadsNoRecordOfASandboxThatRests) {
  const auto all = LoadAllLive(*reader_);

  std::uint64_t after_snapshots = 0;
  std::uint64_t resting = 0;
  for (const auto& [id, loaded] : all) {
    ASSERT_THAT(loaded, IsOk());
    after_snapshots += loaded->sandbox.head.value - loaded->snapshot.value;
    resting += loaded->sandbox.head == loaded->snapshot ? 1 : 0;
  }
  EXPECT_EQ(reader_->records_read(), after_snapshots);
  EXPECT_GT(resting, std::uint64_t{kMade / 2});
}

TEST_F(LoadLive, TriesAgainWhatCouldNotBeReadJustThen) {
  reader_->FailNext(5);

  for (const auto& [id, loaded] : LoadAllLive(*reader_)) EXPECT_THAT(loaded, IsOk()) << id;
}

TEST_F(LoadLive, GivesUpInTheEndWithTheReasonAndKeepsTheOthers) {
  reader_->FailNext(1'000'000);

  const auto all = LoadAllLive(*reader_);

  EXPECT_EQ(all.size(), std::size_t{kMade - kDeleted});
  std::uint64_t read = 0;
  for (const auto& [id, loaded] : all) {
    // One that rests needs nothing but its row and its snapshot.
    if (loaded.ok()) {
      ++read;
    } else {
      EXPECT_THAT(loaded, StatusIs(absl::StatusCode::kUnavailable)) << id;
    }
  }
  EXPECT_GT(read, std::uint64_t{kMade / 2});
  EXPECT_LT(read, all.size());
}

TEST_F(LoadLive, SetsOneThatIsDamagedAsideAndNoOther) {
  real_.reset();
  Tamper(
      house_.journal_path(),
      "DELETE FROM snapshots; UPDATE records SET payload = x'00' WHERE sequence = 1 AND sandbox = "
      "(SELECT key FROM sandboxes WHERE id = 's1')");
  auto reader = journal::Reader::Open(house_.journal_path());
  ASSERT_THAT(reader, IsOk());

  const auto all = LoadAllLive(**reader);

  int damaged = 0;
  for (const auto& [id, loaded] : all) {
    if (loaded.ok()) continue;
    EXPECT_THAT(loaded, StatusIs(absl::StatusCode::kDataLoss)) << id;
    ++damaged;
  }
  EXPECT_EQ(damaged, 1);
}

// The engine alone over a journal whose reads fail; one sandbox "s" was there and is deleted, so
// that its next create has to read.
class LaneLoading : public ::testing::Test {
 protected:
  void SetUp() override {
    journal::Options journal_options;
    journal_options.path = dir_.File("journal.db");
    auto journal = journal::Journal::Open(std::move(journal_options));
    ASSERT_THAT(journal, IsOk());
    real_ = *std::move(journal);
    journal_ = std::make_unique<FlakyJournal>(*real_);
    auto chain = extensions::ExtensionChain::Make({}, {});
    ASSERT_THAT(chain, IsOk());
    chain_ = *std::move(chain);
    std::vector<std::unique_ptr<drivers::Driver>> drivers;
    drivers.push_back(MakeSimDriver(std::make_shared<simulation::SimWorld>(), {}));
    auto engine = engine::Engine::Start(*journal_, *chain_, std::move(drivers), {});
    ASSERT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
    ASSERT_TRUE(engine_->WaitRecovered(milliseconds(20'000)));
    ASSERT_THAT(engine_->SubmitAndWait(SimHouse::CreateCommand("s"), true), IsOk());
    ASSERT_THAT(engine_->SubmitAndWait({{"s"}, "", model::DeleteSandbox{}}, true), IsOk());
    ASSERT_TRUE(engine_->WaitIdleForTest(milliseconds(20'000)));
  }

  testing::TempDir dir_;
  std::unique_ptr<journal::Journal> real_;
  std::unique_ptr<FlakyJournal> journal_;
  std::unique_ptr<extensions::ExtensionChain> chain_;
  std::unique_ptr<engine::Engine> engine_;
};

TEST_F(LaneLoading, TriesAgainWhatCouldNotBeReadJustThen) {
  journal_->reader().FailNext(3);

  const auto created = engine_->SubmitAndWait(SimHouse::CreateCommand("s"), true);

  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->sandbox.state, State::kRunning);
  EXPECT_EQ(created->sandbox.generation, model::Generation{3});
}

TEST_F(LaneLoading, SetsTheSandboxAsideWhenItCannotBeReadAgainAndAgain) {
  journal_->reader().FailNext(1'000'000);

  const auto refused = engine_->SubmitAndWait(SimHouse::CreateCommand("s"), true);

  ASSERT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("the disk is not there"));
}

}  // namespace
}  // namespace holdfast
