// SPDX-License-Identifier: Apache-2.0
//
// The journal as its users see it: it opens the file, and owns the writer's thread and its day:
// what waits is committed, then what others want of the writer, then what it owes to itself.
#include "journal/journal.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "fmt/format.h"
#include "journal/archiver.h"
#include "journal/committer.h"
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
        committer_(limits_, *writer_, queue_, spent_),
        thread_([this] { Run(); }) {}

  ~JournalImpl() override { Close().IgnoreError(); }  // who wants the error has closed it already

  absl::StatusOr<Appended> Append(Batch batch) override {
    HF_ASSIGN_OR_RETURN(PreparedBatch prepared, Prepare(std::move(batch), limits_));
    Waiting waiting(std::move(prepared));
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<Group> group, queue_.Push(waiting));
    if (group != nullptr) {
      group->answered.Wait();
    } else {
      committer_.CommitAlone(waiting);
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
    ArchiveOptions until_closed = options;
    until_closed.stop = UntilClosed(options.stop);
    return Archiver(path_, turn).Run(until_closed);
  }
  absl::StatusOr<ExpireReport> ExpireArchives(std::int64_t older_than_unix_ms,
                                              const std::function<bool()>& stop) override {
    const std::lock_guard one_at_a_time(archiving_);
    const auto turn = [this](absl::FunctionRef<absl::Status(Writer&)> work) {
      return OnWriter(work);
    };
    return Archiver(path_, turn).Expire(older_than_unix_ms, UntilClosed(stop));
  }

  Reader& reader() override { return *reader_; }
  std::uint64_t epoch() const override { return epoch_; }
  bool sound() const override { return committer_.sound(); }
  const Ownership& previous_ownership() const override { return previous_; }
  Stats stats() const override {
    Stats stats = committer_.stats();
    stats.batches_waiting = queue_.waiting_batches();
    return stats;
  }

  absl::Status Close() override {
    closing_.store(true, std::memory_order_relaxed);
    queue_.Close();
    // A run of the archive that is under way works on files outside of its turns. It is asked to
    // stop, and its next turn is refused; until then the lock is held for it.
    const std::lock_guard archiving(archiving_);
    std::call_once(closed_, [this] {
      thread_.join();
      spent_.FreeAll();
      close_status_ = sound() ? writer_->Close() : committer_.failure();
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
      if (work.group != nullptr) {
        if (sound() && !flush_timed_) {
          flush_timed_ = true;
          wake_at = Clock::now() + limits_.flush_after;
        }
        committer_.CommitGroups(std::move(work.group), wake_at);
      }
      for (auto& task : work.tasks) std::move(task)();
      if (sound()) committer_.Maintained(writer_->MaintainIfDue());
      if (work.closing) return;
      if (sound() && flush_timed_ && Clock::now() >= wake_at) {
        committer_.Maintained(writer_->Flush());
      }
      if (sound()) {
        backoff = std::chrono::milliseconds{0};
        if (!writer_->dirty()) {
          flush_timed_ = false;
          spent_.FreeAll();
        } else if (!flush_timed_) {
          flush_timed_ = true;
          wake_at = Clock::now() + limits_.flush_after;
        }
      } else {
        flush_timed_ = false;
        spent_.FreeAll();
        if (absl::IsFailedPrecondition(committer_.failure())) {
          backoff = std::chrono::milliseconds{0};  // for ever: nothing to wait for
        } else if (backoff.count() == 0) {
          backoff = kProbeFirst;
          wake_at = Clock::now() + backoff;
        } else if (Clock::now() >= wake_at) {
          backoff =
              committer_.Probe() ? std::chrono::milliseconds{0} : std::min(backoff * 2, kProbeLast);
          wake_at = Clock::now() + backoff;
        }
      }
      queue_.Release(/*wake_writer=*/false);
    }
  }

  std::function<bool()> UntilClosed(const std::function<bool()>& stop) const {
    return [this, &stop] {
      return closing_.load(std::memory_order_relaxed) || (stop != nullptr && stop());
    };
  }

  // Runs in a turn of its own; returns what came of it.
  absl::Status OnWriter(absl::FunctionRef<absl::Status(Writer&)> work) {
    std::promise<absl::Status> promise;
    HF_RETURN_IF_ERROR(queue_.PushTask([&] {
      absl::Status status = sound() ? work(*writer_) : committer_.failure();
      // Damage to the one sandbox that was asked about is no reason to stop.
      if (sound() && !absl::IsDataLoss(status)) committer_.Maintained(status);
      promise.set_value(std::move(status));
    }));
    return promise.get_future().get();
  }

  // At least a millisecond: zero would be to wait for ever.
  static std::chrono::milliseconds Until(std::chrono::steady_clock::time_point moment) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(moment - std::chrono::steady_clock::now());
    return std::max(left, std::chrono::milliseconds{1});
  }

  // Constant after construction.
  const std::string path_;
  const Ownership previous_;
  const Limits limits_;

  // Touched only by whoever has the queue's turn, and by Close when there is none any more.
  std::optional<Lock> lock_;
  std::unique_ptr<Writer> writer_;
  bool flush_timed_ = false;  // the writer's thread knows that something waits to be flushed

  const std::uint64_t epoch_;
  const std::unique_ptr<Reader> reader_;
  Queue queue_;
  Spent spent_;
  Committer committer_;

  std::mutex archiving_;
  std::atomic<bool> closing_ = false;
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
