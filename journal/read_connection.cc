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

constexpr char kSelectSchemaVersion[] = "PRAGMA main.schema_version";
// These five give the same columns.
constexpr char kFindSandbox[] =
    "SELECT s.key, s.id, s.live, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.id = ?1";
constexpr char kListAll[] =
    "SELECT s.key, s.id, s.live, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.id > ?1\n"
    "ORDER BY s.id";
constexpr char kListLive[] =
    "SELECT s.key, s.id, s.live, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s INDEXED BY sandboxes_live\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.live = 1 AND s.id > ?1\n"
    "ORDER BY s.id";
constexpr char kEach[] =
    "SELECT s.key, s.id, s.live, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.key > ?1\n"
    "ORDER BY s.key";
constexpr char kEachLive[] =
    "SELECT s.key, s.id, s.live, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.live = 1\n"
    "ORDER BY s.key";
constexpr char kFindSnapshot[] =
    "SELECT sequence, checksum, bytes\n"
    "FROM snapshots\n"
    "WHERE sandbox = ?1";
constexpr char kFindSealed[] =
    "SELECT bytes\n"
    "FROM sealed\n"
    "WHERE sandbox = ?1";
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
constexpr char kScan[] =
    "SELECT position, sandbox, sequence, previous, epoch, time_unix_ms, kind, checksum, type, "
    "hash,\n"
    "       payload\n"
    "FROM records\n"
    "WHERE position > ?1\n"
    "ORDER BY position\n"
    "LIMIT ?2";
constexpr char kIntentsAll[] =
    "SELECT s.id, o.intent, o.position, o.key, o.participant, o.action, o.time_unix_ms,\n"
    "       o.sandbox\n"
    "FROM open_intents AS o\n"
    "JOIN sandboxes AS s ON s.key = o.sandbox\n"
    "ORDER BY o.sandbox, o.intent";
constexpr char kIntentsOne[] =
    "SELECT s.id, o.intent, o.position, o.key, o.participant, o.action, o.time_unix_ms,\n"
    "       o.sandbox\n"
    "FROM sandboxes AS s\n"
    "JOIN open_intents AS o ON o.sandbox = s.key\n"
    "WHERE s.id = ?1\n"
    "ORDER BY o.intent";
