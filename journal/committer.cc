// SPDX-License-Identifier: Apache-2.0
#include "journal/committer.h"

#include <utility>

namespace holdfast::journal {

void Committer::CommitGroups(std::shared_ptr<Group> group,
                             std::chrono::steady_clock::time_point until) {
  AddTo(now_, std::move(group));
  if (now_.batches < Queue::kPiece) {
    // Two hand-offs between threads would cost more than they win.
    if (now_.status.ok()) now_.status = writer_.Write(now_.plan);
    Conclude(now_);
    return Answer(now_);
  }
  while (!now_.groups.empty()) {
    WriteNow(until);
    Conclude(now_);
    std::swap(before_, now_);
    std::swap(now_, next_);
  }
  Answer(before_);
}

void Committer::WriteNow(std::chrono::steady_clock::time_point until) {
  const bool writes = sound() && now_.status.ok();
  if (writes) {
    queue_.WriteStarts();
    writer_.StartWrite(now_.plan, [this] { queue_.WriteEnded(); });
  }
  Answer(before_);
  if (!writes) return;
  while (next_.status.ok() && !writer_.maintenance_due() &&
         std::chrono::steady_clock::now() < until) {
    auto more = queue_.TakeMore(limits_.commit_batches_max - next_.batches,
                                limits_.commit_records_max - next_.records);
    if (more == nullptr) break;
    AddTo(next_, std::move(more));
  }
  now_.status = writer_.FinishWrite(now_.plan);
}

void Committer::AddTo(Round& round, std::shared_ptr<Group> group) {
  round.batches += group->waiting.size();
  round.records += group->records;
  round.status = sound() ? writer_.PlanBatches(group->waiting, round.plan) : failure_;
  round.groups.push_back(std::move(group));
}

void Committer::Conclude(Round& round) {
  // What was planned upon a plan that failed has failed with it.
  if (!sound()) round.status = failure_;
  for (const std::shared_ptr<Group>& group : round.groups) Settle(group->waiting, round.status);
  if (sound()) CountCommit(round.status, !round.plan.empty());
}

void Committer::Answer(Round& round) {
  for (const std::shared_ptr<Group>& group : round.groups) Answer(*group);
  round.groups.clear();
  round.batches = round.records = 0;
  round.plan.clear();
  round.status = absl::OkStatus();
}

void Committer::Answer(Group& group) {
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

void Committer::CommitAlone(Waiting& waiting) noexcept {
  if (!sound()) {
    waiting.answer = failure_;
    return;
  }
  Waiting* batches[] = {&waiting};
  absl::Status status = writer_.Commit(batches);
  Settle(batches, status);
  CountCommit(status, waiting.answer.ok());
}

void Committer::CountCommit(const absl::Status& status, bool wrote) {
  if (status.ok()) {
    commits_.fetch_add(wrote ? 1 : 0, std::memory_order_relaxed);
  } else {
    commits_failed_.fetch_add(1, std::memory_order_relaxed);
    Fail(status);
  }
}

void Committer::Settle(std::span<Waiting*> batches, const absl::Status& status) {
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

void Committer::Fail(absl::Status status) {
  failure_ = OfTheWhole(std::move(status));
  queue_.Refuse(failure_);
  sound_.store(false, std::memory_order_release);
}

bool Committer::Probe() {
  absl::Status status = writer_.Probe();
  if (!status.ok()) {
    Fail(std::move(status));
    return false;
  }
  failure_ = absl::OkStatus();
  sound_.store(true, std::memory_order_release);
  queue_.Refuse(absl::OkStatus());
  return true;
}

void Committer::Maintained(const absl::Status& status) {
  if (status.ok() || absl::IsAborted(status)) return;
  CountCommit(status, /*wrote=*/false);
}

Stats Committer::stats() const {
  return Stats{.commits = commits_.load(std::memory_order_relaxed),
               .batches = batches_.load(std::memory_order_relaxed),
               .records = records_.load(std::memory_order_relaxed),
               .commits_failed = commits_failed_.load(std::memory_order_relaxed),
               .batches_waiting = 0};
}

}  // namespace holdfast::journal
