// SPDX-License-Identifier: Apache-2.0
#include "journal/tail.h"

#include <utility>

#include "journal/canonical.h"
#include "journal/prepared.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kSelectFlushed[] =
    "SELECT (SELECT value FROM meta WHERE name = 'flushed'),\n"
    "       (SELECT ifnull(max(position), 0) FROM records),\n"
    "       (SELECT user_version FROM pragma_user_version)";
constexpr char kSelectPending[] =
    "SELECT position, sandbox, id, live, checksum, state, summary\n"
    "FROM pending\n"
    "WHERE position > ?1\n"
    "ORDER BY position";
constexpr char kSelectRecords[] =
    "SELECT position, sandbox, sequence, previous, epoch, time_unix_ms, kind, checksum, type,\n"
    "       payload\n"
    "FROM records\n"
    "WHERE position > ?1\n"
    "ORDER BY position";
constexpr char kSelectId[] =
    "SELECT id\n"
    "FROM sandboxes\n"
    "WHERE key = ?1";
constexpr char kSelectHead[] =
    "SELECT position, sequence\n"
    "FROM heads\n"
    "WHERE sandbox = ?1";

}  // namespace

absl::StatusOr<Tail> Tail::Create(Database& database) {
  HF_ASSIGN_OR_RETURN(LedgerReader ledger, LedgerReader::Create(database));
  Tail tail(std::move(ledger));
  HF_ASSIGN_OR_RETURN(tail.select_flushed_, database.Prepare(kSelectFlushed));
  HF_ASSIGN_OR_RETURN(tail.select_pending_, database.Prepare(kSelectPending));
  HF_ASSIGN_OR_RETURN(tail.select_records_, database.Prepare(kSelectRecords));
  HF_ASSIGN_OR_RETURN(tail.select_id_, database.Prepare(kSelectId));
  HF_ASSIGN_OR_RETURN(tail.select_head_, database.Prepare(kSelectHead));
  return tail;
}

const TailEntry* Tail::Find(std::uint64_t key) const {
  const auto entry = entries_.find(key);
  return entry == entries_.end() ? nullptr : &entry->second;
}

const TailEntry* Tail::Find(std::string_view id) const {
  const auto entry = by_id_.find(id);
  return entry == by_id_.end() ? nullptr : entry->second;
}

absl::Status Tail::CatchUp() {
  HF_RETURN_IF_ERROR(ReadMark());
  HF_RETURN_IF_ERROR(ReadPending());
  const ResetOnExit reset(select_records_);
  select_records_.Bind(1, scanned_);
  while (true) {
    absl::StatusOr<bool> found = select_records_.Step();
    absl::Status status = found.status();
    if (status.ok() && *found) status = ReadRecord();
    if (!status.ok()) {
      // Half of it would be taken for all of it the next time.
      by_id_.clear();
      entries_.clear();
      flushed_ = scanned_ = 0;
      return status;
    }
    if (!*found) return absl::OkStatus();
  }
}

absl::Status Tail::ReadMark() {
  const ResetOnExit reset(select_flushed_);
  HF_RETURN_IF_ERROR(select_flushed_.Step().status());
  // A file of version 1 has no such mark: its tables are always up to date.
  const bool marked = select_flushed_.Integer(2) >= 2;
  if (marked && select_flushed_.Bytes(0).empty()) {
    return absl::DataLossError("the mark up to which the projections stand is gone");
  }
  const std::uint64_t flushed = select_flushed_.Unsigned(marked ? 0 : 1);
  if (flushed != flushed_) {
    by_id_.clear();
    entries_.clear();
    flushed_ = scanned_ = flushed;
  }
  return absl::OkStatus();
}

absl::Status Tail::ReadPending() {
  pending_.clear();
  pending_ids_.clear();
  const ResetOnExit reset(select_pending_);
  select_pending_.Bind(1, scanned_);
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool found, select_pending_.Step());
    if (!found) return absl::OkStatus();
    PendingRow row{.sandbox = select_pending_.Unsigned(1),
                   .id = std::string(select_pending_.Bytes(2)),
                   .projection = {.state = std::string(select_pending_.Bytes(5)),
                                  .live = select_pending_.Integer(3) != 0,
                                  .summary = std::string(select_pending_.Bytes(6))}};
    row.sound =
        select_pending_.Unsigned(4) == RowChecksum(row.sandbox, row.projection.live, row.id,
                                                   row.projection.state, row.projection.summary);
    pending_ids_.emplace(row.sandbox, row.id);
    pending_[select_pending_.Unsigned(0)] = std::move(row);
  }
}

