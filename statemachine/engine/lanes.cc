// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <thread>
#include <type_traits>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/snapshot.h"
#include "statemachine/engine/history.h"
#include "statemachine/model/action.h"
#include "statemachine/planning/fold.h"
#include "support/failpoint.h"
#include "support/status_macros.h"

namespace holdfast::engine {
namespace {

using std::chrono::milliseconds;

// Threads for validation and planning, which wait for participants. Each wait is bounded by a
// hook's deadline; more than these queue.
constexpr std::size_t kBlockingThreads = 8;
// How long an answer that could not be journaled, or a sandbox that could not be read, waits before
// it is tried again.
constexpr milliseconds kJournalRetry{200};
// How often a sandbox that cannot be read for a passing reason is read again before it is set
// aside.
constexpr int kLoadTriesMore = 3;
// The most records after a sandbox's snapshot, and so the most that loading it folds. A create that
// goes well is about 20 records and ends with a snapshot of its own, so this is for one that is
// retried for long. More often would cost more than it saves: a snapshot repeats spec, plan and all
// that is held.
constexpr std::uint64_t kSnapshotRecordsMax = 64;
// Participants keep their own deadlines; this much later the engine stops believing them.
constexpr milliseconds kDeadlineSlack{1'000};

absl::Status ToStatus(const planning::Decision& decision) {
  switch (decision.refusal) {
    case planning::Refusal::kNone:
      return absl::OkStatus();
    case planning::Refusal::kInvalid:
      return absl::InvalidArgumentError(decision.message);
    case planning::Refusal::kNotFound:
      return absl::NotFoundError(decision.message);
    case planning::Refusal::kAlreadyExists:
      return absl::AlreadyExistsError(decision.message);
    case planning::Refusal::kWrongState:
      return absl::FailedPreconditionError(decision.message);
    case planning::Refusal::kBusy:
      return absl::AbortedError(decision.message);
  }
  return absl::InternalError("unknown refusal");
}

const model::FinishedOperation* FindFinished(const model::Sandbox& sandbox,
                                             model::OperationId operation) {
  const auto found = std::find_if(sandbox.finished.begin(), sandbox.finished.end(),
                                  [&](const auto& f) { return f.id == operation; });
  return found == sandbox.finished.end() ? nullptr : &*found;
}

// Of a create, else null.
const model::Secrets* SecretsOf(const Input& input) {
  const auto* command = std::get_if<CommandInput>(&input);
  if (command == nullptr) return nullptr;
  const auto* create = std::get_if<model::CreateSandbox>(&command->command.wish);
  return create == nullptr ? nullptr : &create->secrets;
}

model::Outcome SecretsUnavailable(const absl::Status& status) {
  model::Outcome outcome =
      model::Outcome::Failed("SecretsUnavailable", std::string(status.message()));
  outcome.no_effect = true;  // nobody was called
  outcome.retryable = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
  return outcome;
}

// Whether the journal is to keep a snapshot of `next`, the sandbox once its batch is true: it comes
// to rest, so that this is what the next start finds, or too much has come since the last one.
bool SnapshotIsDue(const model::Sandbox& next, model::Sequence last) {
  if (!next.live()) return false;  // no start loads it any more
  const bool rests = !next.operation && !next.current;
  return rests || next.head.value - last.value > kSnapshotRecordsMax;
}

}  // namespace

// One input on its way through its commit.
struct Lanes::Turn {
  Input input;
  model::Sandbox next;  // the sandbox once the batch is true
  model::OperationId operation;
  bool snapshot = false;  // the batch has one, of `next`
};

Lanes::Lanes(journal::Journal& journal, Participants& participants, Options options)
    : journal_(journal),
      participants_(participants),
      options_(std::move(options)),
      vault_(journal, options_.sealer),
      blocking_(kBlockingThreads),
      workers_(options_.threads) {}

Lanes::~Lanes() { Join(); }

template <typename Fn>
void Lanes::OnWorker(Fn fn) {
  // Of a pool that was joined, nobody would run it; and what it holds, it would hold for ever.
  std::lock_guard lock(joining_mu_);
  if (!joined_) boost::asio::post(workers_, std::move(fn));
}

template <typename Fn>
void Lanes::OnBlockingWorker(Fn fn) {
  std::lock_guard lock(joining_mu_);
  if (!joined_) boost::asio::post(blocking_, std::move(fn));
}

Lanes::LanePtr Lanes::FindOrMake(const model::SandboxId& id) {
  std::lock_guard lock(lanes_mu_);
  LanePtr& lane = lanes_[id.value];
  if (!lane) lane = std::make_shared<Lane>(id);
  return lane;
}

void Lanes::Post(const model::SandboxId& id, Input input) {
  for (;;) {
    LanePtr lane = FindOrMake(id);
    {
      std::lock_guard lock(lane->mu);
      if (lane->gone) continue;  // it was just taken out of the table
      if (std::holds_alternative<CommandInput>(input)) commands_waiting_.fetch_add(1);
      lane->inputs.push_back(std::move(input));
      if (lane->turn || lane->held_back) return;
      lane->turn = true;
    }
    OnWorker([self = shared_from_this(), lane] { self->RunTurns(lane); });
    return;
  }
}

void Lanes::HoldBack(const model::SandboxId& id) {
  LanePtr lane = FindOrMake(id);
  std::lock_guard lock(lane->mu);
  lane->held_back = true;
}

void Lanes::Adopt(const model::SandboxId& id, absl::StatusOr<Loaded> loaded) {
  Take(FindOrMake(id), std::move(loaded));
}

void Lanes::Release(const model::SandboxId& id) {
  LanePtr lane = FindOrMake(id);
  {
    std::lock_guard lock(lane->mu);
    lane->held_back = false;
    lane->inputs.push_front(RecoverInput{});
    if (lane->turn) return;
    lane->turn = true;
  }
  OnWorker([self = shared_from_this(), lane] { self->RunTurns(lane); });
}

bool Lanes::Load(const LanePtr& lane) {
  auto loaded = LoadSandbox(journal_.reader(), lane->sandbox.id);
  if (absl::IsUnavailable(loaded.status()) && lane->load_tries++ < kLoadTriesMore) {
    timers_.After(kJournalRetry, [weak = weak_from_this(), lane] {
      auto self = weak.lock();
      if (self) self->OnWorker([self, lane] { self->RunTurns(lane); });
    });
    return false;
  }
  Take(lane, std::move(loaded));
  return true;
}

void Lanes::Take(const LanePtr& lane, absl::StatusOr<Loaded> loaded) {
  std::lock_guard lock(lane->mu);
  lane->loaded = true;
  if (loaded.ok()) {
    lane->sandbox = std::move(loaded->sandbox);
    lane->snapshot = loaded->snapshot;
  } else {
    lane->quarantine = std::string(loaded.status().message());
  }
  // Whoever began to observe before could not be shown it.
  if (lane->sandbox.live() || !loaded.ok()) Announce(*lane);
}

void Lanes::RunTurns(const LanePtr& lane) {
  if (!lane->loaded && !Load(lane)) return;  // a timer takes it up again
  for (;;) {
    std::optional<Input> input;
    {
      std::lock_guard lock(lane->mu);
      if (lane->inputs.empty() || lane->held_back) {
        lane->turn = false;
      } else {
        input = std::move(lane->inputs.front());
        lane->inputs.pop_front();
      }
    }
    if (!input) {
      ForgetIfDone(lane);
      return;
    }
    if (std::holds_alternative<CommandInput>(*input)) commands_waiting_.fetch_sub(1);
    if (!TakeTurn(lane, *std::move(input))) return;  // OnCommitted goes on
  }
}

bool Lanes::TakeTurn(const LanePtr& lane, Input input) {
  if (auto* command = std::get_if<CommandInput>(&input)) {
    return TakeCommand(lane, std::move(*command));
  }
  if (!lane->quarantine.empty() || draining_.load()) return true;
  if (auto* exit = std::get_if<ExitInput>(&input)) {
    auto vanished = MatchExit(lane, std::move(exit->exit));
    if (!vanished) return true;
    input = VanishedInput{*std::move(vanished)};
  }
  const model::UnixMillis now = options_.now();
  auto events = DecideOn(lane->sandbox, input, now);
  if (!events.ok()) {
    Quarantine(lane, std::string(events.status().message()));
    return true;
  }
  if (events->empty()) {
    // Nothing new to journal, but a recovering lane still has to take up what is due.
    if (std::holds_alternative<RecoverInput>(input)) StartDue(lane);
    return true;
  }
  return !Commit(lane, *std::move(events), now, std::move(input), model::OperationId{});
}

// Which held start the exit speaks of; an exit of another incarnation or another run is old news.
std::optional<model::EffectVanished> Lanes::MatchExit(const LanePtr& lane,
                                                      drivers::WorkloadExit exit) {
  const model::Sandbox& s = lane->sandbox;
  if (!s.live() || exit.owner.generation != s.generation) return std::nullopt;
  for (const model::Step& step : s.held) {
    if (step.what.action != model::action::kStart) continue;
    const bool same = std::any_of(
        step.resources.begin(), step.resources.end(), [&](const model::Resource& resource) {
          return resource.kind == exit.resource.kind && resource.name == exit.resource.name &&
                 resource.handle == exit.resource.handle;
        });
    if (!same) continue;
    return model::EffectVanished{step.intent, std::move(exit.reason), std::move(exit.message),
                                 exit.exit_code};
  }
  if (s.current && s.current->what.action == model::action::kStart) {
    lane->early_exit = std::move(exit);
  }
  return std::nullopt;
}

bool Lanes::TakeCommand(const LanePtr& lane, CommandInput input) {
  const auto refuse = [&](absl::Status status) {
    std::move(input.done)(std::move(status));
    return true;
  };
  if (draining_.load()) return refuse(absl::UnavailableError("the gateway is going down"));
  if (!lane->quarantine.empty()) {
    return refuse(absl::FailedPreconditionError(fmt::format(
        "sandbox '{}' is set aside because its records cannot be read: {}; `journal-cli verify` "
        "says what is damaged",
        lane->sandbox.id.value, lane->quarantine)));
  }
  if (!journal_.sound()) {
    return refuse(absl::UnavailableError(
        "the journal cannot be written at the moment (disk full or I/O error); nothing is accepted "
        "until it can"));
  }
  const bool create = std::holds_alternative<model::CreateSandbox>(input.command.wish);
  if (create && !input.validated && !lane->sandbox.live()) {
    ValidateThenPost(std::move(input));
    return true;
  }
  const model::UnixMillis now = options_.now();
  auto decision = planning::Decide(lane->sandbox, input.command, options_.policy, now);
  if (!decision.ok()) {
    absl::Status broken = decision.status();
    Quarantine(lane, std::string(broken.message()));
    return refuse(std::move(broken));
  }
  if (absl::Status refused = ToStatus(*decision); !refused.ok()) return refuse(std::move(refused));
  if (decision->events.empty()) {
    AnswerCommand(lane, input, decision->operation);
    return true;
  }
  return !Commit(lane, std::move(decision->events), now, std::move(input), decision->operation);
}

// Driver and chain are asked before the first record is written: a refused create leaves nothing
// behind. They may take their time, so they are not asked in the lane.
void Lanes::ValidateThenPost(CommandInput input) {
  commands_waiting_.fetch_add(1);
  OnBlockingWorker([self = shared_from_this(), input = std::move(input)]() mutable {
    self->commands_waiting_.fetch_sub(1);
    auto& create = std::get<model::CreateSandbox>(input.command.wish);
    auto chain = self->participants_.Validate(input.command.sandbox, create.spec);
    if (!chain.ok()) {
      std::move(input.done)(chain.status());
      return;
    }
    create.chain = *std::move(chain);
    // What nobody will be given is not kept.
    if (!self->participants_.TakesSecrets(create.spec.driver)) create.secrets = {};
    input.validated = true;
    const model::SandboxId id = input.command.sandbox;
    self->Post(id, std::move(input));
  });
}

absl::StatusOr<std::vector<model::Event>> Lanes::DecideOn(const model::Sandbox& sandbox,
                                                          const Input& input,
                                                          model::UnixMillis now) {
  const planning::Policy& policy = options_.policy;
  return std::visit(
      [&](const auto& in) -> absl::StatusOr<std::vector<model::Event>> {
        using T = std::decay_t<decltype(in)>;
        if constexpr (std::is_same_v<T, AnswerInput>) {
          return planning::OnAnswer(sandbox, in.intent, in.attempt, in.outcome, policy, now);
        } else if constexpr (std::is_same_v<T, TimerInput>) {
          // Our timer measured the wait. The wall clock may have been set back meanwhile, and a
          // wait that it calls too short would never end.
          const model::UnixMillis due = sandbox.current ? sandbox.current->due : now;
          return planning::OnTimer(sandbox, in.intent, in.attempt, policy, std::max(now, due));
        } else if constexpr (std::is_same_v<T, VanishedInput>) {
          return planning::OnVanished(sandbox, in.vanished, policy, now);
        } else if constexpr (std::is_same_v<T, ComparedInput>) {
          return planning::OnCompared(sandbox, in.agreement, in.message, now);
        } else if constexpr (std::is_same_v<T, RecoverInput>) {
          return planning::Recover(sandbox, policy, now);
        } else {
          return absl::InternalError("commands are decided elsewhere");
        }
      },
      input);
}

bool Lanes::Commit(const LanePtr& lane, std::vector<model::Event> events, model::UnixMillis now,
                   Input input, model::OperationId operation) {
  journal::Batch batch;
  batch.sandbox_id = lane->sandbox.id.value;
  batch.expected_sequence = lane->sandbox.head.value;
  model::Sandbox next = lane->sandbox;
  for (model::Event& event : events) {
    batch.drafts.push_back(codec::Encode(event, now));
    const model::Recorded recorded{model::Sequence{next.head.value + 1}, now, std::move(event)};
    if (absl::Status folded = planning::Fold(next, recorded); !folded.ok()) {
      // Cannot be: the decision folded these very events.
      Quarantine(lane, std::string(folded.message()));
      if (auto* command = std::get_if<CommandInput>(&input)) {
        std::move(command->done)(std::move(folded));
      }
      return false;
    }
  }
  batch.projection.state = Name(next.state);
  batch.projection.live = next.live();
  if (absl::Status sealed = SealInto(batch, next, input); !sealed.ok()) {
    std::move(std::get<CommandInput>(input).done)(std::move(sealed));  // only a create is sealed
    return false;
  }
  if (SnapshotIsDue(next, lane->snapshot)) batch.snapshot = codec::EncodeSnapshot(next);
  auto turn = std::make_shared<Turn>(
      Turn{std::move(input), std::move(next), operation, batch.snapshot.has_value()});
  commits_under_way_.fetch_add(1);
  HF_FAILPOINT(kEngineBeforeAppend);
  journal_.AppendAsync(std::move(batch), [self = shared_from_this(), lane,
                                          turn](absl::StatusOr<journal::Appended> appended) {
    // On the journal's writer thread: hand over at once.
    self->OnWorker([self, lane, turn, status = appended.status()] {
      self->OnCommitted(lane, turn, status);
      self->commits_under_way_.fetch_sub(1);
    });
  });
  return true;
}

absl::Status Lanes::SealInto(journal::Batch& batch, const model::Sandbox& next,
                             const Input& input) {
  const model::Secrets* secrets = SecretsOf(input);
  if (secrets == nullptr || secrets->empty() || !vault_.seals()) return absl::OkStatus();
  HF_ASSIGN_OR_RETURN(batch.sealed, vault_.Seal(next, *secrets));
  return absl::OkStatus();
}

void Lanes::OnCommitted(const LanePtr& lane, std::shared_ptr<Turn> turn, absl::Status status) {
  if (status.ok()) {
    HF_FAILPOINT(kEngineAfterAppend);
    Apply(lane, *turn);
    if (const model::Secrets* secrets = SecretsOf(turn->input)) {
      lane->secrets = vault_.seals() ? model::Secrets() : *secrets;
    } else if (!lane->sandbox.live()) {
      lane->secrets = {};
    }
    StartDue(lane);
    if (auto* command = std::get_if<CommandInput>(&turn->input)) {
      AnswerCommand(lane, *command, turn->operation);
    }
    TellWaiters(lane);
  } else if (auto* command = std::get_if<CommandInput>(&turn->input)) {
    std::move(command->done)(std::move(status));
  } else if (absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
    // What a participant told us must not be forgotten: it is offered again until the journal takes
    // it.
    RetryInput(lane, std::move(turn->input));
  } else {
    Quarantine(lane,
               fmt::format("the journal refused a record: {}", std::string(status.message())));
  }
  RunTurns(lane);
}

// The batch is true from here on.
void Lanes::Apply(const LanePtr& lane, Turn& turn) {
  std::lock_guard lock(lane->mu);
  lane->sandbox = std::move(turn.next);
  if (turn.snapshot) lane->snapshot = lane->sandbox.head;
  const auto& current = lane->sandbox.current;
  if (lane->early_exit && !(current && current->what.action == model::action::kStart)) {
    lane->inputs.push_front(ExitInput{*std::exchange(lane->early_exit, std::nullopt)});
  }
  Announce(*lane);
}

// REQUIRES: lane.mu is held.
void Lanes::Announce(const Lane& lane) {
  std::lock_guard lock(observers_mu_);
  if (observers_.empty()) return;
  const Update update{lane.sandbox, lane.quarantine};
  for (const auto& [number, observer] : observers_) observer(update);
}

void Lanes::StartDue(const LanePtr& lane) {
  if (draining_.load() || !lane->quarantine.empty()) return;
  const planning::Work work = planning::Due(lane->sandbox);
  if (std::holds_alternative<planning::Nothing>(work)) {
    timers_.Cancel(std::exchange(lane->timer, 0));
    lane->started.reset();
    return;
  }
  const model::Step& step = *lane->sandbox.current;
  const Started now{step.intent, step.attempt, step.phase, step.probes};
  const bool running = lane->started == now;
  if (const auto* attempt = std::get_if<planning::Attempt>(&work);
      attempt != nullptr && attempt->cancel && running) {
    lane->cancel.request_stop();
  }
  if (running) return;
  timers_.Cancel(std::exchange(lane->timer, 0));
  lane->started = now;
  // Whoever still works at what was waited for too long is asked to leave it.
  lane->cancel.request_stop();
  lane->cancel = std::stop_source();
  const model::SandboxId id = lane->sandbox.id;
  if (const auto* timer = std::get_if<planning::Timer>(&work)) {
    // No wait is longer than the longest backoff, whatever the wall clock says by now.
    const auto wait = std::clamp(milliseconds(timer->due.value - options_.now().value),
                                 milliseconds(0), options_.policy.backoff_max);
    lane->timer = timers_.After(
        wait, [weak = weak_from_this(), id, intent = timer->intent, attempt = timer->attempt] {
          if (auto self = weak.lock()) self->Post(id, TimerInput{intent, attempt});
        });
  } else if (const auto* probe = std::get_if<planning::Probe>(&work)) {
    StartProbe(lane, *probe);
  } else {
    StartAttempt(lane);
  }
}

AnswerCallback Lanes::AnswerTo(const model::SandboxId& id, model::IntentId intent,
                               std::uint32_t attempt) {
  // A participant may outlive the engine; its answer is then found again by a probe.
  return [weak = weak_from_this(), id, intent, attempt](model::Outcome outcome) {
    HF_FAILPOINT(kEngineAfterStep);
    if (auto self = weak.lock()) self->Post(id, AnswerInput{intent, attempt, std::move(outcome)});
  };
}

void Lanes::StartAttempt(const LanePtr& lane) {
  const model::Step& step = *lane->sandbox.current;
  const model::SandboxId id = lane->sandbox.id;
  lane->timer = timers_.After(
      milliseconds(step.what.deadline_ms) + kDeadlineSlack,
      [weak = weak_from_this(), id, intent = step.intent, attempt = step.attempt,
       deadline = step.what.deadline_ms] {
        auto self = weak.lock();
        if (!self) return;
        self->Post(id, AnswerInput{intent, attempt,
                                   model::Outcome::Unknown(
                                       "DeadlineExceeded",
                                       fmt::format("no answer within {} ms", deadline))});
      });
  auto done = AnswerTo(id, step.intent, step.attempt);
  const model::Epoch epoch{journal_.epoch()};
  model::Secrets secrets;
  if (participants_.NeedsSecrets(lane->sandbox)) {
    // What cannot be made as it was asked for is not made at all.
    absl::StatusOr<model::Secrets> opened = OpenSecrets(*lane);
    if (!opened.ok()) return std::move(done)(SecretsUnavailable(opened.status()));
    secrets = *std::move(opened);
  }
  HF_FAILPOINT(kEngineBeforeStep);
  if (step.what.action == model::action::kPlan) {
    // The one step that waits for participants in our own threads.
    OnBlockingWorker([self = shared_from_this(), sandbox = lane->sandbox, epoch,
                      token = lane->cancel.get_token(), done = std::move(done)]() mutable {
      self->participants_.Attempt(sandbox, {}, epoch, std::move(token), std::move(done));
    });
    return;
  }
  participants_.Attempt(lane->sandbox, std::move(secrets), epoch, lane->cancel.get_token(),
                        std::move(done));
}

absl::StatusOr<model::Secrets> Lanes::OpenSecrets(const Lane& lane) const {
  if (!lane.secrets.empty()) return lane.secrets;
  return vault_.Open(lane.sandbox);
}

void Lanes::StartProbe(const LanePtr& lane, const planning::Probe& probe) {
  const model::Step& step = *lane->sandbox.current;
  const model::SandboxId id = lane->sandbox.id;
  lane->timer =
      timers_.After(milliseconds(step.what.deadline_ms) + kDeadlineSlack,
                    [weak = weak_from_this(), id, intent = step.intent, attempt = step.attempt] {
                      auto self = weak.lock();
                      if (!self) return;
                      model::Outcome silent = model::Outcome::Probed(model::Verdict::kCannotTell);
                      silent.reason = "DeadlineExceeded";
                      silent.message = "the probe was not answered in time";
                      self->Post(id, AnswerInput{intent, attempt, std::move(silent)});
                    });
  participants_.Probe(lane->sandbox, probe, model::Epoch{journal_.epoch()},
                      AnswerTo(id, step.intent, step.attempt));
}

void Lanes::AnswerCommand(const LanePtr& lane, CommandInput& input, model::OperationId operation) {
  const model::FinishedOperation* finished = FindFinished(lane->sandbox, operation);
  const bool active = lane->sandbox.operation && lane->sandbox.operation->id == operation;
  if (input.wait && active && finished == nullptr && lane->sandbox.state != model::State::kStuck) {
    std::lock_guard lock(lane->mu);
    lane->waiters.push_back(Waiter{operation, std::move(input.done)});
    return;
  }
  Submitted submitted;
  submitted.operation = operation;
  submitted.sandbox = lane->sandbox;
  if (finished != nullptr) submitted.result = *finished;
  std::move(input.done)(std::move(submitted));
}

// A waiter is told when its operation ended, and when it is parked: nothing more happens by itself.
void Lanes::TellWaiters(const LanePtr& lane) {
  std::vector<Waiter> ready;
  {
    std::lock_guard lock(lane->mu);
    const model::Sandbox& s = lane->sandbox;
    auto rest = std::stable_partition(
        lane->waiters.begin(), lane->waiters.end(), [&](const Waiter& waiter) {
          const bool active = s.operation && s.operation->id == waiter.operation;
          return active && s.state != model::State::kStuck;
        });
    std::move(rest, lane->waiters.end(), std::back_inserter(ready));
    lane->waiters.erase(rest, lane->waiters.end());
  }
  for (Waiter& waiter : ready) {
    Submitted submitted;
    submitted.operation = waiter.operation;
    submitted.sandbox = lane->sandbox;
    if (const auto* finished = FindFinished(lane->sandbox, waiter.operation)) {
      submitted.result = *finished;
    }
    std::move(waiter.done)(std::move(submitted));
  }
}

void Lanes::Quarantine(const LanePtr& lane, std::string why) {
  std::vector<Waiter> waiters;
  {
    std::lock_guard lock(lane->mu);
    lane->quarantine = std::move(why);
    waiters.swap(lane->waiters);
    Announce(*lane);
  }
  timers_.Cancel(std::exchange(lane->timer, 0));
  for (Waiter& waiter : waiters) {
    std::move(waiter.done)(absl::FailedPreconditionError(lane->quarantine));
  }
}

void Lanes::RetryInput(const LanePtr& lane, Input input) {
  if (std::holds_alternative<RecoverInput>(input)) {
    // Nothing may pass it: a step of the dead process would be taken for one that is still to run.
    {
      std::lock_guard lock(lane->mu);
      lane->held_back = true;
    }
    timers_.After(kJournalRetry, [weak = weak_from_this(), id = lane->sandbox.id] {
      if (auto self = weak.lock()) self->Release(id);
    });
    return;
  }
  auto held = std::make_shared<Input>(std::move(input));
  timers_.After(kJournalRetry, [weak = weak_from_this(), id = lane->sandbox.id, held] {
    if (auto self = weak.lock()) self->Post(id, std::move(*held));
  });
}

// A sandbox of which nothing is left needs no memory; its history is in the journal.
void Lanes::ForgetIfDone(const LanePtr& lane) {
  std::lock_guard table(lanes_mu_);
  std::lock_guard lock(lane->mu);
  const bool done = !lane->turn && !lane->held_back && lane->inputs.empty() &&
                    lane->quarantine.empty() && lane->waiters.empty() && !lane->sandbox.live();
  if (!done || lane->gone) return;
  lane->gone = true;
  lanes_.erase(lane->sandbox.id.value);
}

std::optional<Lanes::Snapshot> Lanes::Find(const model::SandboxId& id) {
  LanePtr lane;
  {
    std::lock_guard table(lanes_mu_);
    const auto found = lanes_.find(id.value);
    if (found == lanes_.end()) return std::nullopt;
    lane = found->second;
  }
  std::lock_guard lock(lane->mu);
  if (!lane->sandbox.exists() && lane->quarantine.empty()) return std::nullopt;
  return Snapshot{lane->sandbox, lane->quarantine};
}

std::vector<Lanes::Snapshot> Lanes::All() {
  std::vector<LanePtr> lanes;
  {
    std::lock_guard table(lanes_mu_);
    lanes.reserve(lanes_.size());
    for (const auto& [id, lane] : lanes_) lanes.push_back(lane);
  }
  std::vector<Snapshot> all;
  for (const LanePtr& lane : lanes) {
    std::lock_guard lock(lane->mu);
    if (lane->sandbox.live() || !lane->quarantine.empty()) {
      all.push_back({lane->sandbox, lane->quarantine});
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Snapshot& a, const Snapshot& b) { return a.sandbox.id < b.sandbox.id; });
  return all;
}

std::uint64_t Lanes::Observe(UpdateObserver observer) {
  std::uint64_t number = 0;
  {
    std::lock_guard lock(observers_mu_);
    number = next_observer_++;
    observers_.emplace_back(number, observer);
  }
  std::vector<LanePtr> lanes;
  {
    std::lock_guard table(lanes_mu_);
    for (const auto& [id, lane] : lanes_) lanes.push_back(lane);
  }
  for (const LanePtr& lane : lanes) {
    // Under the lane's lock, as every change is: the observer never sees an older state after a
    // newer.
    std::lock_guard lock(lane->mu);
    if (!lane->sandbox.live() && lane->quarantine.empty()) continue;
    std::lock_guard observers_lock(observers_mu_);
    observer(Update{lane->sandbox, lane->quarantine});
  }
  return number;
}

void Lanes::Unobserve(std::uint64_t observer) {
  std::lock_guard lock(observers_mu_);
  std::erase_if(observers_, [&](const auto& entry) { return entry.first == observer; });
}

void Lanes::Drain() {
  draining_.store(true);
  std::vector<LanePtr> lanes;
  {
    std::lock_guard table(lanes_mu_);
    for (const auto& [id, lane] : lanes_) lanes.push_back(lane);
  }
  // A turn that began before is let to its end; one that begins from now on commits nothing.
  const auto turning = [](const LanePtr& lane) {
    std::lock_guard lock(lane->mu);
    return lane->turn;
  };
  while (commits_under_way_.load() != 0 || std::any_of(lanes.begin(), lanes.end(), turning)) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  // Only now: a commit that was under way may have left one more.
  for (const LanePtr& lane : lanes) {
    std::vector<Waiter> waiters;
    {
      std::lock_guard lock(lane->mu);
      waiters.swap(lane->waiters);
    }
    for (Waiter& waiter : waiters) {
      std::move(waiter.done)(absl::UnavailableError(
          "the gateway is going down; the operation is journaled and goes on at the next start"));
    }
  }
}

void Lanes::Join() {
  timers_.Stop();
  blocking_.join();  // what it still hands to the lanes is refused there, so they end after it
  {
    std::lock_guard lock(joining_mu_);
    joined_ = true;
  }
  workers_.join();
}

bool Lanes::Idle() {
  std::vector<LanePtr> lanes;
  {
    std::lock_guard table(lanes_mu_);
    for (const auto& [id, lane] : lanes_) lanes.push_back(lane);
  }
  return std::all_of(lanes.begin(), lanes.end(), [](const LanePtr& lane) {
    std::lock_guard lock(lane->mu);
    return !lane->turn && lane->inputs.empty() && !lane->held_back &&
           (!lane->quarantine.empty() ||
            std::holds_alternative<planning::Nothing>(planning::Due(lane->sandbox)));
  });
}

}  // namespace holdfast::engine
