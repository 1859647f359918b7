// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "journal/reader.h"
#include "journal/schema.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kFindSandbox[] =
    "SELECT s.key, s.live, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.id = ?1";
// Payload is the last column, so that this step reads none of a large one.
constexpr char kWalk[] =
    "SELECT sandbox, sequence, previous\n"
    "FROM records\n"
    "WHERE position = ?1";
constexpr char kRecord[] =
    "SELECT position, sandbox, sequence, previous, epoch, time_unix_ms, kind, checksum, type, "
    "hash,\n"
    "       payload\n"
    "FROM records\n"
    "WHERE position = ?1";
constexpr char kTail[] =
    "SELECT r.position, r.sandbox, r.sequence, r.previous, r.epoch, r.time_unix_ms, r.kind,\n"
    "       r.checksum, r.type, r.hash, r.payload, s.id\n"
    "FROM records AS r\n"
    "LEFT JOIN sandboxes AS s ON s.key = r.sandbox\n"
    "WHERE r.position > ?1\n"
    "ORDER BY r.position\n"
    "LIMIT ?2";
constexpr char kLastPosition[] = "SELECT max(position) FROM records";
constexpr char kListAll[] =
    "SELECT s.id, s.live, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.id > ?1\n"
    "ORDER BY s.id\n"
    "LIMIT ?2";
constexpr char kListLive[] =
    "SELECT s.id, s.live, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s INDEXED BY sandboxes_live\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.live = 1 AND s.id > ?1\n"
    "ORDER BY s.id\n"
    "LIMIT ?2";
constexpr char kIntentsAll[] =
    "SELECT s.id, o.intent, o.position, o.key, o.participant, o.action, o.time_unix_ms\n"
    "FROM open_intents AS o\n"
    "JOIN sandboxes AS s ON s.key = o.sandbox\n"
    "ORDER BY o.sandbox, o.intent";
constexpr char kIntentsOne[] =
    "SELECT s.id, o.intent, o.position, o.key, o.participant, o.action, o.time_unix_ms\n"
    "FROM sandboxes AS s\n"
    "JOIN open_intents AS o ON o.sandbox = s.key\n"
    "WHERE s.id = ?1\n"
    "ORDER BY o.intent";
