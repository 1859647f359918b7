// SPDX-License-Identifier: Apache-2.0
//
// The lanes of all live sandboxes and the turn-taking in them: an input is decided on, journaled,
// made true, and what is due then is started. The heart of the engine; the road of every request.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "journal/journal.h"
#include "statemachine/engine/engine.h"
#include "statemachine/engine/history.h"
#include "statemachine/engine/lane.h"
#include "statemachine/engine/participants.h"
#include "statemachine/engine/timers.h"
#include "statemachine/engine/vault.h"

namespace holdfast::engine {

class Lanes : public std::enable_shared_from_this<Lanes> {
 public:
  Lanes(journal::Journal& journal, Participants& participants, Options options);
  ~Lanes();

  // Puts an input into the sandbox's lane, made when there is none. Thread-safe, never blocks.
  void Post(const model::SandboxId& id, Input input);

  // Makes a lane whose inputs wait until Release. Before anything else enters it.
  void HoldBack(const model::SandboxId& id);
  // Fills a lane that is held back, once. Thread-safe.
  void Adopt(const model::SandboxId& id, absl::StatusOr<Loaded> loaded);
  // Recovery is done with looking: the lane goes on, with what it owes first.
  void Release(const model::SandboxId& id);

  struct Snapshot {
    model::Sandbox sandbox;
    std::string quarantine;
  };
  // nullopt: no lane.
  std::optional<Snapshot> Find(const model::SandboxId& id);
  std::vector<Snapshot> All();  // in order of id; lanes of sandboxes that do not exist are left out

  std::uint64_t Observe(UpdateObserver observer);
  void Unobserve(std::uint64_t observer);

  // No new work from now on; waiters are told. Returns when no commit is under way.
  void Drain();
  bool draining() const { return draining_.load(); }
  // Ends the threads. Call after Drain, from a thread that is not the lanes' own.
  void Join();
  // No lane has work in flight, due or waiting.
  bool Idle();

  // Commands that wait in all lanes.
  std::size_t commands_waiting() const { return commands_waiting_.load(); }

 private:
  using LanePtr = std::shared_ptr<Lane>;
  struct Turn;  // one input on its way from decision to commit

  LanePtr FindOrMake(const model::SandboxId& id);
  void RunTurns(const LanePtr& lane);
  // One input. True when it is finished, false when its commit is under way.
  bool TakeTurn(const LanePtr& lane, Input input);
  std::optional<model::EffectVanished> MatchExit(const LanePtr& lane, drivers::WorkloadExit exit);
  bool TakeCommand(const LanePtr& lane, CommandInput input);
  absl::StatusOr<std::vector<model::Event>> DecideOn(const model::Sandbox& sandbox,
                                                     const Input& input, model::UnixMillis now);
  // False when the events do not fold; then nothing is under way.
  bool Commit(const LanePtr& lane, std::vector<model::Event> events, model::UnixMillis now,
              Input input, model::OperationId operation);
  // Gives a create's secrets to the batch, sealed, if anything seals.
  absl::Status SealInto(journal::Batch& batch, const model::Sandbox& next, const Input& input);
  void OnCommitted(const LanePtr& lane, std::shared_ptr<Turn> turn, absl::Status status);
  void Apply(const LanePtr& lane, Turn& turn);
  void Announce(const Lane& lane);
  void StartDue(const LanePtr& lane);
  void StartAttempt(const LanePtr& lane);
  absl::StatusOr<model::Secrets> OpenSecrets(const Lane& lane) const;
  void StartProbe(const LanePtr& lane, const planning::Probe& probe);
  AnswerCallback AnswerTo(const model::SandboxId& id, model::IntentId intent,
                          std::uint32_t attempt);
  void AnswerCommand(const LanePtr& lane, CommandInput& input, model::OperationId operation);
  void TellWaiters(const LanePtr& lane);
  void Quarantine(const LanePtr& lane, std::string why);
  void RetryInput(const LanePtr& lane, Input input);
  // False when the journal cannot be read just now; the lane's turn is taken up again by a timer.
  bool Load(const LanePtr& lane);
  void Take(const LanePtr& lane, absl::StatusOr<Loaded> loaded);
  void ForgetIfDone(const LanePtr& lane);
  void ValidateThenPost(CommandInput input);
  template <typename Fn>
  void OnWorker(Fn fn);
  template <typename Fn>
  void OnBlockingWorker(Fn fn);

  journal::Journal& journal_;
  Participants& participants_;
  const Options options_;
  const Vault vault_;

  std::mutex lanes_mu_;
  std::unordered_map<std::string, LanePtr> lanes_;  // guarded by lanes_mu_

  std::mutex observers_mu_;
  std::vector<std::pair<std::uint64_t, UpdateObserver>> observers_;  // guarded by observers_mu_
  std::uint64_t next_observer_ = 1;                                  // guarded by observers_mu_

  std::atomic<bool> draining_{false};
  std::atomic<std::size_t> commands_waiting_{0};
  std::atomic<std::size_t> commits_under_way_{0};

  std::mutex joining_mu_;
  bool joined_ = false;  // guarded by joining_mu_; from then on nothing is posted

  Timers timers_;
  boost::asio::thread_pool blocking_;  // validation and planning: bounded waits
  boost::asio::thread_pool workers_;   // lanes: never waits
};

}  // namespace holdfast::engine
