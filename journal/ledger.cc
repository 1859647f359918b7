// SPDX-License-Identifier: Apache-2.0
#include "journal/ledger.h"

namespace holdfast::journal {
namespace {

LedgerChange DecideForward(const v1::Outcome& outcome) {
  LedgerChange change{.of_intent = outcome.intent()};
  switch (outcome.verdict()) {
    case v1::Outcome::DONE:
    case v1::Outcome::PRESENT:
      // `resources` is all that it made: a claim that is not among them never came to be.
      change.ended = LedgerStatus::kGone;
      change.hold_resources = true;
      break;
    case v1::Outcome::FAILED:
      if (outcome.no_effect()) change.ended = LedgerStatus::kGone;
      // A thing that is reported is held, also by an answer that contradicts itself.
      change.hold_resources = true;
      break;
    case v1::Outcome::ABSENT:
    case v1::Outcome::VANISHED:
      change.ended = LedgerStatus::kGone;
      break;
    case v1::Outcome::RELEASED:
      change.ended = LedgerStatus::kReleased;
      break;
    default:  // UNKNOWN, CANNOT_TELL, ABANDONED: nobody learned anything about the world
      break;
  }
  return change;
}

LedgerChange DecideUndo(const IntentFacts& intent, const v1::Outcome& outcome) {
  LedgerChange change{.of_intent = intent.undoes};
  switch (outcome.verdict()) {
    case v1::Outcome::DONE:
    case v1::Outcome::RELEASED:
      change.ended = LedgerStatus::kReleased;
      break;
    case v1::Outcome::ABSENT:
      change.ended = LedgerStatus::kGone;
      break;
    default:  // the undo did not happen, or nobody knows
      break;
  }
  return change;
}

}  // namespace

IntentFacts FactsOf(const v1::Intent& intent) {
  return IntentFacts{.undo = intent.kind() == v1::Intent::UNDO,
                     .undoes = intent.undoes(),
                     .participant = intent.participant(),
                     .key = intent.key()};
}

LedgerChange Decide(const IntentFacts& intent, const v1::Outcome& outcome) {
  return intent.undo ? DecideUndo(intent, outcome) : DecideForward(outcome);
}

void LedgerFold::LoadIntent(OpenIntent intent, IntentFacts facts) {
  const std::uint64_t sequence = intent.intent;
  facts_[sequence] = std::move(facts);
  open_[sequence] = std::move(intent);
}

void LedgerFold::LoadRow(LedgerRow row) {
  Key key{row.participant, row.kind, row.name};
  rows_[std::move(key)] = std::move(row);
}

void LedgerFold::Apply(std::uint64_t sequence, std::uint64_t position, std::int64_t time_unix_ms,
                       const v1::Intent& intent) {
  facts_[sequence] = FactsOf(intent);
  open_[sequence] = OpenIntent{.sandbox_id = "",
                               .intent = sequence,
                               .position = position,
                               .key = intent.key(),
                               .participant = intent.participant(),
                               .action = intent.action(),
                               .time_unix_ms = time_unix_ms};
  changed_intents_.insert(sequence);
  if (intent.kind() != v1::Intent::FORWARD) return;
  for (const v1::Resource& claim : intent.claims()) {
    Key key{intent.participant(), claim.kind(), claim.name()};
    changed_rows_.insert(key);
    rows_[std::move(key)] = LedgerRow{.sandbox_id = "",
                                      .participant = intent.participant(),
                                      .kind = claim.kind(),
                                      .name = claim.name(),
                                      .handle = "",
                                      .status = LedgerStatus::kMaybe,
                                      .intent = sequence,
                                      .key = intent.key(),
                                      .since_unix_ms = time_unix_ms};
  }
}

bool LedgerFold::Apply(std::int64_t time_unix_ms, const v1::Outcome& outcome) {
  const auto facts = facts_.find(outcome.intent());
  if (facts == facts_.end()) return false;
  const LedgerChange change = Decide(facts->second, outcome);
  if (change.ended != LedgerStatus::kMaybe) {
    for (auto& [key, row] : rows_) {
      if (row.intent != change.of_intent || row.status > LedgerStatus::kHeld) continue;
      row.status = change.ended;
      row.since_unix_ms = time_unix_ms;
      changed_rows_.insert(key);
    }
  }
  if (change.hold_resources) {
    for (const v1::Resource& resource : outcome.resources()) {
      Key key{facts->second.participant, resource.kind(), resource.name()};
      changed_rows_.insert(key);
      rows_[std::move(key)] = LedgerRow{.sandbox_id = "",
                                        .participant = facts->second.participant,
                                        .kind = resource.kind(),
                                        .name = resource.name(),
                                        .handle = resource.handle(),
                                        .status = LedgerStatus::kHeld,
                                        .intent = outcome.intent(),
                                        .key = facts->second.key,
                                        .since_unix_ms = time_unix_ms};
    }
  }
  if (outcome.closes() && open_.erase(outcome.intent()) > 0) {
    changed_intents_.insert(outcome.intent());
  }
  return true;
}

}  // namespace holdfast::journal
