// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/workload.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "support/status_macros.h"
#include "tests/journal/testing.h"

namespace holdfast::faults {
namespace {

using journal::Appended;
using journal::Batch;
using journal::BatchOf;
using journal::Draft;
using journal::Journal;
using journal::Options;
using journal::Reader;

constexpr int kSandboxesAtOnce = 8;
constexpr int kThreads = 3;
constexpr int kBatchesPerThread = 2;
// Five times the longest pause between two tries of an unsound journal, and much more.
constexpr std::chrono::seconds kSoundMost{20};

bool BecomesSound(const Journal& journal) {
  const auto until = std::chrono::steady_clock::now() + kSoundMost;
  while (!journal.sound() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // polls; nothing is assumed of it
  }
  return journal.sound();
}

}  // namespace

Options WorkloadOptions(const std::string& path) {
  Options options = journal::OptionsFor(path);
  options.limits.flush_records_max = 16;
  return options;
}

std::unique_ptr<Journal> OpenSound(const std::string& path) {
  auto journal = Journal::Open(WorkloadOptions(path));
  EXPECT_TRUE(journal.ok()) << journal.status();
  return journal.ok() ? *std::move(journal) : nullptr;
}

void ExpectVerifiesClean(Reader& reader) {
  for (const auto mode : {journal::VerifyMode::kQuick, journal::VerifyMode::kDeep}) {
    const auto report = reader.Verify(mode);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << journal::Summary(*report);
  }
}

Workload::Workload(std::string path, std::optional<Fault> fault)
    : path_(std::move(path)), fault_(fault) {}

void Workload::Run() {
  Open();
  if (journal_ == nullptr) return;
  LiveAndEnd("one");
  AppendManyAtOnce();
  AppendByThreads();
  ReadAndVerify();
  ReplaceSealed("many0");
  Flush();
  CheckpointFromOutside();
  Append(Events("large", 2, 20'000));
  Append(Events("one", 1));
  ReadAndVerify();
  Close();
  Open();
  if (journal_ == nullptr) return;
  Append(Events("one", 2));
  LiveAndEnd("two");
  ReadAndVerify();
  Close();
  ReadFromOutside();
}

void Workload::ExpectExactlyWhatWasAcknowledged() {
  const auto journal = OpenSound(path_);
  if (journal == nullptr) return;
  const absl::Status read = history_.ExpectIs(journal->reader());
  EXPECT_TRUE(read.ok()) << read;
  ExpectVerifiesClean(journal->reader());
}

void Workload::Open() {
  Try("opening", [this] {
    HF_ASSIGN_OR_RETURN(journal_, Journal::Open(WorkloadOptions(path_)));
    return absl::OkStatus();
  });
}

void Workload::Close() {
  const absl::Status closed = journal_->Close();
  if (!closed.ok()) {
    ExpectIsDocumented("closing", closed);
    Storage::Get().Lift();
  }
  journal_.reset();
}

Batch Workload::Events(const std::string& sandbox_id, std::size_t count,
                       std::size_t payload_bytes) const {
  const std::uint64_t head = history_.head(sandbox_id);
  std::vector<Draft> drafts;
  for (std::size_t i = 0; i < count; ++i) {
    // No two records are alike.
    std::string payload = fmt::format("{} {} ", sandbox_id, head + i + 1);
    payload.resize(std::max(payload.size(), payload_bytes), 'x');
    drafts.push_back(Draft::Event("SomethingHappened", std::move(payload),
                                  static_cast<std::int64_t>(1'000 + head + i)));
  }
  Batch batch = BatchOf(sandbox_id, head, std::move(drafts));
  batch.projection.summary = fmt::format("after {}", head + count);
  batch.snapshot = SnapshotOf(sandbox_id, head + count);
  if (head == 0) batch.sealed = "sealed for " + sandbox_id;
  return batch;
}

void Workload::Append(Batch batch) {
  Try("appending", [&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(const Appended appended, journal_->Append(batch));
    history_.Acknowledged(batch, appended);
    return absl::OkStatus();
  });
}

void Workload::LiveAndEnd(const std::string& id) {
  Append(Events(id, 2));
  const auto thing = journal::MakeResource("thing", id);
  Append(
      BatchOf(id, history_.head(id),
              {Draft::Intent(journal::ForwardIntent("driver", id + "/1/start", {thing}), 2'000)}));
  const std::uint64_t intent = history_.head(id);
  Append(BatchOf(id, intent,
                 {Draft::Outcome(journal::MakeOutcome(intent, journal::v1::Outcome::DONE, true,
                                                      {journal::MakeResource("thing", id, "h")}),
                                 2'001),
                  Draft::Event("Started", "", 2'002)}));
  Append(BatchOf(id, history_.head(id),
                 {Draft::Intent(journal::UndoIntent("driver", id + "/2/stop", intent), 2'003)}));
  const std::uint64_t undo = history_.head(id);
  Batch last = BatchOf(
      id, undo,
      {Draft::Outcome(journal::MakeOutcome(undo, journal::v1::Outcome::DONE, true), 2'004)});
  last.projection = {.state = "Deleted", .live = false, .summary = ""};
  Append(std::move(last));
}

void Workload::AppendManyAtOnce() {
  std::vector<Batch> batches;
  std::vector<std::promise<absl::StatusOr<Appended>>> answers(kSandboxesAtOnce);
  for (int i = 0; i < kSandboxesAtOnce; ++i) batches.push_back(Events(fmt::format("many{}", i), 2));
  for (std::size_t i = 0; i < batches.size(); ++i) {
    journal_->AppendAsync(batches[i], [&answers, i](absl::StatusOr<Appended> answer) {
      answers[i].set_value(std::move(answer));
    });
  }
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const absl::StatusOr<Appended> answer = answers[i].get_future().get();
    if (answer.ok()) {
      history_.Acknowledged(batches[i], *answer);
    } else {
      Recover("appending many at once", answer.status());
      Append(batches[i]);
    }
  }
}

void Workload::AppendByThreads() {
  std::vector<std::thread> appenders;
  for (int i = 0; i < kThreads; ++i) {
    appenders.emplace_back([this, id = fmt::format("thread{}", i)] {
      for (int j = 0; j < kBatchesPerThread; ++j) Append(Events(id, 3));
    });
  }
  for (std::thread& appender : appenders) appender.join();
}

void Workload::ReplaceSealed(const std::string& id) {
  Try("replacing what is sealed", [&]() -> absl::Status {
    const std::string replacement = "sealed anew for " + id;
    HF_RETURN_IF_ERROR(journal_->ReplaceSealed(id, "sealed for " + id, replacement));
    history_.SealedReplaced(id, replacement);
    return absl::OkStatus();
  });
}

void Workload::Flush() {
  Try("flushing", [this] { return journal_->Flush(); });
}

void Workload::CheckpointFromOutside() {
  // The same calls that the writer's own make, which come only once in 32 MiB. That it fails is
  // nothing to anybody.
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(path_.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    sqlite3_busy_timeout(db, 1'000);
    sqlite3_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", nullptr, nullptr, nullptr);
  }
  sqlite3_close(db);
}

void Workload::ReadAndVerify() {
  Reader& reader = journal_->reader();
  Try("reading", [&] { return history_.ExpectIs(reader); });
  for (const auto mode : {journal::VerifyMode::kQuick, journal::VerifyMode::kDeep}) {
    Try("verifying", [&]() -> absl::Status {
      HF_ASSIGN_OR_RETURN(const journal::VerifyReport report, reader.Verify(mode));
      if (report.ok()) return absl::OkStatus();
      return absl::DataLossError(journal::Summary(report));
    });
  }
}

void Workload::ReadFromOutside() {
  Try("reading from outside", [&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, Reader::Open(path_));
    return history_.ExpectIs(*reader);
  });
}

void Workload::Try(std::string_view what, const std::function<absl::Status()>& call) {
  const absl::Status first = call();
  if (first.ok()) return;
  Recover(what, first);
  const absl::Status second = call();
  EXPECT_TRUE(second.ok()) << what << " once more, after " << first << ": " << second;
}

void Workload::Recover(std::string_view what, const absl::Status& failure) {
  ExpectIsDocumented(what, failure);
  if (journal_ != nullptr && fault_.has_value()) ExpectTakesNothingWhileUnsound();
  Storage::Get().Lift();
  if (journal_ != nullptr) {
    EXPECT_TRUE(BecomesSound(*journal_)) << what << ": unsound for ever after " << failure;
  }
}

void Workload::ExpectTakesNothingWhileUnsound() {
  // With these the journal's own tries fail as well, so that it must be unsound all the time.
  const bool stays =
      fault_->lasting && (fault_->call == Call::kWriteLog || fault_->call == Call::kSync);
  if (!stays || journal_->sound()) return;
  const auto refused = journal_->Append(BatchOf("intruder", 0, {Draft::Event("No", "", 1)}));
  EXPECT_FALSE(refused.ok() && Storage::Get().struck()) << "taken while unsound";
}

void Workload::ExpectIsDocumented(std::string_view what, const absl::Status& failure) const {
  if (!fault_.has_value()) {
    ADD_FAILURE() << what << ": " << failure;
    return;
  }
  const bool reads = fault_->call == Call::kReadDatabase || fault_->call == Call::kReadLog;
  const bool syncs = fault_->call == Call::kSync;
  // What storage will not read cannot be told from damage (SQLite reports EIO in a read as that),
  // and SQLite does not say why a sync inside COMMIT failed.
  const bool documented = reads ? absl::IsUnavailable(failure) || absl::IsDataLoss(failure)
                          : syncs
                              ? absl::IsUnavailable(failure) || absl::IsResourceExhausted(failure)
                          : fault_->effect == Effect::kIoError ? absl::IsUnavailable(failure)
                                                               : absl::IsResourceExhausted(failure);
  EXPECT_TRUE(documented) << what << ": " << failure;
  EXPECT_FALSE(failure.message().empty()) << what;
}

}  // namespace holdfast::faults
