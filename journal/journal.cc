// SPDX-License-Identifier: Apache-2.0
//
// The journal as its users see it: it opens the file, owns the writer's thread, and keeps the
// promise that after a failed commit nothing is taken until one has succeeded again.
#include "journal/journal.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "fmt/format.h"
#include "journal/archiver.h"
#include "journal/files.h"
#include "journal/lock.h"
#include "journal/ownership.h"
#include "journal/queue.h"
#include "journal/schema.h"
#include "journal/spent.h"
#include "journal/writer.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// How long an unsound journal waits before it tries the disk again: first, and at most.
constexpr std::chrono::milliseconds kProbeFirst{20};
constexpr std::chrono::milliseconds kProbeLast{1'000};

class JournalImpl final : public Journal {
 public:
  JournalImpl(Lock lock, std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader,
              Ownership previous, const Options& options)
      : path_(options.path),
        previous_(std::move(previous)),
        limits_(options.limits),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        epoch_(writer_->epoch()),
        reader_(std::move(reader)),
        queue_(limits_),
        thread_([this] { Run(); }) {}

  ~JournalImpl() override { Close().IgnoreError(); }  // who wants the error has closed it already

  absl::StatusOr<Appended> Append(Batch batch) override {
    HF_ASSIGN_OR_RETURN(PreparedBatch prepared, Prepare(std::move(batch), limits_));
    Waiting waiting(std::move(prepared));
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<Group> group, queue_.Push(waiting));
    if (group != nullptr) {
      group->answered.Wait();
    } else {
      CommitAlone(waiting);
      // The writer's thread does all that need not be waited for, and counts the time to a flush.
      queue_.Release(!sound() || writer_->maintenance_due() || !flush_timed_);
    }
    return std::move(waiting.answer);
  }

  void AppendAsync(Batch batch, AppendCallback done) override {
    spent_.FreeSome();
    auto prepared = Prepare(std::move(batch), limits_);
    if (!prepared.ok()) return queue_.PushRefused(std::move(done), prepared.status());
    auto waiting = std::make_unique<Waiting>(*std::move(prepared), std::move(done));
    const auto group = queue_.Push(*waiting);
    if (!group.ok()) return queue_.PushRefused(std::move(waiting->done), group.status());
    static_cast<void>(waiting.release());  // freed when it was answered
  }

  absl::Status ReplaceSealed(std::string_view sandbox_id, std::string expected,
                             std::string replacement) override {
    return OnWriter(
        [&](Writer& writer) { return writer.ReplaceSealed(sandbox_id, expected, replacement); });
  }
  absl::Status Flush() override {
    return OnWriter([](Writer& writer) { return OfTheWhole(writer.Flush()); });
  }

  absl::StatusOr<ArchiveReport> Archive(const ArchiveOptions& options) override {
    const std::lock_guard one_at_a_time(archiving_);
    const auto turn = [this](absl::FunctionRef<absl::Status(Writer&)> work) {
      return OnWriter(work);
    };
    return Archiver(path_, turn).Run(options);
  }
  absl::StatusOr<ExpireReport> ExpireArchives(std::int64_t older_than_unix_ms) override {
    const std::lock_guard one_at_a_time(archiving_);
    const auto turn = [this](absl::FunctionRef<absl::Status(Writer&)> work) {
      return OnWriter(work);
    };
    return Archiver(path_, turn).Expire(older_than_unix_ms);
  }

  Reader& reader() override { return *reader_; }
  std::uint64_t epoch() const override { return epoch_; }
  bool sound() const override { return sound_.load(std::memory_order_acquire); }
  const Ownership& previous_ownership() const override { return previous_; }
  Stats stats() const override {
    return Stats{.commits = commits_.load(std::memory_order_relaxed),
                 .batches = batches_.load(std::memory_order_relaxed),
                 .records = records_.load(std::memory_order_relaxed),
                 .commits_failed = commits_failed_.load(std::memory_order_relaxed),
                 .batches_waiting = queue_.waiting_batches()};
  }

  absl::Status Close() override {
    queue_.Close();
    // A run of the archive that is under way works on files outside of its turns. It ends with the
    // next one, which is refused; until then the lock is held for it.
    const std::lock_guard archiving(archiving_);
    std::call_once(closed_, [this] {
      thread_.join();
      spent_.FreeAll();
      close_status_ = sound() ? writer_->Close() : failure_;
      writer_.reset();
      lock_.reset();  // the last: until then nobody else may write
    });
    return close_status_;
  }

 private:
  void Run() {
    // For who looks at a process from outside: top -H, perf, a debugger.
    ::pthread_setname_np(::pthread_self(), "journal-writer");
    using Clock = std::chrono::steady_clock;
    std::chrono::milliseconds backoff{0};
    // A moment, not a time without appends: callers who keep trying must not keep the disk untried,
    // nor those who append now and then the tables unflushed.
    Clock::time_point wake_at;
    while (true) {
      const bool timed = backoff.count() != 0 || flush_timed_;
      Queue::Work work = queue_.Take(timed ? Until(wake_at) : std::chrono::milliseconds{0});
      for (auto& [done, refusal] : work.refused) std::move(done)(std::move(refusal));
      if (work.group != nullptr) CommitGroups(std::move(work.group));
      for (auto& task : work.tasks) std::move(task)();
      if (sound()) Maintain(writer_->MaintainIfDue());
      if (work.closing) return;
      if (sound() && flush_timed_ && Clock::now() >= wake_at) {
        Maintain(writer_->Flush());
        spent_.FreeAll();
      }
      if (sound()) {
        backoff = std::chrono::milliseconds{0};
        if (!writer_->dirty()) {
          flush_timed_ = false;
        } else if (!flush_timed_) {
          flush_timed_ = true;
          wake_at = Clock::now() + limits_.flush_after;
        }
      } else {
        flush_timed_ = false;
        spent_.FreeAll();
        if (absl::IsFailedPrecondition(failure_)) {
          backoff = std::chrono::milliseconds{0};  // for ever: nothing to wait for
        } else if (backoff.count() == 0) {
          backoff = kProbeFirst;
          wake_at = Clock::now() + backoff;
        } else if (Clock::now() >= wake_at) {
          backoff = Probe() ? std::chrono::milliseconds{0} : std::min(backoff * 2, kProbeLast);
          wake_at = Clock::now() + backoff;
        }
      }
      queue_.Release(/*wake_writer=*/false);
    }
  }

  // Runs in a turn of its own; returns what came of it.
  absl::Status OnWriter(absl::FunctionRef<absl::Status(Writer&)> work) {
    std::promise<absl::Status> promise;
    HF_RETURN_IF_ERROR(queue_.PushTask([&] {
      absl::Status status = sound() ? work(*writer_) : failure_;
      // Damage to the one sandbox that was asked about is no reason to stop.
      if (sound() && !absl::IsDataLoss(status)) Maintain(status);
      promise.set_value(std::move(status));
    }));
    return promise.get_future().get();
  }

  // A disk that refuses this refuses appends too.
  void Maintain(const absl::Status& status) {
    if (status.ok() || absl::IsAborted(status)) return;
    commits_failed_.fetch_add(1, std::memory_order_relaxed);
    Fail(status);
  }

  // At least a millisecond: zero would be to wait for ever.
  static std::chrono::milliseconds Until(std::chrono::steady_clock::time_point moment) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(moment - std::chrono::steady_clock::now());
    return std::max(left, std::chrono::milliseconds{1});
  }

  // What goes into one transaction.
  struct Round {
    std::vector<std::shared_ptr<Group>> groups;
    std::size_t batches = 0;
    std::size_t records = 0;
    Plan plan;
    absl::Status status;  // of making the plan, then of writing it
    bool concluded = false;
  };

  // Commits this group, and those that come meanwhile: each round is planned while the one before
  // it is written, and answered while the one after it is.
  void CommitGroups(std::shared_ptr<Group> group) {
    AddTo(now_, std::move(group));
    if (now_.batches < Queue::kPiece) {
      // Two hand-offs between threads would cost more than they win.
      if (now_.status.ok()) now_.status = writer_->Write(now_.plan);
      Conclude(now_);
    }
    while (!now_.concluded && !now_.groups.empty()) {
      WriteNow();
      Conclude(now_);
      std::swap(before_, now_);
      std::swap(now_, next_);
    }
    Answer(before_);
    Answer(now_);
  }

  // Writes now_ unless its plan failed or is empty; meanwhile answers before_ and makes next_.
  void WriteNow() {
    const bool writes = sound() && now_.status.ok() && !now_.plan.empty();
    if (writes) {
      queue_.WriteStarts();
      writer_->StartWrite(now_.plan, [this] { queue_.WriteEnded(); });
    }
    Answer(before_);
    if (!writes) return;
    while (next_.status.ok() && !writer_->maintenance_due()) {
      auto more = queue_.TakeMore(limits_.commit_batches_max - next_.batches,
                                  limits_.commit_records_max - next_.records);
      if (more == nullptr) break;
      AddTo(next_, std::move(more));
    }
    now_.status = writer_->FinishWrite(now_.plan);
  }

  void AddTo(Round& round, std::shared_ptr<Group> group) {
    round.batches += group->waiting.size();
    round.records += group->records;
    round.status = sound() ? writer_->PlanBatches(group->waiting, round.plan) : failure_;
    round.groups.push_back(std::move(group));
  }

  // The round has come to its status; nobody is told yet.
  void Conclude(Round& round) {
    // What was planned upon a plan that failed has failed with it.
    if (!sound()) round.status = failure_;
    for (const std::shared_ptr<Group>& group : round.groups) Settle(group->waiting, round.status);
    if (sound()) CountCommit(round.status, !round.plan.empty());
    round.concluded = true;
  }

  // Leaves the round empty.
  void Answer(Round& round) {
    for (const std::shared_ptr<Group>& group : round.groups) Answer(*group);
    round.groups.clear();
    round.batches = round.records = 0;
    round.plan.clear();
    round.status = absl::OkStatus();
    round.concluded = false;
  }

  void Answer(Group& group) {
    // Those who block are gone when the gate is open.
    std::erase_if(group.waiting, [](const Waiting* waiting) { return waiting->done == nullptr; });
    if (group.blocked > 0) group.answered.Open(group.blocked);
    std::vector<std::unique_ptr<Waiting>> answered(group.waiting.begin(), group.waiting.end());
    for (const std::unique_ptr<Waiting>& waiting : answered) {
      std::move(waiting->done)(std::move(waiting->answer));
      waiting->done = nullptr;  // what it holds is its owner's, and not to be kept a moment longer
    }
    spent_.Add(std::move(answered));
  }

  // REQUIRES: it is the caller's turn. Does not throw: a turn that was never released would leave
  // everybody waiting for ever, where a process that dies loses nothing.
  void CommitAlone(Waiting& waiting) noexcept {
    if (!sound()) {
      waiting.answer = failure_;
      return;
    }
    Waiting* batches[] = {&waiting};
    absl::Status status = writer_->Commit(batches);
    Settle(batches, status);
    CountCommit(status, waiting.answer.ok());
  }

  void CountCommit(const absl::Status& status, bool wrote) {
    if (status.ok()) {
      commits_.fetch_add(wrote ? 1 : 0, std::memory_order_relaxed);
    } else {
      commits_failed_.fetch_add(1, std::memory_order_relaxed);
      Fail(status);
    }
  }

  void Settle(std::span<Waiting*> batches, const absl::Status& status) {
    std::uint64_t done = 0;
    std::uint64_t records = 0;
    for (Waiting* waiting : batches) {
      if (!status.ok()) waiting->answer = status;
      if (!waiting->answer.ok()) continue;
      ++done;
      records += waiting->prepared.batch.drafts.size();
    }
    batches_.fetch_add(done, std::memory_order_relaxed);
    records_.fetch_add(records, std::memory_order_relaxed);
  }

  void Fail(absl::Status status) {
    failure_ = OfTheWhole(std::move(status));
    queue_.Refuse(failure_);
    sound_.store(false, std::memory_order_release);
  }

  bool Probe() {
    absl::Status status = writer_->Probe();
    if (!status.ok()) {
      Fail(std::move(status));
      return false;
    }
    failure_ = absl::OkStatus();
    sound_.store(true, std::memory_order_release);
    queue_.Refuse(absl::OkStatus());
    return true;
  }

  // Constant after construction.
  const std::string path_;
  const Ownership previous_;
  const Limits limits_;

  // Touched only by whoever has the queue's turn, and by Close when there is none any more.
  std::optional<Lock> lock_;
  std::unique_ptr<Writer> writer_;
  absl::Status failure_;
  bool flush_timed_ = false;  // the writer's thread knows that something waits to be flushed
  Round before_, now_, next_;

  const std::uint64_t epoch_;
  const std::unique_ptr<Reader> reader_;
  std::atomic<bool> sound_{true};
  std::atomic<std::uint64_t> commits_{0}, batches_{0}, records_{0}, commits_failed_{0};
  Queue queue_;
  Spent spent_;

  std::mutex archiving_;
  std::once_flag closed_;
  absl::Status close_status_;  // guarded by closed_

  std::thread thread_;  // started when all above it is there
};

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(Options options) {
  // One name for it, whatever it was called by: lock, WAL and archive lie beside the name.
  options.path = RealPath(options.path);
  // Looked at before anything is made beside it: a file that is not ours gets no lock file.
  absl::Status found = InspectFile(options.path);
  const bool missing = absl::IsNotFound(found);
  if (!found.ok() && !(missing && options.create_if_missing)) return found;

  auto lock = Lock::Take(options.path);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(
        fmt::format("the journal {} is held by {}", options.path, DescribeHolder(options.path)));
  }
  if (!lock.ok()) return lock.status();
  if (missing) {
    // Again under the lock: somebody may have made it and gone.
    found = InspectFile(options.path);
    if (absl::IsNotFound(found)) found = CreateFile(options.path);
    HF_RETURN_IF_ERROR(found);
  }
  Ownership previous;
  HF_ASSIGN_OR_RETURN(std::unique_ptr<Writer> writer, Writer::Open(options, previous));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<Reader> reader, Reader::Open(options.path));
  return std::make_unique<JournalImpl>(*std::move(lock), std::move(writer), std::move(reader),
                                       std::move(previous), options);
}

}  // namespace holdfast::journal
