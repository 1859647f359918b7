// SPDX-License-Identifier: Apache-2.0
#include "journal/writer.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/hash/hash.h"
#include "fmt/format.h"
#include "journal/ownership.h"
#include "journal/rewrite_log.h"
#include "journal/schema.h"
#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

constexpr char kSelectEpoch[] =
    "SELECT value\n"
    "FROM meta\n"
    "WHERE name = 'epoch'";
constexpr char kProbe[] =
    "UPDATE meta\n"
    "SET value = value + 1\n"
    "WHERE name = 'probe'";
constexpr char kSelectSandbox[] =
    "SELECT s.key, s.live, s.checksum, s.state, s.summary, h.position, h.sequence\n"
    "FROM sandboxes AS s\n"
    "LEFT JOIN heads AS h ON h.sandbox = s.key\n"
    "WHERE s.id = ?1";
constexpr char kSelectHeadHash[] =
    "SELECT sandbox, sequence, hash\n"
    "FROM records\n"
    "WHERE position = ?1";
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
constexpr char kReplaceSealed[] =
    "UPDATE sealed\n"
    "SET bytes = ?3\n"
    "WHERE sandbox = ?1 AND bytes = ?2";

// The WAL is moved into the file each time it has grown by this much: larger is fewer writes of hot
// pages, smaller is a shorter recovery. 8,000 pages are 32 MiB; measured by tests/bench.
constexpr int kCheckpointPages = 8'000;

std::size_t SaidDigest(std::string_view state, std::string_view summary) {
  return absl::HashOf(state, summary);
}

absl::Status Damaged(const std::string& sandbox_id, std::string_view what) {
  return absl::DataLossError(fmt::format("sandbox \"{}\": {}", sandbox_id, what));
}

}  // namespace

absl::Status OfTheWhole(absl::Status status) {
  if (!absl::IsDataLoss(status)) return status;
  return absl::UnavailableError(
      fmt::format("the journal's tables are damaged: {}", std::string(status.message())));
}

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(const Options& options,
                                                     Ownership& previous_ownership) {
  HF_ASSIGN_OR_RETURN(Database database, Database::Open(options.path, OpenMode::kReadWrite));
  HF_RETURN_IF_ERROR(ConfigureWriter(database));
  HF_RETURN_IF_ERROR(RewriteLog(options.path));
  HF_RETURN_IF_ERROR(MigrateFile(database));
  HF_ASSIGN_OR_RETURN(Hasher hasher, Hasher::Create());
  HF_ASSIGN_OR_RETURN(Flusher flusher, Flusher::Create(database));
  HF_ASSIGN_OR_RETURN(LedgerReader ledger, LedgerReader::Create(database));
  HF_ASSIGN_OR_RETURN(Archive archive, Archive::Create(database, options.path));
  auto writer =
      std::unique_ptr<Writer>(new Writer(options.limits, std::move(hasher), std::move(flusher),
                                         std::move(ledger), std::move(archive)));
  writer->database_ = std::move(database);
  HF_RETURN_IF_ERROR(writer->Prepare());
  HF_RETURN_IF_ERROR(writer->TakeEpoch(options, previous_ownership));
  HF_RETURN_IF_ERROR(writer->Recover());
  return writer;
}

