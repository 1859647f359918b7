// SPDX-License-Identifier: Apache-2.0
#include "journal/writer.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "absl/hash/hash.h"
#include "fmt/format.h"
#include "journal/ownership.h"
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
constexpr char kInsertHead[] =
    "INSERT INTO heads (sandbox, position, sequence)\n"
    "VALUES (?1, ?2, ?3)";
constexpr char kUpdateHead[] =
    "UPDATE heads\n"
    "SET position = ?2, sequence = ?3\n"
    "WHERE sandbox = ?1";
constexpr char kInsertSandbox[] =
    "INSERT INTO sandboxes (key, checksum, state, summary, live, id)\n"
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
// Without `live`, which the partial index looks at: naming it would rewrite the index each time.
constexpr char kUpdateSandbox[] =
    "UPDATE sandboxes\n"
    "SET checksum = ?2, state = ?3, summary = ?4\n"
    "WHERE key = ?1";
constexpr char kUpdateSandboxLive[] =
    "UPDATE sandboxes\n"
    "SET checksum = ?2, state = ?3, summary = ?4, live = ?5\n"
    "WHERE key = ?1";

// The WAL is moved into the file each time it has grown by this much: larger is fewer writes of hot
// pages, smaller is a shorter recovery. 8,000 pages are 32 MiB; measured by tests/bench.
constexpr int kCheckpointPages = 8'000;

std::size_t RowDigest(std::string_view state, std::string_view summary) {
  return absl::HashOf(state, summary);
}

