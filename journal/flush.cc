// SPDX-License-Identifier: Apache-2.0
#include "journal/flush.h"

#include <utility>

#include "journal/canonical.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kPutHead[] =
    "INSERT INTO heads (sandbox, position, sequence)\n"
    "VALUES (?1, ?2, ?3)\n"
    "ON CONFLICT (sandbox) DO UPDATE\n"
    "SET position = excluded.position, sequence = excluded.sequence";
constexpr char kInsertSandbox[] =
    "INSERT INTO sandboxes (key, checksum, state, summary, live, id)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr char kSelectLive[] =
    "SELECT live\n"
    "FROM sandboxes\n"
    "WHERE key = ?1";
// Without `live`, which the partial indexes look at: naming it would rewrite them each time.
constexpr char kUpdateSandbox[] =
    "UPDATE sandboxes\n"
    "SET checksum = ?2, state = ?3, summary = ?4\n"
    "WHERE key = ?1";
constexpr char kUpdateSandboxLive[] =
    "UPDATE sandboxes\n"
    "SET checksum = ?2, state = ?3, summary = ?4, live = ?5\n"
    "WHERE key = ?1";
constexpr char kPutSnapshot[] =
    "INSERT OR REPLACE INTO snapshots (sandbox, sequence, checksum, bytes)\n"
    "VALUES (?1, ?2, ?3, ?4)";
constexpr char kDropSnapshot[] =
    "DELETE FROM snapshots\n"
    "WHERE sandbox = ?1";
constexpr char kDropPending[] = "DELETE FROM pending";
constexpr char kSetFlushed[] =
    "UPDATE meta\n"
    "SET value = ?1\n"
    "WHERE name = 'flushed'";

}  // namespace

absl::StatusOr<Flusher> Flusher::Create(Database& database) {
  HF_ASSIGN_OR_RETURN(LedgerWriter ledger, LedgerWriter::Create(database));
  Flusher flusher(database.get(), std::move(ledger));
  HF_ASSIGN_OR_RETURN(flusher.put_head_, database.Prepare(kPutHead));
  HF_ASSIGN_OR_RETURN(flusher.insert_sandbox_, database.Prepare(kInsertSandbox));
  HF_ASSIGN_OR_RETURN(flusher.select_live_, database.Prepare(kSelectLive));
  HF_ASSIGN_OR_RETURN(flusher.update_sandbox_, database.Prepare(kUpdateSandbox));
  HF_ASSIGN_OR_RETURN(flusher.update_sandbox_live_, database.Prepare(kUpdateSandboxLive));
  HF_ASSIGN_OR_RETURN(flusher.put_snapshot_, database.Prepare(kPutSnapshot));
  HF_ASSIGN_OR_RETURN(flusher.drop_snapshot_, database.Prepare(kDropSnapshot));
  HF_ASSIGN_OR_RETURN(flusher.drop_pending_, database.Prepare(kDropPending));
  HF_ASSIGN_OR_RETURN(flusher.set_flushed_, database.Prepare(kSetFlushed));
  return flusher;
}

absl::Status Flusher::Write(const Item& item) {
  HF_RETURN_IF_ERROR(
      put_head_.Bind(1, item.key).Bind(2, item.position).Bind(3, item.sequence).Run());
  if (item.unflushed == nullptr) return absl::OkStatus();
  if (item.unflushed->said) HF_RETURN_IF_ERROR(WriteRow(item, *item.unflushed->said));
  if (item.unflushed->ledger != nullptr) {
    HF_RETURN_IF_ERROR(ledger_.Store(item.key, *item.unflushed->ledger));
  }
  return WriteSnapshot(item);
}

absl::Status Flusher::WriteRow(const Item& item, const Projection& said) {
  bool live = said.live;
  if (!item.is_new) {
    const ResetOnExit reset(select_live_);
    HF_ASSIGN_OR_RETURN(const bool found, select_live_.Bind(1, item.key).Step());
    live = found && select_live_.Integer(0) != 0;
  }
  Statement& statement = item.is_new         ? insert_sandbox_
                         : live != said.live ? update_sandbox_live_
                                             : update_sandbox_;
  statement.Bind(1, item.key)
      .Bind(2, std::int64_t{RowChecksum(item.key, said.live, item.id, said.state, said.summary)})
      .BindText(3, said.state)
      .BindBlob(4, said.summary);
  if (item.is_new || live != said.live) statement.Bind(5, std::int64_t{said.live});
  if (item.is_new) statement.BindText(6, item.id);
  return statement.Run();
}

absl::Status Flusher::WriteSnapshot(const Item& item) {
  const Unflushed& unflushed = *item.unflushed;
  // Nobody loads a finished sandbox.
  if (unflushed.said && !unflushed.said->live) return drop_snapshot_.Bind(1, item.key).Run();
  if (!unflushed.snapshot) return absl::OkStatus();
  const Snapshot& snapshot = *unflushed.snapshot;
  return put_snapshot_.Bind(1, item.key)
      .Bind(2, snapshot.sequence)
      .Bind(3, std::int64_t{SnapshotChecksum(item.id, snapshot.sequence, snapshot.bytes)})
      .BindBlob(4, snapshot.bytes)
      .Run();
}

absl::Status Flusher::Finish(std::uint64_t position) {
  HF_RETURN_IF_ERROR(drop_pending_.Run());
  HF_RETURN_IF_ERROR(set_flushed_.Bind(1, position).Run());
  if (sqlite3_changes(db_) == 1) return absl::OkStatus();
  return absl::DataLossError("the mark up to which the projections stand is gone");
}

}  // namespace holdfast::journal