absl::Status Writer::Prepare() {
  HF_ASSIGN_OR_RETURN(begin_, database_.Prepare("BEGIN IMMEDIATE"));
  HF_ASSIGN_OR_RETURN(commit_, database_.Prepare("COMMIT"));
  HF_ASSIGN_OR_RETURN(rollback_, database_.Prepare("ROLLBACK"));
  HF_ASSIGN_OR_RETURN(select_epoch_, database_.Prepare(kSelectEpoch));
  HF_ASSIGN_OR_RETURN(probe_, database_.Prepare(kProbe));
  HF_ASSIGN_OR_RETURN(select_sandbox_, database_.Prepare(kSelectSandbox));
  HF_ASSIGN_OR_RETURN(select_head_hash_, database_.Prepare(kSelectHeadHash));
  HF_ASSIGN_OR_RETURN(insert_record_, database_.Prepare(kInsertRecord));
  HF_ASSIGN_OR_RETURN(insert_pending_, database_.Prepare(kInsertPending));
  HF_ASSIGN_OR_RETURN(put_sealed_, database_.Prepare(kPutSealed));
  HF_ASSIGN_OR_RETURN(drop_sealed_, database_.Prepare(kDropSealed));
  HF_ASSIGN_OR_RETURN(replace_sealed_, database_.Prepare(kReplaceSealed));
  sqlite3_wal_hook(
      database_.get(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Writer*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  wal_pages_checkpoint_due_ = kCheckpointPages;
  return absl::OkStatus();
}

absl::Status Writer::TakeEpoch(const Options& options, Ownership& previous_ownership) {
  HF_RETURN_IF_ERROR(begin_.Run());
  const auto take = [&]() -> absl::Status {
    HF_ASSIGN_OR_RETURN(previous_ownership, ReadOwnership(database_));
    epoch_ = previous_ownership.epoch + 1;
    return WriteOwnership(
        database_, Ownership{
                       .owner = options.owner,
                       .pid = ::getpid(),
                       .since_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                            std::chrono::system_clock::now().time_since_epoch())
                                            .count(),
                       .epoch = epoch_,
                       .boot_id = options.boot_id,
                   });
  };
  return End(take());
}

absl::Status Writer::Begin() {
  HF_RETURN_IF_ERROR(begin_.Run());
  absl::Status status = CheckEpoch();
  return status.ok() ? status : End(std::move(status));
}

absl::Status Writer::End(absl::Status status) {
  if (status.ok()) status = commit_.Run();
  // A rollback fails when SQLite rolled back by itself; there is nothing to do about it either way.
  if (!status.ok() && sqlite3_get_autocommit(database_.get()) == 0) rollback_.Run().IgnoreError();
  return status;
}

absl::Status Writer::Commit(std::span<Waiting*> batches) {
  std::size_t written = 0;
  absl::Status status = behind_ ? Recover() : absl::OkStatus();
  next_position_ = last_position_ + 1;
  if (status.ok()) status = Begin();
  if (status.ok()) {
    status = WriteTransaction(batches, written);
    if (status.ok() && written == 0) {
      // Each was refused alone. A rollback of nothing has nothing to tell.
      rollback_.Run().IgnoreError();
    } else {
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
      behind_ = !status.ok();
    }
  }
  if (!status.ok()) {
    // Whatever of one sandbox can be damaged was read, and told, before anything was written.
    status = OfTheWhole(std::move(status));
    for (Waiting* batch : batches) batch->answer = status;
    return status;
  }
  last_position_ = next_position_ - 1;
  for (Head* head : touched_) {
    head->touched = false;
    // A finished sandbox is hardly ever written again; what is kept in memory is what is live.
    if (!head->live && !head->dirty) heads_.erase(head->id);
  }
  touched_.clear();
  return absl::OkStatus();
}

absl::Status Writer::WriteTransaction(std::span<Waiting*> batches, std::size_t& written) {
  // Hundreds of sandboxes at random are hundreds of waits for memory, unless they are waited for
  // together.
  for (const Waiting* batch : batches) heads_.prefetch(batch->prepared.batch.sandbox_id);
  for (Waiting* batch : batches) {
    const PreparedBatch& prepared = batch->prepared;
    auto head = LoadHead(prepared.batch.sandbox_id);
    if (!head.ok()) {
      if (!absl::IsDataLoss(head.status())) return head.status();
      batch->answer = head.status();
      continue;
    }
    if (absl::Status refused = Check(prepared, **head); !refused.ok()) {
      if (absl::IsUnavailable(refused) || absl::IsResourceExhausted(refused)) return refused;
      batch->answer = refused;
      continue;
    }
    Appended appended;
    HF_RETURN_IF_ERROR(Insert(prepared, **head, appended));
    batch->answer = appended;
    ++written;
  }
  return absl::OkStatus();
}

absl::Status Writer::CheckEpoch() {
  const ResetOnExit reset(select_epoch_);
  HF_ASSIGN_OR_RETURN(const bool found, select_epoch_.Step());
  if (!found) return absl::FailedPreconditionError("the journal's epoch is gone");
  const std::uint64_t stored = select_epoch_.Unsigned(0);
  if (stored == epoch_) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "the journal was taken by another process: epoch {}, ours is {}", stored, epoch_));
}