absl::Status Damaged(const std::string& sandbox_id, std::string_view what) {
  return absl::DataLossError(fmt::format("sandbox \"{}\": {}", sandbox_id, what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(const Options& options,
                                                     Ownership& previous_ownership) {
  HF_ASSIGN_OR_RETURN(Database database, Database::Open(options.path, OpenMode::kReadWrite));
  HF_RETURN_IF_ERROR(ConfigureWriter(database));
  HF_ASSIGN_OR_RETURN(Hasher hasher, Hasher::Create());
  HF_ASSIGN_OR_RETURN(Projector projector, Projector::Create(database));
  auto writer = std::unique_ptr<Writer>(new Writer(std::move(hasher), std::move(projector)));
  writer->database_ = std::move(database);
  HF_RETURN_IF_ERROR(writer->Prepare());

  HF_RETURN_IF_ERROR(writer->begin_.Run());
  HF_ASSIGN_OR_RETURN(previous_ownership, ReadOwnership(writer->database_));
  Ownership ours{
      .owner = options.owner,
      .pid = ::getpid(),
      .since_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count(),
      .epoch = previous_ownership.epoch + 1,
      .boot_id = options.boot_id,
  };
  HF_RETURN_IF_ERROR(WriteOwnership(writer->database_, ours));
  HF_ASSIGN_OR_RETURN(Statement last,
                      writer->database_.Prepare("SELECT max(position) FROM records"));
  HF_RETURN_IF_ERROR(last.Step().status());
  writer->last_position_ = last.Unsigned(0);
  last.Reset();
  HF_RETURN_IF_ERROR(writer->commit_.Run());
  writer->epoch_ = ours.epoch;
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
  HF_ASSIGN_OR_RETURN(insert_head_, database_.Prepare(kInsertHead));
  HF_ASSIGN_OR_RETURN(update_head_, database_.Prepare(kUpdateHead));
  HF_ASSIGN_OR_RETURN(insert_sandbox_, database_.Prepare(kInsertSandbox));
  HF_ASSIGN_OR_RETURN(update_sandbox_, database_.Prepare(kUpdateSandbox));
  HF_ASSIGN_OR_RETURN(update_sandbox_live_, database_.Prepare(kUpdateSandboxLive));
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

absl::Status Writer::Commit(std::span<Waiting*> batches) {
  absl::Status status = TryCommit(batches);
  if (absl::IsDataLoss(status) && batches.size() > 1) {
    // One sandbox's rows are damaged. Alone, each batch shows whether it is the one.
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const absl::Status alone = TryCommit(batches.subspan(i, 1));
      if (alone.ok() || absl::IsDataLoss(alone)) continue;
      for (Waiting* rest : batches.subspan(i)) rest->answer = alone;
      return alone;
    }
    return absl::OkStatus();
  }
  // Damage of one sandbox is told to its appender and does not make the journal unsound.
  return absl::IsDataLoss(status) ? absl::OkStatus() : status;
}

absl::Status Writer::TryCommit(std::span<Waiting*> batches) {
  std::size_t written = 0;
  next_position_ = last_position_ + 1;
  absl::Status status = begin_.Run();
  if (status.ok()) {
    status = WriteTransaction(batches, written);
    // Crash story of what follows:
    //  1. Killed before COMMIT, or while it writes: the WAL's tail has no commit mark. The next
    //  open
    //     drops it; nobody was told anything.
    //  2. Killed after COMMIT: all of it is there and nobody was told. The appender's next life
    //  reads
    //     it as its own past.
    //  3. COMMIT fails: nothing of it is visible and everybody is told so. The frames may lie in
    //  the
    //     file beyond its valid end until the next commit writes over them.
    if (status.ok() && written > 0) {
      HF_FAILPOINT(kJournalBeforeCommit);
      status = commit_.Run();
      HF_FAILPOINT(kJournalAfterCommit);
    }
    if (!status.ok() || written == 0) {
      // Fails when SQLite rolled back by itself; there is nothing to do about it either way.
      if (sqlite3_get_autocommit(database_.get()) == 0) rollback_.Run().IgnoreError();
    }
  }
  if (!status.ok()) {
    for (Waiting* batch : batches) batch->answer = status;
    Forget();
    return status;
  }
  last_position_ = next_position_ - 1;
  for (HeadEntry* entry : touched_) {
    entry->second.pending = nullptr;
    entry->second.is_new = false;
    entry->second.touched = false;
    // A finished sandbox is hardly ever written again; what is kept in memory is what is live.
    if (!entry->second.live) heads_.erase(heads_.find(entry->first));
  }
  touched_.clear();
  return absl::OkStatus();
}

absl::Status Writer::WriteTransaction(std::span<Waiting*> batches, std::size_t& written) {
  HF_RETURN_IF_ERROR(CheckEpoch());
  std::vector<IntentFacts> facts;
  for (Waiting* batch : batches) {
    const PreparedBatch& prepared = batch->prepared;
    auto entry = LoadHead(prepared.batch.sandbox_id);
    if (!entry.ok()) {
      if (!absl::IsDataLoss(entry.status())) return entry.status();
      batch->answer = entry.status();
      continue;
    }
    if (absl::Status refused = Check(prepared, (*entry)->second, facts); !refused.ok()) {
      if (absl::IsUnavailable(refused) || absl::IsResourceExhausted(refused)) return refused;
      batch->answer = refused;
      continue;
    }
    Appended appended;
    HF_RETURN_IF_ERROR(Insert(prepared, facts, **entry, appended));
    batch->answer = appended;
    ++written;
  }
  for (HeadEntry* entry : touched_) {
    if (entry->second.pending != nullptr) HF_RETURN_IF_ERROR(WriteHead(*entry));
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

absl::StatusOr<Writer::HeadEntry*> Writer::LoadHead(const std::string& sandbox_id) {
  const auto [entry, inserted] = heads_.try_emplace(sandbox_id);
  if (inserted) {
    if (absl::Status status = ReadHead(sandbox_id, entry->second); !status.ok()) {
      heads_.erase(entry);
      return status;
    }
    // Seen by the end of the transaction, which forgets it unless it is live by then.
    Touch(*entry);
  }
  return &*entry;
}

absl::Status Writer::ReadHead(const std::string& sandbox_id, Head& head) {
  {
    const ResetOnExit reset(select_sandbox_);
    HF_ASSIGN_OR_RETURN(const bool found, select_sandbox_.BindText(1, sandbox_id).Step());
    if (!found) return absl::OkStatus();
    head.key = select_sandbox_.Unsigned(0);
    head.live = select_sandbox_.Integer(1) != 0;
    head.row_digest = RowDigest(select_sandbox_.Bytes(3), select_sandbox_.Bytes(4));
    head.position = select_sandbox_.Unsigned(5);
    head.sequence = select_sandbox_.Unsigned(6);
    if (select_sandbox_.Unsigned(2) != RowChecksum(head.key, head.live, sandbox_id,
                                                   select_sandbox_.Bytes(3),
                                                   select_sandbox_.Bytes(4))) {
      return Damaged(sandbox_id, "the checksum of its live row fails");
    }
  }
  const ResetOnExit reset(select_head_hash_);
  HF_ASSIGN_OR_RETURN(const bool found, select_head_hash_.Bind(1, head.position).Step());
  if (!found || select_head_hash_.Unsigned(0) != head.key ||
      select_head_hash_.Unsigned(1) != head.sequence ||
      select_head_hash_.Bytes(2).size() != head.hash.size()) {
    return Damaged(sandbox_id,
                   fmt::format("its last record, at position {}, is missing", head.position));
  }
  const std::string_view hash = select_head_hash_.Bytes(2);
  std::copy(hash.begin(), hash.end(), head.hash.begin());
  return absl::OkStatus();
}

absl::Status Writer::Check(const PreparedBatch& prepared, const Head& head,
                           std::vector<IntentFacts>& facts) {
  const Batch& batch = prepared.batch;
  if (batch.expected_sequence != head.sequence) {
    return absl::AbortedError(fmt::format("sandbox \"{}\" is at sequence {}, not at {}",
                                          batch.sandbox_id, head.sequence,
                                          batch.expected_sequence));
  }
  facts.clear();
  facts.resize(prepared.meanings.size());
  for (std::size_t i = 0; i < prepared.meanings.size(); ++i) {
    if (prepared.meanings[i].outcome == nullptr) continue;
    const std::uint64_t intent = prepared.meanings[i].outcome->intent();
    if (intent > head.sequence) {
      const Meaning& earlier = prepared.meanings[intent - head.sequence - 1];
      if (earlier.intent != nullptr) {
        facts[i] = FactsOf(*earlier.intent);
        continue;
      }
    } else {
      HF_ASSIGN_OR_RETURN(auto found, projector_.FindIntent(head.key, head.position, intent));
      if (found.has_value()) {
        facts[i] = *std::move(found);
        continue;
      }
    }
    return absl::InvalidArgumentError(
        fmt::format("batch of sandbox \"{}\": an outcome answers record {}, which is no intent",
                    batch.sandbox_id, intent));
  }
  return absl::OkStatus();
}

absl::Status Writer::Insert(const PreparedBatch& prepared, const std::vector<IntentFacts>& facts,
                            HeadEntry& entry, Appended& appended) {
  const Batch& batch = prepared.batch;
  Head& head = entry.second;
  Touch(entry);
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
    if (!prepared.meanings.empty()) {
      const Meaning& meaning = prepared.meanings[i];
      if (meaning.intent != nullptr) {
        HF_RETURN_IF_ERROR(projector_.Apply(head.key, record.sequence, record.position,
                                            record.time_unix_ms, *meaning.intent));
      } else if (meaning.outcome != nullptr) {
        HF_RETURN_IF_ERROR(
            projector_.Apply(head.key, record.time_unix_ms, *meaning.outcome, facts[i]));
      }
    }
    head.position = record.position;
    head.sequence = record.sequence;
    ++next_position_;
  }
  head.pending = &batch.projection;
  appended.last_position = head.position;
  appended.last_sequence = head.sequence;
  return absl::OkStatus();
}

absl::Status Writer::WriteHead(HeadEntry& entry) {
  Head& head = entry.second;
  const Projection& projection = *head.pending;
  const std::size_t digest = RowDigest(projection.state, projection.summary);
  HF_RETURN_IF_ERROR((head.is_new ? insert_head_ : update_head_)
                         .Bind(1, head.key)
                         .Bind(2, head.position)
                         .Bind(3, head.sequence)
                         .Run());
  if (head.is_new || digest != head.row_digest || projection.live != head.live) {
    Statement& statement = head.is_new                    ? insert_sandbox_
                           : projection.live != head.live ? update_sandbox_live_
                                                          : update_sandbox_;
    statement.Bind(1, head.key)
        .Bind(2, std::int64_t{RowChecksum(head.key, projection.live, entry.first, projection.state,
                                          projection.summary)})
        .BindText(3, projection.state)
        .BindBlob(4, projection.summary);
    if (head.is_new || projection.live != head.live)
      statement.Bind(5, std::int64_t{projection.live});
    if (head.is_new) statement.BindText(6, entry.first);
    HF_RETURN_IF_ERROR(statement.Run());
  }
  head.live = projection.live;
  head.row_digest = digest;
  head.pending = nullptr;
  return absl::OkStatus();
}

void Writer::Touch(HeadEntry& entry) {
  if (entry.second.touched) return;
  entry.second.touched = true;
  touched_.push_back(&entry);
}

void Writer::Forget() {
  // The cached heads of this transaction are ahead of the disk; they are read again when needed.
  for (HeadEntry* entry : touched_) {
    const auto found = heads_.find(entry->first);
    if (found != heads_.end()) heads_.erase(found);
  }
  touched_.clear();
}

absl::Status Writer::Probe() {
  absl::Status status = begin_.Run();
  if (!status.ok()) return status;
  status = CheckEpoch();
  if (status.ok()) status = probe_.Run();
  if (status.ok()) status = commit_.Run();
  if (!status.ok() && sqlite3_get_autocommit(database_.get()) == 0) rollback_.Run().IgnoreError();
  return status;
}

void Writer::CheckpointIfDue() {
  if (!checkpoint_due()) {
    // The WAL began anew: all of it had been moved.
    if (wal_pages_ < kCheckpointPages) wal_pages_checkpoint_due_ = kCheckpointPages;
    return;
  }
  // A failure loses nothing: the pages stay in the WAL and are moved the next time.
  int pages = 0;
  int moved = 0;
  sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
  wal_pages_checkpoint_due_ = wal_pages_ + kCheckpointPages;
}

absl::Status Writer::Close() {
  // Shortens the next open. Busy only means that somebody reads; the WAL then stays as it is.
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return absl::OkStatus();
  return database_.Error(code, "closing the journal");
}

}  // namespace holdfast::journal
