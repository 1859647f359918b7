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
constexpr char kReplaceSealed[] =
    "UPDATE sealed\n"
    "SET bytes = ?3\n"
    "WHERE sandbox = ?1 AND bytes = ?2";

// The WAL is moved into the file each time it has grown by this much: larger is fewer writes of hot
// pages, smaller is a shorter recovery. 8,000 pages are 32 MiB; measured by tests/bench.
constexpr int kCheckpointPages = 8'000;

// How far ahead of its use a head is asked for while they are flushed.
constexpr std::size_t kHeadsAhead = 8;

std::size_t SaidDigest(std::string_view state, std::string_view summary) {
  return absl::HashOf(state, summary);
}

absl::Status Damaged(const std::string& sandbox_id, std::string_view what) {
  return absl::DataLossError(fmt::format("sandbox \"{}\": {}", sandbox_id, what));
}

absl::Status NoIntent(const PreparedBatch& prepared, std::uint64_t sequence) {
  return absl::InvalidArgumentError(
      fmt::format("batch of sandbox \"{}\": an outcome answers record {}, which is no intent of "
                  "its present life",
                  prepared.batch.sandbox_id, sequence));
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
  HF_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Create(database));
  auto writer = std::unique_ptr<Writer>(new Writer(options.limits, std::move(hasher),
                                                   std::move(flusher), std::move(ledger),
                                                   std::move(archive), std::move(transaction)));
  writer->database_ = std::move(database);
  HF_RETURN_IF_ERROR(writer->Prepare());
  HF_RETURN_IF_ERROR(writer->TakeEpoch(options, previous_ownership));
  HF_RETURN_IF_ERROR(writer->Recover());
  return writer;
}

absl::Status Writer::Prepare() {
  HF_ASSIGN_OR_RETURN(probe_, database_.Prepare(kProbe));
  HF_ASSIGN_OR_RETURN(select_sandbox_, database_.Prepare(kSelectSandbox));
  HF_ASSIGN_OR_RETURN(select_head_hash_, database_.Prepare(kSelectHeadHash));
  HF_ASSIGN_OR_RETURN(replace_sealed_, database_.Prepare(kReplaceSealed));
  sqlite3_wal_hook(
      database_.get(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Writer*>(self)->wal_pages_hooked_ = pages;
        return SQLITE_OK;
      },
      this);
  wal_pages_checkpoint_due_ = kCheckpointPages;
  return absl::OkStatus();
}

absl::Status Writer::TakeEpoch(const Options& options, Ownership& previous_ownership) {
  HF_RETURN_IF_ERROR(transaction_.Begin());
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
  HF_RETURN_IF_ERROR(End(take()));
  transaction_.Own(epoch_);
  return absl::OkStatus();
}

absl::Status Writer::Begin() { return transaction_.Begin(); }

absl::Status Writer::End(absl::Status status) {
  status = transaction_.End(std::move(status));
  wal_pages_ = wal_pages_hooked_;
  return status;
}

absl::Status Writer::Commit(std::span<Waiting*> batches) {
  lone_plan_.clear();
  HF_RETURN_IF_ERROR(PlanBatches(batches, lone_plan_));
  return Write(lone_plan_);
}

absl::Status Writer::Write(const Plan& plan) { return Written(plan, transaction_.Write(plan)); }

void Writer::StartWrite(const Plan& plan, absl::AnyInvocable<void() &&> written) {
  background_.Start(plan, std::move(written));
}

absl::Status Writer::FinishWrite(const Plan& plan) { return Written(plan, background_.Finish()); }

absl::Status Writer::Written(const Plan& plan, absl::Status status) {
  wal_pages_ = wal_pages_hooked_;
  if (status.ok()) {
    if (!plan.empty()) last_position_ = plan.records.back().position;
    return status;
  }
  behind_ = true;
  // Whatever of one sandbox can be damaged was read, and told, before anything was written.
  return OfTheWhole(std::move(status));
}

absl::Status Writer::PlanBatches(std::span<Waiting*> batches, Plan& plan) {
  absl::Status status = behind_ ? Recover() : absl::OkStatus();
  if (status.ok()) {
    status = PlanEach(batches, plan);
    // Some of it is in memory already, and will never be written.
    behind_ = !status.ok();
  }
  ForgetFinished();
  return OfTheWhole(std::move(status));
}

absl::Status Writer::PlanEach(std::span<Waiting*> batches, Plan& plan) {
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
    HF_RETURN_IF_ERROR(PlanBatch(prepared, **head, plan, appended));
    batch->answer = appended;
  }
  return absl::OkStatus();
}

absl::StatusOr<Writer::Head*> Writer::LoadHead(const std::string& sandbox_id) {
  if (const auto known = heads_.find(sandbox_id); known != heads_.end()) return known->second.get();
  background_.Wait();
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
    head.position = head.stored_position = select_sandbox_.Unsigned(5);
    head.sequence = head.stored_sequence = select_sandbox_.Unsigned(6);
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
  head.position = head.stored_position = last.head.row.head_position;
  head.sequence = head.stored_sequence = last.head.row.head_sequence;
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
      if (intent > head.stored_sequence) return NoIntent(prepared, intent);
      // Closed already: a late word about a step of long ago. Rare enough to walk to its record,
      // from where the file surely has it: what is behind may be planned only.
      background_.Wait();
      auto found = ledger_.FindIntent(head.key, head.stored_position, intent);
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
    return NoIntent(prepared, intent);
  }
  return absl::OkStatus();
}