absl::Status Tail::ReadRecord() {
  const std::uint64_t position = select_records_.Unsigned(0);
  const std::uint64_t key = select_records_.Unsigned(1);
  const std::uint64_t sequence = select_records_.Unsigned(2);
  const std::uint64_t previous = select_records_.Unsigned(3);
  const auto kind = static_cast<RecordKind>(select_records_.Integer(6));
  HF_ASSIGN_OR_RETURN(TailEntry * entry, Entry(key));
  scanned_ = position;
  if (entry == nullptr || position <= entry->applied) return absl::OkStatus();
  const RecordView record{.position = position,
                          .previous = previous,
                          .sequence = sequence,
                          .epoch = select_records_.Unsigned(4),
                          .time_unix_ms = select_records_.Integer(5),
                          .kind = kind,
                          .sandbox_id = entry->id,
                          .type = select_records_.Bytes(8),
                          .payload = select_records_.Bytes(9)};
  const bool sound = select_records_.Unsigned(7) == Checksum(record);
  if (!sound) {
    // It may be the column that names the sandbox which was changed.
    HF_ASSIGN_OR_RETURN(const bool continues, Continues(key, sequence, previous));
    if (!continues) return absl::OkStatus();
  }
  entry->position = position;
  entry->sequence = sequence;
  if (sound && kind != RecordKind::kEvent) {
    HF_RETURN_IF_ERROR(FoldMeaning(*entry, previous, kind, sequence, position, record.time_unix_ms,
                                   record.payload));
  }
  if (const auto row = pending_.find(position);
      row != pending_.end() && row->second.sandbox == key) {
    if (row->second.sound) {
      entry->unflushed.said = std::move(row->second.projection);
    } else if (sound) {
      // The record's checksum vouches for the name, and nothing for what was said. Live is the safe
      // word: whoever loads it folds its records and knows.
      entry->unflushed.said = Projection{.state = "", .live = true, .summary = ""};
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TailEntry*> Tail::Entry(std::uint64_t key) {
  if (const auto found = entries_.find(key); found != entries_.end()) return &found->second;
  TailEntry entry;
  entry.key = key;
  {
    const ResetOnExit reset(select_id_);
    HF_ASSIGN_OR_RETURN(const bool found, select_id_.Bind(1, key).Step());
    if (found) entry.id = std::string(select_id_.Bytes(0));
    entry.is_new = !found;
  }
  if (entry.is_new) {
    // Its first batch said its name, in the row at that batch's end.
    if (const auto row = pending_ids_.find(key); row != pending_ids_.end()) entry.id = row->second;
    // A record of nobody: Verify names it.
    if (entry.id.empty() || by_id_.contains(entry.id)) return nullptr;
  }
  {
    const ResetOnExit reset(select_head_);
    HF_ASSIGN_OR_RETURN(const bool found, select_head_.Bind(1, key).Step());
    if (found && select_head_.Unsigned(0) > flushed_) entry.applied = select_head_.Unsigned(0);
  }
  TailEntry& stored = entries_[key] = std::move(entry);
  by_id_[stored.id] = &stored;
  return &stored;
}

absl::StatusOr<bool> Tail::Continues(std::uint64_t key, std::uint64_t sequence,
                                     std::uint64_t previous) {
  const TailEntry* entry = Find(key);
  if (entry != nullptr && entry->position != 0) {
    return entry->position == previous && entry->sequence + 1 == sequence;
  }
  const ResetOnExit reset(select_head_);
  HF_ASSIGN_OR_RETURN(const bool found, select_head_.Bind(1, key).Step());
  // One that was archived goes on from there.
  if (!found) return previous == 0 ? sequence == 1 : sequence > 1 && previous >= key;
  return select_head_.Unsigned(0) == previous && select_head_.Unsigned(1) + 1 == sequence;
}

absl::Status Tail::FoldMeaning(TailEntry& entry, std::uint64_t previous, RecordKind kind,
                               std::uint64_t sequence, std::uint64_t position,
                               std::int64_t time_unix_ms, std::string_view payload) {
  const absl::StatusOr<Meaning> meaning = ParseMeaning(kind, sequence, std::string(payload));
  if (!meaning.ok()) return absl::OkStatus();  // Verify names it
  if (entry.unflushed.ledger == nullptr) {
    HF_ASSIGN_OR_RETURN(LedgerFold loaded, ledger_.Load(entry.key));
    entry.unflushed.ledger = std::make_unique<LedgerFold>(std::move(loaded));
  }
  LedgerFold& fold = *entry.unflushed.ledger;
  if (meaning->intent != nullptr) {
    fold.Apply(sequence, position, time_unix_ms, *meaning->intent);
    return absl::OkStatus();
  }
  if (fold.Apply(time_unix_ms, *meaning->outcome)) return absl::OkStatus();
  // A late word about an intent that was closed before the flush.
  auto facts = ledger_.FindIntent(entry.key, previous, meaning->outcome->intent());
  if (absl::IsDataLoss(facts.status())) return absl::OkStatus();
  HF_RETURN_IF_ERROR(facts.status());
  if (!facts->has_value()) return absl::OkStatus();
  fold.Learn(meaning->outcome->intent(), **std::move(facts));
  fold.Apply(time_unix_ms, *meaning->outcome);
  return absl::OkStatus();
}

}  // namespace holdfast::journal
