// SPDX-License-Identifier: Apache-2.0
#include "journal/ledger_store.h"

#include <string>
#include <utility>

#include "fmt/format.h"
#include "journal/prepared.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kSelectOpen[] =
    "SELECT intent, position, kind, undoes, participant, action, key, time_unix_ms\n"
    "FROM open_intents\n"
    "WHERE sandbox = ?1\n"
    "ORDER BY intent";
constexpr char kSelectRows[] =
    "SELECT participant, kind, name, handle, status, intent, key, since_unix_ms\n"
    "FROM ledger\n"
    "WHERE sandbox = ?1\n"
    "ORDER BY participant, kind, name";
constexpr char kFindRecord[] =
    "SELECT sequence, previous, sandbox, kind, payload\n"
    "FROM records\n"
    "WHERE position = ?1";
constexpr char kOpenIntent[] =
    "INSERT OR REPLACE INTO open_intents\n"
    "  (sandbox, intent, position, kind, undoes, participant, action, key, time_unix_ms)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr char kCloseIntent[] =
    "DELETE FROM open_intents\n"
    "WHERE sandbox = ?1 AND intent = ?2";
constexpr char kPutRow[] =
    "INSERT OR REPLACE INTO ledger\n"
    "  (sandbox, participant, kind, name, handle, status, intent, key, since_unix_ms)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

}  // namespace

absl::StatusOr<LedgerReader> LedgerReader::Create(Database& database) {
  LedgerReader reader;
  HF_ASSIGN_OR_RETURN(reader.select_open_, database.Prepare(kSelectOpen));
  HF_ASSIGN_OR_RETURN(reader.select_rows_, database.Prepare(kSelectRows));
  HF_ASSIGN_OR_RETURN(reader.find_record_, database.Prepare(kFindRecord));
  return reader;
}

absl::StatusOr<LedgerFold> LedgerReader::Load(std::uint64_t sandbox) {
  LedgerFold fold;
  {
    const ResetOnExit reset(select_open_);
    select_open_.Bind(1, sandbox);
    while (true) {
      HF_ASSIGN_OR_RETURN(const bool found, select_open_.Step());
      if (!found) break;
      const OpenIntent intent{.sandbox_id = "",
                              .intent = select_open_.Unsigned(0),
                              .position = select_open_.Unsigned(1),
                              .key = std::string(select_open_.Bytes(6)),
                              .participant = std::string(select_open_.Bytes(4)),
                              .action = std::string(select_open_.Bytes(5)),
                              .time_unix_ms = select_open_.Integer(7)};
      fold.LoadIntent(intent, IntentFacts{.undo = select_open_.Integer(2) == v1::Intent::UNDO,
                                          .undoes = select_open_.Unsigned(3),
                                          .participant = intent.participant,
                                          .key = intent.key});
    }
  }
  const ResetOnExit reset(select_rows_);
  select_rows_.Bind(1, sandbox);
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool found, select_rows_.Step());
    if (!found) return fold;
    fold.LoadRow(LedgerRow{.sandbox_id = "",
                           .participant = std::string(select_rows_.Bytes(0)),
                           .kind = std::string(select_rows_.Bytes(1)),
                           .name = std::string(select_rows_.Bytes(2)),
                           .handle = std::string(select_rows_.Bytes(3)),
                           .status = static_cast<LedgerStatus>(select_rows_.Integer(4)),
                           .intent = select_rows_.Unsigned(5),
                           .key = std::string(select_rows_.Bytes(6)),
                           .since_unix_ms = select_rows_.Integer(7)});
  }
}

absl::StatusOr<std::optional<IntentFacts>> LedgerReader::FindIntent(std::uint64_t sandbox,
                                                                    std::uint64_t head,
                                                                    std::uint64_t sequence) {
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

absl::StatusOr<LedgerWriter> LedgerWriter::Create(Database& database) {
  LedgerWriter writer;
  HF_ASSIGN_OR_RETURN(writer.open_intent_, database.Prepare(kOpenIntent));
  HF_ASSIGN_OR_RETURN(writer.close_intent_, database.Prepare(kCloseIntent));
  HF_ASSIGN_OR_RETURN(writer.put_row_, database.Prepare(kPutRow));
  return writer;
}

absl::Status LedgerWriter::Store(std::uint64_t sandbox, const LedgerFold& fold) {
  for (const std::uint64_t sequence : fold.changed_intents()) {
    const auto open = fold.open_intents().find(sequence);
    if (open == fold.open_intents().end()) {
      HF_RETURN_IF_ERROR(close_intent_.Bind(1, sandbox).Bind(2, sequence).Run());
      continue;
    }
    const OpenIntent& intent = open->second;
    const IntentFacts& facts = fold.facts().at(sequence);
    HF_RETURN_IF_ERROR(
        open_intent_.Bind(1, sandbox)
            .Bind(2, sequence)
            .Bind(3, intent.position)
            .Bind(4, std::int64_t{facts.undo ? v1::Intent::UNDO : v1::Intent::FORWARD})
            .Bind(5, facts.undoes)
            .BindText(6, intent.participant)
            .BindText(7, intent.action)
            .BindText(8, intent.key)
            .Bind(9, intent.time_unix_ms)
            .Run());
  }
  for (const LedgerFold::Key& key : fold.changed_rows()) {
    const LedgerRow& row = fold.rows().at(key);
    HF_RETURN_IF_ERROR(put_row_.Bind(1, sandbox)
                           .BindText(2, row.participant)
                           .BindText(3, row.kind)
                           .BindText(4, row.name)
                           .BindText(5, row.handle)
                           .Bind(6, static_cast<std::int64_t>(row.status))
                           .Bind(7, row.intent)
                           .BindText(8, row.key)
                           .Bind(9, row.since_unix_ms)
                           .Run());
  }
  return absl::OkStatus();
}

}  // namespace holdfast::journal