absl::StatusOr<LedgerFold*> Writer::LoadLedger(Head& head) {
  if (head.unflushed == nullptr) head.unflushed = std::make_unique<Unflushed>();
  if (head.unflushed->ledger == nullptr) {
    LedgerFold fold;
    if (head.key != 0 && !head.is_new) {
      background_.Wait();
      HF_ASSIGN_OR_RETURN(fold, ledger_.Load(head.key));
    }
    if (!fold.open_intents().empty() && fold.open_intents().rbegin()->first > head.sequence) {
      return Damaged(head.id, "it has an open intent that no record of it made");
    }
    head.unflushed->ledger = std::make_unique<LedgerFold>(std::move(fold));
  }
  return head.unflushed->ledger.get();
}

absl::Status Writer::PlanBatch(const PreparedBatch& prepared, Head& head, Plan& plan,
                               Appended& appended) {
  const Batch& batch = prepared.batch;
  Touch(head);
  appended.first_position = next_position_;
  if (head.key == 0) {
    head.key = next_position_;
    head.is_new = true;
  }
  if (!head.dirty) {
    head.dirty = true;
    dirty_.push_back({head.key, &head});
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
    PlanRecord(record, head, plan);
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
  KeepBeside(head, batch, plan);
  Say(head, batch.projection, plan);
  appended.last_position = head.position;
  appended.last_sequence = head.sequence;
  return absl::OkStatus();
}

void Writer::PlanRecord(const RecordView& record, Head& head, Plan& plan) {
  const std::size_t begin = plan.bytes.size();
  AppendCanonical(record, plan.bytes);
  const std::string_view canonical = std::string_view(plan.bytes).substr(begin);
  head.hash = hasher_.Link(head.hash, canonical);
  plan.records.push_back({.position = record.position,
                          .sandbox = head.key,
                          .sequence = record.sequence,
                          .previous = record.previous,
                          .time_unix_ms = record.time_unix_ms,
                          .kind = record.kind,
                          .checksum = Checksum(canonical),
                          .hash = head.hash,
                          .end = plan.bytes.size(),
                          .type_size = record.type.size(),
                          .payload_size = record.payload.size()});
  head.position = record.position;
  head.sequence = record.sequence;
  ++next_position_;
}

void Writer::KeepBeside(Head& head, const Batch& batch, Plan& plan) {
  if (batch.sealed) plan.sealed.push_back({.sandbox = head.key, .bytes = *batch.sealed});
  // Now, not with the flush: what is sealed must not outlive its sandbox.
  if (!batch.projection.live) plan.sealed.push_back({.sandbox = head.key, .bytes = {}});
  if (!batch.snapshot) return;
  if (head.unflushed == nullptr) head.unflushed = std::make_unique<Unflushed>();
  head.unflushed->snapshot = Snapshot{head.sequence, *batch.snapshot};
  unflushed_bytes_ += batch.snapshot->size();
}

void Writer::Say(Head& head, const Projection& projection, Plan& plan) {
  const std::size_t digest = SaidDigest(projection.state, projection.summary);
  const bool first = head.is_new && (head.unflushed == nullptr || !head.unflushed->said);
  if (!first && digest == head.said_digest && projection.live == head.live) return;
  head.said_digest = digest;
  head.live = projection.live;
  if (head.unflushed == nullptr) head.unflushed = std::make_unique<Unflushed>();
  head.unflushed->said = projection;
  unflushed_bytes_ += projection.state.size() + projection.summary.size();
  plan.said.push_back({.position = head.position,
                       .sandbox = head.key,
                       .id = head.id,
                       .live = projection.live,
                       .checksum = RowChecksum(head.key, projection.live, head.id, projection.state,
                                               projection.summary),
                       .state = projection.state,
                       .summary = projection.summary});
}

void Writer::Touch(Head& head) {
  if (head.touched) return;
  head.touched = true;
  touched_.push_back(&head);
}

void Writer::ForgetFinished() {
  // What is kept in memory is what is live, and what the tables do not have yet.
  for (Head* head : touched_) {
    head->touched = false;
    if (!head->live && !head->dirty) heads_.erase(head->id);
  }
  touched_.clear();
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
  next_position_ = last_position_ + 1;
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
  for (const auto& [key, head] : dirty_) {
    head->dirty = head->is_new = false;
    head->unflushed.reset();
    head->stored_position = head->position;
    head->stored_sequence = head->sequence;
    if (!head->live) heads_.erase(head->id);
  }
  dirty_.clear();
  return absl::OkStatus();
}

absl::Status Writer::FlushInTransaction() {
  std::sort(dirty_.begin(), dirty_.end());
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    // They lie all over the memory, in no order of theirs.
    if (i + kHeadsAhead < dirty_.size()) __builtin_prefetch(dirty_[i + kHeadsAhead].second);
    const Head* const head = dirty_[i].second;
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