absl::StatusOr<Writer::Head*> Writer::LoadHead(const std::string& sandbox_id) {
  if (const auto known = heads_.find(sandbox_id); known != heads_.end()) return known->second.get();
  auto read = std::make_unique<Head>();
  read->id = sandbox_id;
  HF_RETURN_IF_ERROR(ReadHead(*read));
  Head& head = *read;
  heads_[head.id] = std::move(read);
  // Seen by the end of the transaction, which forgets it unless it is live by then.
  Touch(head);
  return &head;
}

absl::Status Writer::ReadHead(Head& head) {
  {
    const ResetOnExit reset(select_sandbox_);
    HF_ASSIGN_OR_RETURN(const bool found, select_sandbox_.BindText(1, head.id).Step());
    if (!found) return ReadArchivedHead(head);
    head.key = select_sandbox_.Unsigned(0);
    head.live = select_sandbox_.Integer(1) != 0;
    head.said_digest = SaidDigest(select_sandbox_.Bytes(3), select_sandbox_.Bytes(4));
    head.position = select_sandbox_.Unsigned(5);
    head.sequence = select_sandbox_.Unsigned(6);
    if (select_sandbox_.Unsigned(2) != RowChecksum(head.key, head.live, head.id,
                                                   select_sandbox_.Bytes(3),
                                                   select_sandbox_.Bytes(4))) {
      return Damaged(head.id, "the checksum of its live row fails");
    }
  }
  return ReadHash(head);
}

absl::Status Writer::ReadHash(Head& head) {
  const ResetOnExit reset(select_head_hash_);
  HF_ASSIGN_OR_RETURN(const bool found, select_head_hash_.Bind(1, head.position).Step());
  if (!found || select_head_hash_.Unsigned(0) != head.key ||
      select_head_hash_.Unsigned(1) != head.sequence ||
      select_head_hash_.Bytes(2).size() != head.hash.size()) {
    return Damaged(head.id,
                   fmt::format("its last record, at position {}, is missing", head.position));
  }
  const std::string_view hash = select_head_hash_.Bytes(2);
  std::copy(hash.begin(), hash.end(), head.hash.begin());
  return absl::OkStatus();
}

absl::Status Writer::ReadArchivedHead(Head& head) {
  // A file that cannot be read is this sandbox's misfortune and nobody else's.
  const auto parts = archive_.Find(head.id);
  if (!parts.ok()) return Damaged(head.id, std::string(parts.status().message()));
  if (parts->empty()) return absl::OkStatus();
  const Archive::Part& last = parts->front();
  const auto segment = archive_.Open(last.row.segment);
  if (!segment.ok()) return Damaged(head.id, std::string(segment.status().message()));
  const auto record = (*segment)->ReadRecord(last.head.row.head_position, head.id);
  if (!record.ok()) return Damaged(head.id, std::string(record.status().message()));
  if (!record->has_value() || !(*record)->sound || (*record)->sandbox != last.head.key ||
      (*record)->record.sequence != last.head.row.head_sequence) {
    return Damaged(head.id, fmt::format("its last record, in archive segment {}, is damaged",
                                        last.row.segment.file));
  }
  // It has no row in the tables, and its ledger begins anew: what it held before has ended.
  head.key = last.head.key;
  head.is_new = true;
  head.position = last.head.row.head_position;
  head.sequence = last.head.row.head_sequence;
  head.hash = (*record)->hash;
  return absl::OkStatus();
}