constexpr char kLedgerAll[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms\n"
    "FROM ledger AS l\n"
    "JOIN sandboxes AS s ON s.key = l.sandbox\n"
    "ORDER BY l.sandbox, l.participant, l.kind, l.name";
constexpr char kLedgerHolding[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms\n"
    "FROM ledger AS l INDEXED BY ledger_holding\n"
    "JOIN sandboxes AS s ON s.key = l.sandbox\n"
    "WHERE l.status <= 2\n"
    "ORDER BY l.sandbox, l.participant, l.kind, l.name";
constexpr char kLedgerOne[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms\n"
    "FROM sandboxes AS s\n"
    "JOIN ledger AS l ON l.sandbox = s.key\n"
    "WHERE s.id = ?1\n"
    "ORDER BY l.participant, l.kind, l.name";
constexpr char kLedgerOneHolding[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms\n"
    "FROM sandboxes AS s\n"
    "JOIN ledger AS l ON l.sandbox = s.key\n"
    "WHERE s.id = ?1 AND l.status <= 2\n"
    "ORDER BY l.participant, l.kind, l.name";

// The columns from `position` to `payload` as kRecord and kTail select them.
StoredRecord ReadColumns(const Statement& row, std::string_view sandbox_id,
                         std::string& canonical) {
  StoredRecord stored;
  Record& record = stored.record;
  record.position = row.Unsigned(0);
  record.sandbox_id = std::string(sandbox_id);
  record.sequence = row.Unsigned(2);
  record.epoch = row.Unsigned(4);
  record.time_unix_ms = row.Integer(5);
  record.kind = static_cast<RecordKind>(row.Integer(6));
  record.type = std::string(row.Bytes(8));
  record.payload = std::string(row.Bytes(10));
  stored.sandbox = row.Unsigned(1);
  stored.previous = row.Unsigned(3);
  stored.checksum = static_cast<std::uint32_t>(row.Integer(7));
  const std::string_view hash = row.Bytes(9);
  const bool whole_hash = hash.size() == stored.hash.size();
  if (whole_hash) std::copy(hash.begin(), hash.end(), stored.hash.begin());
  WriteCanonical(RecordView{.position = record.position,
                            .previous = stored.previous,
                            .sequence = record.sequence,
                            .epoch = record.epoch,
                            .time_unix_ms = record.time_unix_ms,
                            .kind = record.kind,
                            .sandbox_id = record.sandbox_id,
                            .type = record.type,
                            .payload = record.payload},
                 canonical);
  stored.sound = whole_hash && row.Integer(7) == std::int64_t{Checksum(canonical)} &&
                 row.Integer(6) == static_cast<std::int64_t>(record.kind);
  return stored;
}

SandboxRow ReadRow(const Statement& row) {
  return SandboxRow{.sandbox_id = std::string(row.Bytes(0)),
                    .head_sequence = row.Unsigned(5),
                    .head_position = row.Unsigned(4),
                    .projection = {.state = std::string(row.Bytes(2)),
                                   .live = row.Integer(1) != 0,
                                   .summary = std::string(row.Bytes(3))}};
}

bool HasWal(const std::string& path) {
  struct stat status {};
  return ::stat((path + "-wal").c_str(), &status) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReadConnection>> ReadConnection::Open(const std::string& path) {
  auto connection = std::unique_ptr<ReadConnection>(new ReadConnection());
  // A writer leaves its WAL file behind, be it empty. Without one, nobody writes this file (a
  // backup, a copy), and reading it as immutable spares making a WAL just to read.
  connection->immutable_ = !HasWal(path);
  HF_ASSIGN_OR_RETURN(
      connection->database_,
      Database::Open(path, connection->immutable_ ? OpenMode::kImmutable : OpenMode::kReadOnly));
  HF_RETURN_IF_ERROR(ConfigureReader(connection->database_));
  HF_RETURN_IF_ERROR(connection->Prepare());
  return connection;
}

absl::Status ReadConnection::Prepare() {
  HF_ASSIGN_OR_RETURN(begin_, database_.Prepare("BEGIN"));
  HF_ASSIGN_OR_RETURN(end_, database_.Prepare("ROLLBACK"));
  HF_ASSIGN_OR_RETURN(find_sandbox_, database_.Prepare(kFindSandbox));
  HF_ASSIGN_OR_RETURN(walk_, database_.Prepare(kWalk));
  HF_ASSIGN_OR_RETURN(record_, database_.Prepare(kRecord));
  HF_ASSIGN_OR_RETURN(tail_, database_.Prepare(kTail));
  HF_ASSIGN_OR_RETURN(last_position_, database_.Prepare(kLastPosition));
  HF_ASSIGN_OR_RETURN(list_all_, database_.Prepare(kListAll));
  HF_ASSIGN_OR_RETURN(list_live_, database_.Prepare(kListLive));
  HF_ASSIGN_OR_RETURN(intents_all_, database_.Prepare(kIntentsAll));
  HF_ASSIGN_OR_RETURN(intents_one_, database_.Prepare(kIntentsOne));
  HF_ASSIGN_OR_RETURN(ledger_all_, database_.Prepare(kLedgerAll));
  HF_ASSIGN_OR_RETURN(ledger_holding_, database_.Prepare(kLedgerHolding));
  HF_ASSIGN_OR_RETURN(ledger_one_, database_.Prepare(kLedgerOne));
  HF_ASSIGN_OR_RETURN(ledger_one_holding_, database_.Prepare(kLedgerOneHolding));
  return absl::OkStatus();
}

void ReadConnection::End() {
  // Ending a read transaction has nothing to lose.
  if (sqlite3_get_autocommit(database_.get()) == 0) end_.Run().IgnoreError();
}

absl::StatusOr<ReadConnection::SandboxKeys> ReadConnection::FindSandbox(
    std::string_view sandbox_id) {
  const ResetOnExit reset(find_sandbox_);
  HF_ASSIGN_OR_RETURN(const bool found, find_sandbox_.BindText(1, sandbox_id).Step());
  if (!found) return absl::NotFoundError(fmt::format("no records of sandbox \"{}\"", sandbox_id));
  SandboxKeys keys{.key = find_sandbox_.Unsigned(0),
                   .row = {.sandbox_id = std::string(sandbox_id),
                           .head_sequence = find_sandbox_.Unsigned(6),
                           .head_position = find_sandbox_.Unsigned(5),
                           .projection = {.state = std::string(find_sandbox_.Bytes(3)),
                                          .live = find_sandbox_.Integer(1) != 0,
                                          .summary = std::string(find_sandbox_.Bytes(4))}}};
  if (find_sandbox_.Unsigned(2) != RowChecksum(keys.key, keys.row.projection.live, sandbox_id,
                                               keys.row.projection.state,
                                               keys.row.projection.summary)) {
    return absl::DataLossError(
        fmt::format("sandbox \"{}\": the checksum of its live row fails", sandbox_id));
  }
  if (keys.row.head_position == 0) {
    return absl::DataLossError(fmt::format("sandbox \"{}\": its head is missing", sandbox_id));
  }
  return keys;
}

absl::StatusOr<std::vector<std::uint64_t>> ReadConnection::WalkBack(const SandboxKeys& sandbox,
                                                                    std::uint64_t from_sequence) {
  std::vector<std::uint64_t> positions;
  std::uint64_t position = sandbox.row.head_position;
  for (std::uint64_t sequence = sandbox.row.head_sequence;
       sequence > 0 && sequence >= from_sequence; --sequence) {
    const ResetOnExit reset(walk_);
    HF_ASSIGN_OR_RETURN(const bool found, walk_.Bind(1, position).Step());
    if (!found || walk_.Unsigned(0) != sandbox.key || walk_.Unsigned(1) != sequence ||
        walk_.Unsigned(2) >= position || (walk_.Unsigned(2) == 0) != (sequence == 1)) {
      return absl::DataLossError(fmt::format(
          "sandbox \"{}\": record {} at position {}{}", sandbox.row.sandbox_id, sequence, position,
          found ? " is not what its successor points to" : " is missing"));
    }
    positions.push_back(position);
    position = walk_.Unsigned(2);
  }
  return positions;
}

absl::StatusOr<std::optional<StoredRecord>> ReadConnection::ReadRecord(
    std::uint64_t position, std::string_view sandbox_id) {
  const ResetOnExit reset(record_);
  HF_ASSIGN_OR_RETURN(const bool found, record_.Bind(1, position).Step());
  if (!found) return std::nullopt;
  return ReadColumns(record_, sandbox_id, canonical_);
}

absl::Status ReadConnection::Scan(std::uint64_t after, std::size_t limit,
                                  const std::function<Visit(const StoredRecord&)>& visit) {
  const ResetOnExit reset(tail_);
  tail_.Bind(1, after).Bind(2, static_cast<std::int64_t>(std::min(limit, std::size_t{INT64_MAX})));
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, tail_.Step());
    if (!row) return absl::OkStatus();
    if (visit(ReadColumns(tail_, tail_.Bytes(11), canonical_)) == Visit::kStop) {
      return absl::OkStatus();
    }
  }
}

absl::StatusOr<std::vector<SandboxRow>> ReadConnection::ListSandboxes(bool live_only,
                                                                      std::string_view after_id,
                                                                      std::size_t limit) {
  Statement& list = live_only ? list_live_ : list_all_;
  const ResetOnExit reset(list);
  list.BindText(1, after_id)
      .Bind(2, static_cast<std::int64_t>(std::min(limit, std::size_t{INT64_MAX})));
  std::vector<SandboxRow> rows;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return rows;
    rows.push_back(ReadRow(list));
  }
}

absl::StatusOr<std::vector<OpenIntent>> ReadConnection::ListOpenIntents(
    std::string_view sandbox_id) {
  Statement& list = sandbox_id.empty() ? intents_all_ : intents_one_;
  const ResetOnExit reset(list);
  if (!sandbox_id.empty()) list.BindText(1, sandbox_id);
  std::vector<OpenIntent> intents;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return intents;
    intents.push_back(OpenIntent{.sandbox_id = std::string(list.Bytes(0)),
                                 .intent = list.Unsigned(1),
                                 .position = list.Unsigned(2),
                                 .key = std::string(list.Bytes(3)),
                                 .participant = std::string(list.Bytes(4)),
                                 .action = std::string(list.Bytes(5)),
                                 .time_unix_ms = list.Integer(6)});
  }
}

absl::StatusOr<std::vector<LedgerRow>> ReadConnection::ReadLedger(std::string_view sandbox_id,
                                                                  bool all) {
  Statement& list = sandbox_id.empty() ? (all ? ledger_all_ : ledger_holding_)
                                       : (all ? ledger_one_ : ledger_one_holding_);
  const ResetOnExit reset(list);
  if (!sandbox_id.empty()) list.BindText(1, sandbox_id);
  std::vector<LedgerRow> rows;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return rows;
    rows.push_back(LedgerRow{.sandbox_id = std::string(list.Bytes(0)),
                             .participant = std::string(list.Bytes(1)),
                             .kind = std::string(list.Bytes(2)),
                             .name = std::string(list.Bytes(3)),
                             .handle = std::string(list.Bytes(4)),
                             .status = static_cast<LedgerStatus>(list.Integer(5)),
                             .intent = list.Unsigned(6),
                             .key = std::string(list.Bytes(7)),
                             .since_unix_ms = list.Integer(8)});
  }
}

absl::StatusOr<std::uint64_t> ReadConnection::LastPosition() {
  const ResetOnExit reset(last_position_);
  HF_RETURN_IF_ERROR(last_position_.Step().status());
  return last_position_.Unsigned(0);
}

}  // namespace holdfast::journal
