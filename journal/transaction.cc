// SPDX-License-Identifier: Apache-2.0
#include "journal/transaction.h"

#include <utility>

#include "fmt/format.h"
#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kSelectEpoch[] =
    "SELECT value\n"
    "FROM meta\n"
    "WHERE name = 'epoch'";
constexpr char kInsertRecord[] =
    "INSERT INTO records\n"
    "  (position, sandbox, sequence, previous, epoch, time_unix_ms, kind, checksum, type, hash,\n"
    "   payload)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
constexpr char kInsertPending[] =
    "INSERT INTO pending (position, sandbox, id, live, checksum, state, summary)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr char kPutSealed[] =
    "INSERT OR REPLACE INTO sealed (sandbox, bytes)\n"
    "VALUES (?1, ?2)";
constexpr char kDropSealed[] =
    "DELETE FROM sealed\n"
    "WHERE sandbox = ?1";

std::string_view BytesOf(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace

absl::StatusOr<Transaction> Transaction::Create(Database& database) {
  Transaction made;
  made.db_ = database.get();
  HF_ASSIGN_OR_RETURN(made.begin_, database.Prepare("BEGIN IMMEDIATE"));
  HF_ASSIGN_OR_RETURN(made.commit_, database.Prepare("COMMIT"));
  HF_ASSIGN_OR_RETURN(made.rollback_, database.Prepare("ROLLBACK"));
  HF_ASSIGN_OR_RETURN(made.select_epoch_, database.Prepare(kSelectEpoch));
  HF_ASSIGN_OR_RETURN(made.insert_record_, database.Prepare(kInsertRecord));
  HF_ASSIGN_OR_RETURN(made.insert_pending_, database.Prepare(kInsertPending));
  HF_ASSIGN_OR_RETURN(made.put_sealed_, database.Prepare(kPutSealed));
  HF_ASSIGN_OR_RETURN(made.drop_sealed_, database.Prepare(kDropSealed));
  return made;
}

absl::Status Transaction::Begin() {
  HF_RETURN_IF_ERROR(begin_.Run());
  if (epoch_ == 0) return absl::OkStatus();
  absl::Status status = CheckEpoch();
  return status.ok() ? status : End(std::move(status));
}

absl::Status Transaction::End(absl::Status status) {
  if (status.ok()) status = commit_.Run();
  // A rollback fails when SQLite rolled back by itself; there is nothing to do about it either way.
  if (!status.ok() && sqlite3_get_autocommit(db_) == 0) rollback_.Run().IgnoreError();
  return status;
}

absl::Status Transaction::CheckEpoch() {
  const ResetOnExit reset(select_epoch_);
  HF_ASSIGN_OR_RETURN(const bool found, select_epoch_.Step());
  if (!found) return absl::FailedPreconditionError("the journal's epoch is gone");
  const std::uint64_t stored = select_epoch_.Unsigned(0);
  if (stored == epoch_) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "the journal was taken by another process: epoch {}, ours is {}", stored, epoch_));
}

absl::Status Transaction::Write(const Plan& plan) {
  HF_RETURN_IF_ERROR(Begin());
  if (plan.empty()) {
    // All of it was refused. What counts is that the journal is still ours: a rollback of nothing
    // has nothing to tell.
    rollback_.Run().IgnoreError();
    return absl::OkStatus();
  }
  absl::Status status = Insert(plan);
  // Crash story of what follows:
  //  1. Killed before COMMIT, or while it writes: the WAL's tail has no commit mark. The next
  //     open drops it; nobody was told anything.
  //  2. Killed after COMMIT: all of it is there and nobody was told. The appender's next life
  //     reads it as its own past.
  //  3. COMMIT fails: nothing of it is visible and everybody is told so. The frames may lie in
  //     the file beyond its valid end until the next commit writes over them.
  if (status.ok()) HF_FAILPOINT(kJournalBeforeCommit);
  status = End(std::move(status));
  if (status.ok()) HF_FAILPOINT(kJournalAfterCommit);
  return status;
}

absl::Status Transaction::Insert(const Plan& plan) {
  for (const Plan::Record& record : plan.records) {
    HF_RETURN_IF_ERROR(insert_record_.Bind(1, record.position)
                           .Bind(2, record.sandbox)
                           .Bind(3, record.sequence)
                           .Bind(4, record.previous)
                           .Bind(5, epoch_)
                           .Bind(6, record.time_unix_ms)
                           .Bind(7, static_cast<std::int64_t>(record.kind))
                           .Bind(8, std::int64_t{record.checksum})
                           .BindText(9, plan.TypeOf(record))
                           .BindBlob(10, BytesOf(record.hash))
                           .BindBlob(11, plan.PayloadOf(record))
                           .Run());
  }
  for (const Plan::Said& said : plan.said) {
    HF_RETURN_IF_ERROR(insert_pending_.Bind(1, said.position)
                           .Bind(2, said.sandbox)
                           .BindText(3, said.id)
                           .Bind(4, std::int64_t{said.live})
                           .Bind(5, std::int64_t{said.checksum})
                           .BindText(6, said.state)
                           .BindBlob(7, said.summary)
                           .Run());
  }
  for (const Plan::Sealed& sealed : plan.sealed) {
    if (sealed.bytes) {
      HF_RETURN_IF_ERROR(put_sealed_.Bind(1, sealed.sandbox).BindBlob(2, *sealed.bytes).Run());
    } else {
      HF_RETURN_IF_ERROR(drop_sealed_.Bind(1, sealed.sandbox).Run());
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast::journal
