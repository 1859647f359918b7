// SPDX-License-Identifier: Apache-2.0
#include "journal/projector.h"

#include <string>

#include "fmt/format.h"
#include "journal/prepared.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kFindOpen[] =
    "SELECT kind, undoes, participant, key\n"
    "FROM open_intents\n"
    "WHERE sandbox = ?1 AND intent = ?2";
constexpr char kFindRecord[] =
    "SELECT sequence, previous, sandbox, kind, payload\n"
    "FROM records\n"
    "WHERE position = ?1";
constexpr char kOpenIntent[] =
    "INSERT INTO open_intents\n"
    "  (sandbox, intent, position, kind, undoes, participant, action, key, time_unix_ms)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr char kCloseIntent[] =
    "DELETE FROM open_intents\n"
    "WHERE sandbox = ?1 AND intent = ?2";
constexpr char kPutRow[] =
    "INSERT INTO ledger\n"
    "  (sandbox, participant, kind, name, handle, status, intent, key, since_unix_ms)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)\n"
    "ON CONFLICT (sandbox, participant, kind, name) DO UPDATE\n"
    "SET handle = excluded.handle, status = excluded.status, intent = excluded.intent,\n"
    "    key = excluded.key, since_unix_ms = excluded.since_unix_ms";
constexpr char kEndRows[] =
    "UPDATE ledger\n"
    "SET status = ?3, since_unix_ms = ?4\n"
    "WHERE sandbox = ?1 AND intent = ?2 AND status <= 2";

}  // namespace

absl::StatusOr<Projector> Projector::Create(Database& database) {
  Projector projector;
  HF_ASSIGN_OR_RETURN(projector.find_open_, database.Prepare(kFindOpen));
  HF_ASSIGN_OR_RETURN(projector.find_record_, database.Prepare(kFindRecord));
  HF_ASSIGN_OR_RETURN(projector.open_intent_, database.Prepare(kOpenIntent));
  HF_ASSIGN_OR_RETURN(projector.close_intent_, database.Prepare(kCloseIntent));
  HF_ASSIGN_OR_RETURN(projector.put_row_, database.Prepare(kPutRow));
  HF_ASSIGN_OR_RETURN(projector.end_rows_, database.Prepare(kEndRows));
  return projector;
}

absl::StatusOr<std::optional<IntentFacts>> Projector::FindIntent(std::uint64_t sandbox,
                                                                 std::uint64_t head,
                                                                 std::uint64_t sequence) {
  {
    const ResetOnExit reset(find_open_);
    HF_ASSIGN_OR_RETURN(const bool open, find_open_.Bind(1, sandbox).Bind(2, sequence).Step());
    if (open) {
      return IntentFacts{.undo = find_open_.Integer(0) == v1::Intent::UNDO,
                         .undoes = find_open_.Unsigned(1),
                         .participant = std::string(find_open_.Bytes(2)),
                         .key = std::string(find_open_.Bytes(3))};
    }
  }
  // Closed already: a late word about a step of long ago. Rare enough to walk to its record.
  std::uint64_t position = head;
  while (position != 0) {
    const ResetOnExit reset(find_record_);
    HF_ASSIGN_OR_RETURN(const bool found, find_record_.Bind(1, position).Step());
    if (!found || find_record_.Unsigned(2) != sandbox || find_record_.Unsigned(0) < sequence ||
        find_record_.Unsigned(1) >= position) {
      return absl::DataLossError(fmt::format("the back pointers break at position {}", position));
    }
    if (find_record_.Unsigned(0) > sequence) {
      position = find_record_.Unsigned(1);
      continue;
    }
    if (find_record_.Integer(3) != static_cast<int>(RecordKind::kIntent)) return std::nullopt;
    HF_ASSIGN_OR_RETURN(const Meaning meaning, ParseMeaning(RecordKind::kIntent, sequence,
                                                            std::string(find_record_.Bytes(4))));
    return FactsOf(*meaning.intent);
  }
  return std::nullopt;
}

absl::Status Projector::Apply(std::uint64_t sandbox, std::uint64_t sequence, std::uint64_t position,
                              std::int64_t time_unix_ms, const v1::Intent& intent) {
  HF_RETURN_IF_ERROR(open_intent_.Bind(1, sandbox)
                         .Bind(2, sequence)
                         .Bind(3, position)
                         .Bind(4, static_cast<std::int64_t>(intent.kind()))
                         .Bind(5, std::uint64_t{intent.undoes()})
                         .BindText(6, intent.participant())
                         .BindText(7, intent.action())
                         .BindText(8, intent.key())
                         .Bind(9, time_unix_ms)
                         .Run());
  if (intent.kind() != v1::Intent::FORWARD) return absl::OkStatus();
  for (const v1::Resource& claim : intent.claims()) {
    HF_RETURN_IF_ERROR(put_row_.Bind(1, sandbox)
                           .BindText(2, intent.participant())
                           .BindText(3, claim.kind())
                           .BindText(4, claim.name())
                           .BindText(5, "")
                           .Bind(6, static_cast<std::int64_t>(LedgerStatus::kMaybe))
                           .Bind(7, sequence)
                           .BindText(8, intent.key())
                           .Bind(9, time_unix_ms)
                           .Run());
  }
  return absl::OkStatus();
}

absl::Status Projector::Apply(std::uint64_t sandbox, std::int64_t time_unix_ms,
                              const v1::Outcome& outcome, const IntentFacts& intent) {
  const LedgerChange change = Decide(intent, outcome);
  if (change.ended != LedgerStatus::kMaybe) {
    HF_RETURN_IF_ERROR(end_rows_.Bind(1, sandbox)
                           .Bind(2, change.of_intent)
                           .Bind(3, static_cast<std::int64_t>(change.ended))
                           .Bind(4, time_unix_ms)
                           .Run());
  }
  if (change.hold_resources) {
    for (const v1::Resource& resource : outcome.resources()) {
      HF_RETURN_IF_ERROR(put_row_.Bind(1, sandbox)
                             .BindText(2, intent.participant)
                             .BindText(3, resource.kind())
                             .BindText(4, resource.name())
                             .BindText(5, resource.handle())
                             .Bind(6, static_cast<std::int64_t>(LedgerStatus::kHeld))
                             .Bind(7, std::uint64_t{outcome.intent()})
                             .BindText(8, intent.key)
                             .Bind(9, time_unix_ms)
                             .Run());
    }
  }
  if (!outcome.closes()) return absl::OkStatus();
  return close_intent_.Bind(1, sandbox).Bind(2, std::uint64_t{outcome.intent()}).Run();
}

}  // namespace holdfast::journal
