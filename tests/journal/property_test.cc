// SPDX-License-Identifier: Apache-2.0
//
// Laws that hold for any input. A failure prints its seed; rerun with RC_PARAMS="seed=N".
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/journal/testing.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::TempDir;

bool Holds(const char* law, const std::function<void()>& property) {
  return rc::check(law, property);
}

TEST(JournalProperty, AnyInterleavingOfWritersYieldsOneGaplessHistory) {
  EXPECT_TRUE(Holds("one gapless history", [] {
    // Per writer: the sandbox and the size of each of its batches.
    const auto plans = *rc::gen::container<std::vector<std::vector<std::pair<int, int>>>>(
        3, rc::gen::container<std::vector<std::pair<int, int>>>(
               rc::gen::pair(rc::gen::inRange(0, 3), rc::gen::inRange(1, 4))));
    const TempDir dir;
    const auto journal = OpenJournal(dir.File("journal.db"));
    std::vector<std::thread> writers;
    for (const auto& plan : plans) {
      writers.emplace_back([&journal, &plan] {
        for (const auto& [sandbox, size] : plan) {
          const std::string id = std::to_string(sandbox);
          absl::Status status = absl::AbortedError("not yet");
          while (absl::IsAborted(status)) {
            const auto row = journal->reader().FindSandbox(id);
            status = journal
                         ->Append(EventBatch(id, row.ok() ? row->head_sequence : 0,
                                             static_cast<std::size_t>(size)))
                         .status();
          }
        }
      });
    }
    for (std::thread& writer : writers) writer.join();

    std::map<std::string, std::uint64_t> expected;
    for (const auto& plan : plans) {
      for (const auto& [sandbox, size] : plan) {
        expected[std::to_string(sandbox)] += static_cast<std::uint64_t>(size);
      }
    }
    std::map<std::string, std::uint64_t> heads;
    std::uint64_t position = 0;
    for (const Record& record : ReadTailAll(journal->reader())) {
      RC_ASSERT(record.position == ++position);
      RC_ASSERT(record.sequence == ++heads[record.sandbox_id]);
    }
    RC_ASSERT(heads == expected);
    const auto report = journal->reader().Verify();
    RC_ASSERT(report.ok());
    RC_ASSERT(report->ok());
  }));
}

// The writer keeps the tables with SQL; Verify folds the records in memory. Any history of intents
// and outcomes, sensible or not, must leave the two with the same answer.
TEST(JournalProperty, FoldingTheLedgerAnewEqualsTheTable) {
  EXPECT_TRUE(Holds("ledger re-derived equals ledger kept", [] {
    const TempDir dir;
    const auto journal = OpenJournal(dir.File("journal.db"));
    const auto resources = [] {
      std::vector<v1::Resource> made;
      for (const int name : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4))) {
        made.push_back(MakeResource("thing", std::to_string(name), "h" + std::to_string(name)));
      }
      return made;
    };
    std::vector<std::uint64_t> intents;
    std::uint64_t head = 0;
    const int steps = *rc::gen::inRange(1, 25);
    for (int step = 0; step < steps; ++step) {
      const std::string participant = *rc::gen::element<std::string>("docker", "ipam");
      const int choice = intents.empty() ? 0 : *rc::gen::inRange(0, 4);
      Draft draft;
      if (choice == 0) {
        draft = Draft::Intent(ForwardIntent(participant, "k" + std::to_string(head), resources()),
                              step);
        intents.push_back(head + 1);
      } else if (choice == 1) {
        draft = Draft::Intent(
            UndoIntent(participant, "u" + std::to_string(head), *rc::gen::elementOf(intents)),
            step);
        intents.push_back(head + 1);
      } else {
        v1::Outcome outcome =
            MakeOutcome(*rc::gen::elementOf(intents),
                        static_cast<v1::Outcome::Verdict>(*rc::gen::inRange(1, 10)),
                        *rc::gen::arbitrary<bool>(), resources());
        outcome.set_no_effect(*rc::gen::arbitrary<bool>());
        draft = Draft::Outcome(outcome, step);
      }
      RC_ASSERT(journal->Append(BatchOf("a", head, {draft})).ok());
      ++head;
    }

    const auto report = journal->reader().Verify();
    RC_ASSERT(report.ok());
    RC_ASSERT(report->ok());
  }));
}

}  // namespace
}  // namespace holdfast::journal
