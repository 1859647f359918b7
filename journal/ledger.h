// SPDX-License-Identifier: Apache-2.0
//
// The ledger's rules, and the fold that follows them in memory. The writer folds with this what it
// appends and flushes the result to its tables (journal/ledger_store.h); readers fold with it what
// is not flushed yet; Verify folds a sandbox's records anew and compares. docs/journal-format.md,
// "Ledger", is the text of these rules.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "holdfast/journal/v1/journal.pb.h"
#include "journal/record.h"

namespace holdfast::journal {

// What an outcome must know of the intent that it answers.
struct IntentFacts {
  bool undo = false;
  std::uint64_t undoes = 0;
  std::string participant;
  std::string key;
};

IntentFacts FactsOf(const v1::Intent& intent);

// What an outcome does to the ledger, in this order.
struct LedgerChange {
  // Rows of this intent that are held or maybe …
  std::uint64_t of_intent = 0;
  // … get this status; kMaybe: they are left alone.
  LedgerStatus ended = LedgerStatus::kMaybe;
  // Then each of the outcome's resources is held by the intent that was answered.
  bool hold_resources = false;
};

LedgerChange Decide(const IntentFacts& intent, const v1::Outcome& outcome);

// One sandbox's open intents and ledger, folded from its records in order: from the first, or from
// where tables that were loaded stand.
class LedgerFold {
 public:
  using Key = std::tuple<std::string, std::string, std::string>;  // participant, kind, name

  // From the tables; no change.
  void LoadIntent(OpenIntent intent, IntentFacts facts);
  void LoadRow(LedgerRow row);
  // Of an intent that is not open any more.
  void Learn(std::uint64_t sequence, IntentFacts facts) { facts_[sequence] = std::move(facts); }

  void Apply(std::uint64_t sequence, std::uint64_t position, std::int64_t time_unix_ms,
             const v1::Intent& intent);
  // False: the outcome answers no intent that is known here; nothing was changed.
  bool Apply(std::int64_t time_unix_ms, const v1::Outcome& outcome);

  // Without sandbox_id.
  const std::map<Key, LedgerRow>& rows() const { return rows_; }
  const std::map<std::uint64_t, OpenIntent>& open_intents() const { return open_; }
  // Of every intent that was folded or loaded, open or not, by its sequence.
  const std::map<std::uint64_t, IntentFacts>& facts() const { return facts_; }
  // By Apply, since this fold began.
  const std::set<Key>& changed_rows() const { return changed_rows_; }
  const std::set<std::uint64_t>& changed_intents() const { return changed_intents_; }

 private:
  std::map<Key, LedgerRow> rows_;
  std::map<std::uint64_t, OpenIntent> open_;
  std::map<std::uint64_t, IntentFacts> facts_;
  std::set<Key> changed_rows_;
  std::set<std::uint64_t> changed_intents_;
};

}  // namespace holdfast::journal