absl::Status Writer::Check(const PreparedBatch& prepared, Head& head) {
  const Batch& batch = prepared.batch;
  if (batch.expected_sequence != head.sequence) {
    return absl::AbortedError(fmt::format("sandbox \"{}\" is at sequence {}, not at {}",
                                          batch.sandbox_id, head.sequence,
                                          batch.expected_sequence));
  }
  return prepared.meanings.empty() ? absl::OkStatus() : CheckMeanings(prepared, head);
}

absl::Status Writer::CheckMeanings(const PreparedBatch& prepared, Head& head) {
  HF_ASSIGN_OR_RETURN(LedgerFold* const ledger, LoadLedger(head));
  for (const Meaning& meaning : prepared.meanings) {
    if (meaning.outcome == nullptr) continue;
    const std::uint64_t intent = meaning.outcome->intent();
    if (intent > head.sequence) {
      if (prepared.meanings[intent - head.sequence - 1].intent != nullptr) continue;
    } else {
      if (ledger->facts().contains(intent)) continue;
      // Closed already: a late word about a step of long ago. Rare enough to walk to its record.
      auto found = ledger_.FindIntent(head.key, head.position, intent);
      if (!found.ok()) {
        // The walk ended where the archive begins: an intent in there was closed before.
        if (!absl::IsDataLoss(found.status())) return found.status();
        HF_ASSIGN_OR_RETURN(const bool archived, archive_.Mentions(head.id));
        if (!archived) return found.status();
      } else if (found->has_value()) {
        ledger->Learn(intent, **std::move(found));
        continue;
      }
    }
    return absl::InvalidArgumentError(
        fmt::format("batch of sandbox \"{}\": an outcome answers record {}, which is no intent of "
                    "its present life",
                    prepared.batch.sandbox_id, intent));
  }
  return absl::OkStatus();
}

absl::StatusOr<LedgerFold*> Writer::LoadLedger(Head& head) {
  if (head.unflushed == nullptr) head.unflushed = std::make_unique<Unflushed>();
  if (head.unflushed->ledger == nullptr) {
    LedgerFold fold;
    if (head.key != 0 && !head.is_new) {
      HF_ASSIGN_OR_RETURN(fold, ledger_.Load(head.key));
    }
    if (!fold.open_intents().empty() && fold.open_intents().rbegin()->first > head.sequence) {
      return Damaged(head.id, "it has an open intent that no record of it made");
    }
    head.unflushed->ledger = std::make_unique<LedgerFold>(std::move(fold));
  }
  return head.unflushed->ledger.get();
}

absl::Status Writer::Insert(const PreparedBatch& prepared, Head& head, Appended& appended) {
  const Batch& batch = prepared.batch;
  Touch(head);
  if (!head.dirty) {
    head.dirty = true;
    dirty_.push_back(&head);
  }
  appended.first_position = next_position_;
  if (head.key == 0) {
    head.key = next_position_;
    head.is_new = true;
  }
  for (std::size_t i = 0; i < batch.drafts.size(); ++i) {
    const Draft& draft = batch.drafts[i];
    const RecordView record{.position = next_position_,
                            .previous = head.position,
                            .sequence = head.sequence + 1,
                            .epoch = epoch_,
                            .time_unix_ms = draft.time_unix_ms,
                            .kind = draft.kind,
                            .sandbox_id = batch.sandbox_id,
                            .type = draft.type,
                            .payload = draft.payload};
    HF_RETURN_IF_ERROR(InsertRecord(record, head));
    if (draft.kind != RecordKind::kEvent) {
      HF_ASSIGN_OR_RETURN(LedgerFold* const ledger, LoadLedger(head));
      const Meaning& meaning = prepared.meanings[i];
      if (meaning.intent != nullptr) {
        ledger->Apply(record.sequence, record.position, record.time_unix_ms, *meaning.intent);
      } else {
        ledger->Apply(record.time_unix_ms, *meaning.outcome);
      }
    }
  }
  HF_RETURN_IF_ERROR(KeepBeside(head, batch));
  HF_RETURN_IF_ERROR(Say(head, batch.projection));
  appended.last_position = head.position;
  appended.last_sequence = head.sequence;
  return absl::OkStatus();
}

