// SPDX-License-Identifier: Apache-2.0
//
// Method. Any history, on two journals: one archives and opens anew in between as it pleases, the
// other never does. Both must read the same, to the last byte, and verify.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/journal/testing.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

using ::holdfast::testing::TempDir;

// Of one sandbox, as its appender knows it.
struct Known {
  std::uint64_t head = 0;
  std::set<std::uint64_t> open;  // forward intents since it was finished last
  int made = 0;
};

Batch NextBatch(const std::string& id, Known& known) {
  std::vector<Draft> drafts;
  const int count = *rc::gen::inRange(1, 4);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t sequence = known.head + drafts.size() + 1;
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        drafts.push_back(Draft::Event(
            "Happened", *rc::gen::container<std::string>(rc::gen::arbitrary<char>()), 1'000));
        break;
      case 1: {
        const std::string name = "thing-" + std::to_string(*rc::gen::inRange(0, 3));
        drafts.push_back(Draft::Intent(
            ForwardIntent("driver", id + std::to_string(++known.made), {MakeResource("box", name)}),
            1'000));
        known.open.insert(sequence);
        break;
      }
      default: {
        if (known.open.empty()) {
          drafts.push_back(Draft::Event("Nothing", "", 1'000));
          break;
        }
        const std::uint64_t intent = *known.open.begin();
        if (intent >= known.head + 1) {  // of this very batch
          drafts.push_back(Draft::Event("Later", "", 1'000));
          break;
        }
        const bool made = *rc::gen::arbitrary<bool>();
        drafts.push_back(Draft::Outcome(
            MakeOutcome(intent, made ? v1::Outcome::RELEASED : v1::Outcome::ABSENT, true), 1'000));
        known.open.erase(intent);
      }
    }
  }
  // Finished: with nothing open, so that nothing is held either.
  const bool live = !known.open.empty() || *rc::gen::inRange(0, 3) != 0;
  Batch batch = BatchOf(id, known.head, std::move(drafts));
  batch.projection = {.state = live ? "Running" : "Deleted",
                      .live = live,
                      .summary = "at " + std::to_string(known.head)};
  known.head += batch.drafts.size();
  return batch;
}

TEST(JournalArchiveProperty, ArchiveThenReadEqualsRead) {
  ASSERT_TRUE(rc::check([] {
    const TempDir dir;
    const std::string path = dir.File("archived.db");
    auto archived = OpenJournal(path);
    auto plain = OpenJournal(dir.File("plain.db"));
    std::map<std::string, Known> all;
    const int steps = *rc::gen::inRange(5, 40);
    for (int step = 0; step < steps; ++step) {
      const int what = *rc::gen::inRange(0, 10);
      if (what < 7) {
        const std::string id = "s" + std::to_string(*rc::gen::inRange(0, 5));
        const Batch batch = NextBatch(id, all[id]);
        RC_ASSERT(archived->Append(batch).ok());
        RC_ASSERT(plain->Append(batch).ok());
      } else if (what < 9) {
        ArchiveOptions options;
        options.finished_before_unix_ms = 2'000;
        options.sandboxes_per_segment_max = *rc::gen::inRange<std::size_t>(1, 3);
        RC_ASSERT(archived->Archive(options).ok());
      } else {
        RC_ASSERT(archived->Close().ok());
        archived = nullptr;
        archived = OpenJournal(path);
        // The epoch is in the records.
        RC_ASSERT(plain->Close().ok());
        plain = nullptr;
        plain = OpenJournal(dir.File("plain.db"));
      }
      RC_ASSERT(Dump(archived->reader()) == Dump(plain->reader()));
    }
    const auto report = archived->reader().Verify();
    RC_ASSERT(report.ok());
    RC_ASSERT(Summary(*report) == "");
    for (const auto& [id, known] : all) {
      const auto left = ReadAll(archived->reader(), id);
      const auto right = ReadAll(plain->reader(), id);
      RC_ASSERT(left.size() == right.size());
      RC_ASSERT(left.size() == known.head);
      for (std::size_t i = 0; i < left.size(); ++i) {
        RC_ASSERT(left[i].position == right[i].position);
        RC_ASSERT(left[i].payload == right[i].payload);
      }
    }
  }));
}

}  // namespace
}  // namespace holdfast::journal
