// SPDX-License-Identifier: Apache-2.0
//
// The skeleton of a gateway in C++ that embeds the journal; the same story as the one in C. Its
// sandboxes hold one thing outside: a lease, which is a file. Each run takes the journal, first
// settles what a run before it left open, then does what it was asked to:
//
//   gateway DIR create ID [--die-before | --die-after]    make a lease
//   gateway DIR delete ID [--die-before | --die-after]    give it up
//   gateway DIR status                                    print what is held
//
// --die-before and --die-after end the process with SIGKILL right before and right after the
// effect, when nobody has written down what came of it. Run it again, and nothing is lost or done
// twice.
#include <holdfast/journal/journal.h>
#include <holdfast/journal/v1/journal.pb.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace journal = holdfast::journal;
namespace v1 = holdfast::journal::v1;

namespace {

std::int64_t Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// The world: leases are files. Both calls may be made again after a crash.
class Leases {
 public:
  explicit Leases(std::filesystem::path directory) : directory_(std::move(directory)) {}
  bool IsThere(const std::string& id) const { return std::filesystem::exists(PathOf(id)); }
  bool Make(const std::string& id) const { return std::ofstream(PathOf(id)).is_open(); }
  bool Drop(const std::string& id) const {
    std::error_code error;
    std::filesystem::remove(PathOf(id), error);  // no file is no error
    return !error;
  }

 private:
  std::filesystem::path PathOf(const std::string& id) const { return directory_ / (id + ".lease"); }
  const std::filesystem::path directory_;
};

class Gateway {
 public:
  Gateway(journal::Journal& journal, Leases leases, std::string die)
      : journal_(journal), leases_(std::move(leases)), die_(std::move(die)) {}

  absl::Status Create(const std::string& id) {
    const auto head = HeadOf(id);
    if (!head.ok()) return head.status();
    v1::Intent intent;
    intent.set_kind(v1::Intent::FORWARD);
    intent.set_name("lease");
    intent.set_participant("leases");
    intent.set_action("make");
    intent.set_key(id + "/" + std::to_string(*head) + "/lease");
    intent.mutable_undo()->set_participant("leases");
    intent.mutable_undo()->set_action("drop");
    intent.mutable_undo()->set_args(id);
    intent.mutable_undo()->set_idempotent(true);
    v1::Resource* claim = intent.add_claims();
    claim->set_kind("lease");
    claim->set_name(id);

    // 1. What is about to be done, and how it is undone, is on the disk …
    const auto owed = Append({.sandbox_id = id,
                              .expected_sequence = *head,
                              .drafts = {journal::Draft::Event("Requested", "", Now()),
                                         journal::Draft::Intent(intent, Now())},
                              .projection = {.state = "Making"}});
    if (!owed.ok()) return owed.status();
    // 2. … before it is done; 3. and what came of it, after.
    DieIf("--die-before");
    const bool made = leases_.Make(id);
    DieIf("--die-after");
    std::cout << (made ? "made " : "could not make ") << id << std::endl;
    return Answer(id, *owed, made ? v1::Outcome::DONE : v1::Outcome::FAILED, made);
  }

  absl::Status Delete(const std::string& id) {
    // What holds the lease, and how it is undone, is in the journal: nothing else remembers.
    const auto held = journal_.reader().ReadLedger(id, /*all=*/false);
    if (!held.ok()) return held.status();
    if (held->empty()) {
      std::cout << id << " holds nothing" << std::endl;
      return absl::OkStatus();
    }
    const std::uint64_t made_by = held->front().intent;
    v1::Intent made;
    absl::Status read =
        journal_.reader().ReadSandbox(id, made_by, [&](const journal::Record& record) {
          made.ParseFromString(record.payload);
          return journal::Visit::kStop;
        });
    if (!read.ok()) return read;

    const auto head = HeadOf(id);
    if (!head.ok()) return head.status();
    v1::Intent intent;
    intent.set_kind(v1::Intent::UNDO);
    intent.set_undoes(made_by);
    intent.set_name("undo lease");
    intent.set_participant(made.undo().participant());
    intent.set_action(made.undo().action());
    intent.set_args(made.undo().args());
    intent.set_idempotent(true);
    const auto owed = Append({.sandbox_id = id,
                              .expected_sequence = *head,
                              .drafts = {journal::Draft::Intent(intent, Now())},
                              .projection = {.state = "Dropping"}});
    if (!owed.ok()) return owed.status();
    DieIf("--die-before");
    const bool dropped = leases_.Drop(intent.args());
    DieIf("--die-after");
    std::cout << (dropped ? "dropped " : "could not drop ") << id << std::endl;
    return dropped ? Answer(id, *owed, v1::Outcome::DONE, false) : absl::OkStatus();
  }