constexpr char kLedgerAll[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms, l.sandbox\n"
    "FROM ledger AS l\n"
    "JOIN sandboxes AS s ON s.key = l.sandbox\n"
    "ORDER BY l.sandbox, l.participant, l.kind, l.name";
constexpr char kLedgerHolding[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms, l.sandbox\n"
    "FROM ledger AS l INDEXED BY ledger_holding\n"
    "JOIN sandboxes AS s ON s.key = l.sandbox\n"
    "WHERE l.status <= 2\n"
    "ORDER BY l.sandbox, l.participant, l.kind, l.name";
constexpr char kLedgerOne[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms, l.sandbox\n"
    "FROM sandboxes AS s\n"
    "JOIN ledger AS l ON l.sandbox = s.key\n"
    "WHERE s.id = ?1\n"
    "ORDER BY l.participant, l.kind, l.name";
constexpr char kLedgerOneHolding[] =
    "SELECT s.id, l.participant, l.kind, l.name, l.handle, l.status, l.intent, l.key,\n"
    "       l.since_unix_ms, l.sandbox\n"
    "FROM sandboxes AS s\n"
    "JOIN ledger AS l ON l.sandbox = s.key\n"
    "WHERE s.id = ?1 AND l.status <= 2\n"
    "ORDER BY l.participant, l.kind, l.name";

// The columns from `position` to `payload` as kRecord and kScan select them, but for `sandbox`.
// `stored` keeps its memory from one record to the next, and is not sound before the name of the
// record's sandbox was checked with it.
void ReadColumns(const Statement& row, StoredRecord& stored) {
  Record& record = stored.record;
  const std::int64_t kind = row.Integer(6);
  const std::int64_t checksum = row.Integer(7);
  const std::string_view hash = row.Bytes(9);
  record.position = row.Unsigned(0);
  record.sequence = row.Unsigned(2);
  record.epoch = row.Unsigned(4);
  record.time_unix_ms = row.Integer(5);
  record.kind = static_cast<RecordKind>(kind);
  record.type = row.Bytes(8);
  record.payload = row.Bytes(10);
  stored.previous = row.Unsigned(3);
  stored.checksum = static_cast<std::uint32_t>(checksum);
  const bool whole_hash = hash.size() == stored.hash.size();
  if (whole_hash) std::copy(hash.begin(), hash.end(), stored.hash.begin());
  stored.sound = whole_hash && checksum == std::int64_t{stored.checksum} &&
                 kind == static_cast<std::int64_t>(record.kind);
}

void CheckRecord(StoredRecord& stored) {
  stored.sound = stored.sound && stored.checksum == Checksum(stored.View());
}

bool HasWal(const std::string& path) {
  struct stat status {};
  return ::stat((path + "-wal").c_str(), &status) == 0;
}

OpenIntent ReadIntent(const Statement& row) {
  return OpenIntent{.sandbox_id = std::string(row.Bytes(0)),
                    .intent = row.Unsigned(1),
                    .position = row.Unsigned(2),
                    .key = std::string(row.Bytes(3)),
                    .participant = std::string(row.Bytes(4)),
                    .action = std::string(row.Bytes(5)),
                    .time_unix_ms = row.Integer(6)};
}

LedgerRow ReadLedgerRow(const Statement& row) {
  return LedgerRow{.sandbox_id = std::string(row.Bytes(0)),
                   .participant = std::string(row.Bytes(1)),
                   .kind = std::string(row.Bytes(2)),
                   .name = std::string(row.Bytes(3)),
                   .handle = std::string(row.Bytes(4)),
                   .status = static_cast<LedgerStatus>(row.Integer(5)),
                   .intent = row.Unsigned(6),
                   .key = std::string(row.Bytes(7)),
                   .since_unix_ms = row.Integer(8)};
}

// Rows of sandboxes in the order of their keys: from the tables, but of those whose ledger was
// folded further from there.
template <typename Row>
class ByKey {
 public:
  void Add(std::uint64_t key, Row row) { rows_.emplace_back(key, std::move(row)); }
  std::vector<std::pair<std::uint64_t, Row>> Take() {
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    return std::move(rows_);
  }

 private:
  std::vector<std::pair<std::uint64_t, Row>> rows_;
};

bool IsFolded(const TailEntry* entry) {
  return entry != nullptr && entry->unflushed.ledger != nullptr;
}

ReadConnection::SandboxKeys SaidOf(const TailEntry& entry) {
  return {.key = entry.key,
          .row = {.sandbox_id = entry.id,
                  .head_sequence = entry.sequence,
                  .head_position = entry.position,
                  .projection = *entry.unflushed.said}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReadConnection>> ReadConnection::Open(const std::string& path) {
  // A writer leaves its WAL file behind, be it empty. Without one, nobody writes this file (a
  // backup, a copy), and reading it as immutable spares making a WAL just to read.
  const bool immutable = !HasWal(path);
  HF_ASSIGN_OR_RETURN(Database database,
                      Database::Open(path, immutable ? OpenMode::kImmutable : OpenMode::kReadOnly));
  // Before anything is concluded from the version: a migration that comes between is then noticed.
  std::int64_t schema_version = 0;
  {
    HF_ASSIGN_OR_RETURN(Statement select, database.Prepare(kSelectSchemaVersion));
    HF_RETURN_IF_ERROR(select.Step().status());
    schema_version = select.Integer(0);
  }
  HF_RETURN_IF_ERROR(ConfigureReader(database));
  HF_ASSIGN_OR_RETURN(Tail tail, Tail::Create(database));
  HF_ASSIGN_OR_RETURN(SandboxNames names, SandboxNames::Create(database));
  auto connection = std::unique_ptr<ReadConnection>(
      new ReadConnection(std::move(database), std::move(tail), std::move(names)));
  connection->immutable_ = immutable;
  connection->schema_version_ = schema_version;
  HF_RETURN_IF_ERROR(connection->Prepare());
  return connection;
}

absl::Status ReadConnection::Prepare() {
  HF_ASSIGN_OR_RETURN(begin_, database_.Prepare("BEGIN"));
  HF_ASSIGN_OR_RETURN(end_, database_.Prepare("ROLLBACK"));
  HF_ASSIGN_OR_RETURN(select_schema_version_, database_.Prepare(kSelectSchemaVersion));
  HF_ASSIGN_OR_RETURN(find_sandbox_, database_.Prepare(kFindSandbox));
  HF_ASSIGN_OR_RETURN(walk_, database_.Prepare(kWalk));
  HF_ASSIGN_OR_RETURN(record_, database_.Prepare(kRecord));
  HF_ASSIGN_OR_RETURN(scan_, database_.Prepare(kScan));
  HF_ASSIGN_OR_RETURN(list_all_, database_.Prepare(kListAll));
  HF_ASSIGN_OR_RETURN(list_live_, database_.Prepare(kListLive));
  HF_ASSIGN_OR_RETURN(each_, database_.Prepare(kEach));
  HF_ASSIGN_OR_RETURN(each_live_, database_.Prepare(kEachLive));
  HF_ASSIGN_OR_RETURN(intents_all_, database_.Prepare(kIntentsAll));
  HF_ASSIGN_OR_RETURN(intents_one_, database_.Prepare(kIntentsOne));
  HF_ASSIGN_OR_RETURN(ledger_all_, database_.Prepare(kLedgerAll));
  HF_ASSIGN_OR_RETURN(ledger_holding_, database_.Prepare(kLedgerHolding));
  HF_ASSIGN_OR_RETURN(ledger_one_, database_.Prepare(kLedgerOne));
  HF_ASSIGN_OR_RETURN(ledger_one_holding_, database_.Prepare(kLedgerOneHolding));
  HF_ASSIGN_OR_RETURN(find_snapshot_, database_.Prepare(kFindSnapshot));
  HF_ASSIGN_OR_RETURN(find_sealed_, database_.Prepare(kFindSealed));
  return absl::OkStatus();
}

absl::Status ReadConnection::Begin() {
  HF_RETURN_IF_ERROR(begin_.Run());
  const ResetOnExit reset(select_schema_version_);
  HF_RETURN_IF_ERROR(select_schema_version_.Step().status());
  if (select_schema_version_.Integer(0) != schema_version_) {
    return absl::AbortedError("the journal was brought to another version meanwhile");
  }
  return tail_.CatchUp();
}

void ReadConnection::End() {
  // Ending a read transaction has nothing to lose.
  if (sqlite3_get_autocommit(database_.get()) == 0) end_.Run().IgnoreError();
}

void ReadConnection::ReadSandbox(const Statement& row, SandboxKeys& sandbox,
                                 std::string& wrong) const {
  sandbox = SandboxKeys{.key = row.Unsigned(0),
                        .row = {.sandbox_id = std::string(row.Bytes(1)),
                                .head_sequence = row.Unsigned(7),
                                .head_position = row.Unsigned(6),
                                .projection = {.state = std::string(row.Bytes(4)),
                                               .live = row.Integer(2) != 0,
                                               .summary = std::string(row.Bytes(5))}}};
  wrong.clear();
  if (row.Unsigned(3) != RowChecksum(sandbox.key, sandbox.row.projection.live,
                                     sandbox.row.sandbox_id, sandbox.row.projection.state,
                                     sandbox.row.projection.summary)) {
    wrong = "the checksum of its live row fails: the row was changed";
  }
  if (const TailEntry* entry = tail_.Find(sandbox.key); entry != nullptr && entry->position != 0) {
    sandbox.row.head_position = entry->position;
    sandbox.row.head_sequence = entry->sequence;
    if (entry->unflushed.said) sandbox.row.projection = *entry->unflushed.said;
  }
  if (wrong.empty() && sandbox.row.head_position == 0) wrong = "its row in `heads` is missing";
}

absl::StatusOr<ReadConnection::SandboxKeys> ReadConnection::FindSandbox(
    std::string_view sandbox_id) {
  if (const TailEntry* entry = tail_.Find(sandbox_id);
      entry != nullptr && entry->is_new && entry->unflushed.said) {
    return SaidOf(*entry);
  }
  const ResetOnExit reset(find_sandbox_);
  HF_ASSIGN_OR_RETURN(const bool found, find_sandbox_.BindText(1, sandbox_id).Step());
  if (!found) return absl::NotFoundError(fmt::format("no records of sandbox \"{}\"", sandbox_id));
  SandboxKeys sandbox;
  std::string wrong;
  ReadSandbox(find_sandbox_, sandbox, wrong);
  if (wrong.empty()) return sandbox;
  return absl::DataLossError(fmt::format("sandbox \"{}\": {}", sandbox_id, wrong));
}

absl::StatusOr<std::optional<ReadConnection::Link>> ReadConnection::FindLink(
    std::uint64_t position) {
  const ResetOnExit reset(walk_);
  HF_ASSIGN_OR_RETURN(const bool found, walk_.Bind(1, position).Step());
  if (!found) return std::nullopt;
  return Link{
      .sandbox = walk_.Unsigned(0), .sequence = walk_.Unsigned(1), .previous = walk_.Unsigned(2)};
}

absl::StatusOr<std::optional<StoredRecord>> ReadConnection::ReadRecord(
    std::uint64_t position, std::string_view sandbox_id) {
  const ResetOnExit reset(record_);
  HF_ASSIGN_OR_RETURN(const bool found, record_.Bind(1, position).Step());
  if (!found) return std::nullopt;
  StoredRecord stored;
  stored.sandbox = record_.Unsigned(1);
  stored.record.sandbox_id = sandbox_id;
  ReadColumns(record_, stored);
  CheckRecord(stored);
  return stored;
}

absl::StatusOr<std::string_view> ReadConnection::NameOf(std::uint64_t key) {
  if (const std::string_view known = names_.Known(key); !known.empty()) return known;
  if (const TailEntry* entry = tail_.Find(key); entry != nullptr) return entry->id;
  return names_.Read(key);
}

absl::Status ReadConnection::Scan(std::uint64_t after, std::size_t limit,
                                  absl::FunctionRef<Visit(const StoredRecord&)> visit) {
  const ResetOnExit reset(scan_);
  const EndOfNames end(names_);
  scan_.Bind(1, after).Bind(2, static_cast<std::int64_t>(std::min(limit, std::size_t{INT64_MAX})));
  StoredRecord stored;
  // A batch is records of one sandbox in a row.
  std::optional<std::uint64_t> named;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, scan_.Step());
    if (!row) return absl::OkStatus();
    stored.sandbox = scan_.Unsigned(1);
    const bool other = named != stored.sandbox;
    if (other) names_.Prefetch(stored.sandbox);
    ReadColumns(scan_, stored);
    if (other) {
      HF_ASSIGN_OR_RETURN(stored.record.sandbox_id, NameOf(stored.sandbox));
      named = stored.sandbox;
    }
    CheckRecord(stored);
    if (visit(stored) == Visit::kStop) return absl::OkStatus();
  }
}

absl::StatusOr<std::vector<SandboxRow>> ReadConnection::ListSandboxes(bool live_only,
                                                                      std::string_view after_id,
                                                                      std::size_t limit) {
  Statement& list = live_only ? list_live_ : list_all_;
  const ResetOnExit reset(list);
  list.BindText(1, after_id);
  // What was said of a sandbox since the flush takes the place of its row, and may bring or take
  // it.
  auto said = tail_.by_id().upper_bound(after_id);
  const auto skip_to_said = [&] {
    while (said != tail_.by_id().end() &&
           (!said->second->unflushed.said || (live_only && !said->second->unflushed.said->live))) {
      ++said;
    }
  };
  skip_to_said();
  std::vector<SandboxRow> rows;
  bool more = true;
  SandboxKeys stored;
  std::string wrong;
  const auto next = [&]() -> absl::Status {
    while (true) {
      HF_ASSIGN_OR_RETURN(more, list.Step());
      if (!more) return absl::OkStatus();
      ReadSandbox(list, stored, wrong);
      const TailEntry* entry = tail_.Find(stored.key);
      if (entry == nullptr || !entry->unflushed.said) return absl::OkStatus();
    }
  };
  HF_RETURN_IF_ERROR(next());
  while (rows.size() < limit && (more || said != tail_.by_id().end())) {
    if (said == tail_.by_id().end() || (more && stored.row.sandbox_id < said->first)) {
      rows.push_back(std::move(stored.row));
      HF_RETURN_IF_ERROR(next());
    } else {
      rows.push_back(SaidOf(*said->second).row);
      ++said;
      skip_to_said();
    }
  }
  return rows;
}

absl::Status ReadConnection::ForEachSandbox(
    bool live_only, std::uint64_t after_key,
    const std::function<absl::StatusOr<Visit>(const SandboxKeys&, std::string_view wrong)>& visit) {
  Statement& list = live_only ? each_live_ : each_;
  const ResetOnExit reset(list);
  if (!live_only) list.Bind(1, after_key);
  // What was said of a sandbox since the flush takes the place of its row, and may bring or take
  // it.
  auto said = tail_.entries().upper_bound(after_key);
  SandboxKeys sandbox;
  std::string wrong;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (row) ReadSandbox(list, sandbox, wrong);
    for (; said != tail_.entries().end() && (!row || said->first <= sandbox.key); ++said) {
      const std::optional<Projection>& now = said->second.unflushed.said;
      if (!now || (live_only && !now->live)) continue;
      const bool damaged = row && said->first == sandbox.key;
      HF_ASSIGN_OR_RETURN(const Visit next, visit(SaidOf(said->second), damaged ? wrong : ""));
      if (next == Visit::kStop) return absl::OkStatus();
    }
    if (!row) return absl::OkStatus();
    if (const TailEntry* entry = tail_.Find(sandbox.key); entry && entry->unflushed.said) continue;
    HF_ASSIGN_OR_RETURN(const Visit next, visit(sandbox, wrong));
    if (next == Visit::kStop) return absl::OkStatus();
  }
}

absl::StatusOr<std::optional<Snapshot>> ReadConnection::FindSnapshot(const SandboxKeys& sandbox) {
  const ResetOnExit reset(find_snapshot_);
  HF_ASSIGN_OR_RETURN(const bool found, find_snapshot_.Bind(1, sandbox.key).Step());
  if (!found) return std::nullopt;
  Snapshot snapshot{.sequence = find_snapshot_.Unsigned(0),
                    .bytes = std::string(find_snapshot_.Bytes(2))};
  if (find_snapshot_.Unsigned(1) ==
          SnapshotChecksum(sandbox.row.sandbox_id, snapshot.sequence, snapshot.bytes) &&
      snapshot.sequence <= sandbox.row.head_sequence) {
    return snapshot;
  }
  return absl::DataLossError(
      fmt::format("sandbox \"{}\": the checksum of its snapshot fails", sandbox.row.sandbox_id));
}

absl::StatusOr<std::optional<std::string>> ReadConnection::FindSealed(std::uint64_t key) {
  const ResetOnExit reset(find_sealed_);
  HF_ASSIGN_OR_RETURN(const bool found, find_sealed_.Bind(1, key).Step());
  if (!found) return std::nullopt;
  return std::string(find_sealed_.Bytes(0));
}

absl::StatusOr<std::vector<OpenIntent>> ReadConnection::ListOpenIntents(
    std::string_view sandbox_id) {
  ByKey<OpenIntent> rows;
  const auto take = [&rows] {
    std::vector<OpenIntent> taken;
    for (auto& [key, row] : rows.Take()) taken.push_back(std::move(row));
    return taken;
  };
  const auto add_folded = [&](const TailEntry& entry) {
    for (auto [sequence, intent] : entry.unflushed.ledger->open_intents()) {
      intent.sandbox_id = entry.id;
      rows.Add(entry.key, std::move(intent));
    }
  };
  if (const TailEntry* entry = sandbox_id.empty() ? nullptr : tail_.Find(sandbox_id);
      IsFolded(entry)) {
    add_folded(*entry);
    return take();
  }
  Statement& list = sandbox_id.empty() ? intents_all_ : intents_one_;
  const ResetOnExit reset(list);
  if (!sandbox_id.empty()) list.BindText(1, sandbox_id);
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) break;
    if (!IsFolded(tail_.Find(list.Unsigned(7)))) rows.Add(list.Unsigned(7), ReadIntent(list));
  }
  if (sandbox_id.empty()) {
    for (const auto& [key, entry] : tail_.entries()) {
      if (IsFolded(&entry)) add_folded(entry);
    }
  }
  return take();
}