absl::Status Writer::InsertRecord(const RecordView& record, Head& head) {
  WriteCanonical(record, canonical_);
  head.hash = hasher_.Link(head.hash, canonical_);
  HF_RETURN_IF_ERROR(
      insert_record_.Bind(1, record.position)
          .Bind(2, head.key)
          .Bind(3, record.sequence)
          .Bind(4, record.previous)
          .Bind(5, record.epoch)
          .Bind(6, record.time_unix_ms)
          .Bind(7, static_cast<std::int64_t>(record.kind))
          .Bind(8, std::int64_t{Checksum(canonical_)})
          .BindText(9, record.type)
          .BindBlob(10, std::string_view(reinterpret_cast<const char*>(head.hash.data()),
                                         head.hash.size()))
          .BindBlob(11, record.payload)
          .Run());
  head.position = record.position;
  head.sequence = record.sequence;
  ++next_position_;
  return absl::OkStatus();
}

absl::Status Writer::KeepBeside(Head& head, const Batch& batch) {
  if (batch.sealed) {
    HF_RETURN_IF_ERROR(put_sealed_.Bind(1, head.key).BindBlob(2, *batch.sealed).Run());
  }
  // Now, not with the flush: what is sealed must not outlive its sandbox.
  if (!batch.projection.live) HF_RETURN_IF_ERROR(drop_sealed_.Bind(1, head.key).Run());
  if (!batch.snapshot) return absl::OkStatus();
  if (head.unflushed == nullptr) head.unflushed = std::make_unique<Unflushed>();
  head.unflushed->snapshot = Snapshot{head.sequence, *batch.snapshot};
  unflushed_bytes_ += batch.snapshot->size();
  return absl::OkStatus();
}

absl::Status Writer::Say(Head& head, const Projection& projection) {
  const std::size_t digest = SaidDigest(projection.state, projection.summary);
  const bool first = head.is_new && (head.unflushed == nullptr || !head.unflushed->said);
  if (!first && digest == head.said_digest && projection.live == head.live) {
    return absl::OkStatus();
  }
  head.said_digest = digest;
  head.live = projection.live;
  if (head.unflushed == nullptr) head.unflushed = std::make_unique<Unflushed>();
  head.unflushed->said = projection;
  unflushed_bytes_ += projection.state.size() + projection.summary.size();
  return insert_pending_.Bind(1, head.position)
      .Bind(2, head.key)
      .BindText(3, head.id)
      .Bind(4, std::int64_t{projection.live})
      .Bind(5, std::int64_t{RowChecksum(head.key, projection.live, head.id, projection.state,
                                        projection.summary)})
      .BindText(6, projection.state)
      .BindBlob(7, projection.summary)
      .Run();
}

void Writer::Touch(Head& head) {
  if (head.touched) return;
  head.touched = true;
  touched_.push_back(&head);
}

absl::Status Writer::Recover() {
  HF_RETURN_IF_ERROR(Begin());
  absl::Status status = End(RecoverInTransaction());
  behind_ = !status.ok();
  return status;
}