  // Intents without an outcome: the process died in between. Look, before anything is done.
  absl::Status SettleWhatIsOwed() {
    const auto all = journal_.reader().ListOpenIntents("");
    if (!all.ok()) return all.status();
    for (const journal::OpenIntent& owed : *all) {
      const std::string& id = owed.sandbox_id;
      const bool is_there = leases_.IsThere(id);
      std::cout << "owed: " << owed.action << " " << id << ": it is "
                << (is_there ? "there" : "not there") << std::endl;
      absl::Status answered;
      if (owed.action == "make") {
        answered = Answer(id, owed.intent, is_there ? v1::Outcome::PRESENT : v1::Outcome::ABSENT,
                          is_there);
      } else if (leases_.Drop(id)) {
        answered = Answer(id, owed.intent, v1::Outcome::DONE, false);
      }
      if (!answered.ok()) return answered;
    }
    return absl::OkStatus();
  }

  absl::Status PrintWhatIsHeld() {
    const auto held = journal_.reader().ReadLedger("", /*all=*/false);
    if (!held.ok()) return held.status();
    for (const journal::LedgerRow& row : *held) {
      std::cout << "held: " << row.kind << " " << row.name << " (" << row.handle << ") by "
                << row.sandbox_id << std::endl;
    }
    return absl::OkStatus();
  }

 private:
  // The sequence of the sandbox's last record, 0 if it has none.
  absl::StatusOr<std::uint64_t> HeadOf(const std::string& id) {
    const auto row = journal_.reader().FindSandbox(id);
    if (absl::IsNotFound(row.status())) return 0;
    if (!row.ok()) return row.status();
    return row->head_sequence;
  }

  // Durably. The sequence of the batch's last record.
  absl::StatusOr<std::uint64_t> Append(journal::Batch batch) {
    const auto appended = journal_.Append(std::move(batch));
    if (!appended.ok()) return appended.status();
    return appended->last_sequence;
  }

  // Writes down what came of an intent: that the lease is there, or that it is not.
  absl::Status Answer(const std::string& id, std::uint64_t intent, v1::Outcome::Verdict verdict,
                      bool is_there) {
    const auto head = HeadOf(id);
    if (!head.ok()) return head.status();
    v1::Outcome outcome;
    outcome.set_intent(intent);
    outcome.set_attempt(1);
    outcome.set_verdict(verdict);
    outcome.set_closes(true);
    if (is_there) {
      v1::Resource* lease = outcome.add_resources();
      lease->set_kind("lease");
      lease->set_name(id);
      lease->set_handle("file");
    }
    return Append({.sandbox_id = id,
                   .expected_sequence = *head,
                   .drafts = {journal::Draft::Outcome(outcome, Now())},
                   .projection = {.state = is_there ? "Held" : "Gone", .live = is_there}})
        .status();
  }

  void DieIf(const std::string& moment) const {
    if (die_ == moment) std::raise(SIGKILL);
  }

  journal::Journal& journal_;
  const Leases leases_;
  const std::string die_;
};

absl::Status Run(const std::string& directory, const std::string& verb, const std::string& id,
                 const std::string& die) {
  std::filesystem::create_directories(directory);
  auto opened =
      journal::Journal::Open({.path = directory + "/journal.db", .owner = "example-gateway"});
  if (!opened.ok()) return opened.status();
  journal::Journal& journal = **opened;
  std::cout << "epoch " << journal.epoch() << std::endl;

  Gateway gateway(journal, Leases(directory), die);
  absl::Status status = gateway.SettleWhatIsOwed();
  if (!status.ok()) return status;
  if (verb == "create") {
    status = gateway.Create(id);
  } else if (verb == "delete") {
    status = gateway.Delete(id);
  } else {
    status = gateway.PrintWhatIsHeld();
  }
  return status.ok() ? journal.Close() : status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || (argc < 4 && std::string(argv[2]) != "status")) {
    std::cerr << "usage: " << argv[0] << " DIR create|delete ID [--die-before|--die-after], "
              << argv[0] << " DIR status\n";
    return 2;
  }
  const absl::Status status =
      Run(argv[1], argv[2], argc > 3 ? argv[3] : "", argc > 4 ? argv[4] : "");
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return 1;
}