absl::StatusOr<ReadConnection::KeyedLedger> ReadConnection::ReadLedger(std::string_view sandbox_id,
                                                                       bool all) {
  ByKey<LedgerRow> rows;
  const auto add_folded = [&](const TailEntry& entry) {
    for (auto [key, row] : entry.unflushed.ledger->rows()) {
      if (!all && row.status > LedgerStatus::kHeld) continue;
      row.sandbox_id = entry.id;
      rows.Add(entry.key, std::move(row));
    }
  };
  if (const TailEntry* entry = sandbox_id.empty() ? nullptr : tail_.Find(sandbox_id);
      IsFolded(entry)) {
    add_folded(*entry);
    return rows.Take();
  }
  Statement& list = sandbox_id.empty() ? (all ? ledger_all_ : ledger_holding_)
                                       : (all ? ledger_one_ : ledger_one_holding_);
  const ResetOnExit reset(list);
  if (!sandbox_id.empty()) list.BindText(1, sandbox_id);
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) break;
    if (!IsFolded(tail_.Find(list.Unsigned(9)))) rows.Add(list.Unsigned(9), ReadLedgerRow(list));
  }
  if (sandbox_id.empty()) {
    for (const auto& [key, entry] : tail_.entries()) {
      if (IsFolded(&entry)) add_folded(entry);
    }
  }
  return rows.Take();
}

}  // namespace holdfast::journal