absl::Status Writer::RecoverInTransaction() {
  touched_.clear();
  dirty_.clear();
  heads_.clear();
  unflushed_bytes_ = 0;
  HF_ASSIGN_OR_RETURN(Tail tail, Tail::Create(database_));
  HF_RETURN_IF_ERROR(tail.CatchUp());
  if (tail.last_position() != tail.flushed()) {
    for (const auto& [key, entry] : tail.entries()) {
      // Of a record that is not sound and continues nothing.
      if (entry.position == 0) continue;
      HF_RETURN_IF_ERROR(flusher_.Write({.key = key,
                                         .id = entry.id,
                                         .is_new = entry.is_new,
                                         .position = entry.position,
                                         .sequence = entry.sequence,
                                         .unflushed = &entry.unflushed}));
    }
    HF_RETURN_IF_ERROR(flusher_.Finish(tail.last_position()));
  }
  last_position_ = flushed_position_ = tail.last_position();
  return absl::OkStatus();
}

absl::Status Writer::Flush() {
  if (behind_) return Recover();
  if (!dirty()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(Begin());
  absl::Status status = FlushInTransaction();
  if (status.ok()) HF_FAILPOINT(kJournalBeforeFlush);
  status = End(std::move(status));
  behind_ = !status.ok();
  if (!status.ok()) return status;
  HF_FAILPOINT(kJournalAfterFlush);
  flushed_position_ = last_position_;
  unflushed_bytes_ = 0;
  for (Head* head : dirty_) {
    head->dirty = head->is_new = false;
    head->unflushed.reset();
    if (!head->live) heads_.erase(head->id);
  }
  dirty_.clear();
  return absl::OkStatus();
}

absl::Status Writer::FlushInTransaction() {
  std::sort(dirty_.begin(), dirty_.end(),
            [](const Head* a, const Head* b) { return a->key < b->key; });
  for (const Head* head : dirty_) {
    HF_RETURN_IF_ERROR(flusher_.Write({.key = head->key,
                                       .id = head->id,
                                       .is_new = head->is_new,
                                       .position = head->position,
                                       .sequence = head->sequence,
                                       .unflushed = head->unflushed.get()}));
  }
  return flusher_.Finish(last_position_);
}

absl::Status Writer::Probe() {
  HF_RETURN_IF_ERROR(Begin());
  HF_RETURN_IF_ERROR(End(probe_.Run()));
  return behind_ ? Recover() : absl::OkStatus();
}

absl::Status Writer::ReplaceSealed(std::string_view sandbox_id, std::string_view expected,
                                   std::string_view replacement) {
  HF_ASSIGN_OR_RETURN(const Head* head, LoadHead(std::string(sandbox_id)));
  HF_RETURN_IF_ERROR(Begin());
  const auto replace = [&]() -> absl::Status {
    HF_RETURN_IF_ERROR(
        replace_sealed_.Bind(1, head->key).BindBlob(2, expected).BindBlob(3, replacement).Run());
    if (sqlite3_changes(database_.get()) == 1) return absl::OkStatus();
    return absl::AbortedError(
        fmt::format("sandbox \"{}\": not what is sealed for it by now", sandbox_id));
  };
  return End(replace());
}

absl::Status Writer::MaintainIfDue() {
  // All of the WAL had been moved, and it began anew.
  if (wal_pages_ < kCheckpointPages) wal_pages_checkpoint_due_ = kCheckpointPages;
  if (!maintenance_due()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(Flush());
  if (checkpoint_due()) Checkpoint();
  return absl::OkStatus();
}

void Writer::Checkpoint() {
  // A failure loses nothing: the pages stay in the WAL and are moved the next time.
  int pages = 0;
  int moved = 0;
  sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
  wal_pages_checkpoint_due_ = wal_pages_ + kCheckpointPages;
}

absl::Status Writer::Close() {
  HF_RETURN_IF_ERROR(Flush());
  // Shortens the next open. Busy only means that somebody reads; the WAL then stays as it is.
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return absl::OkStatus();
  return database_.Error(code, "closing the journal");
}

}  // namespace holdfast::journal
