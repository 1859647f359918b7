// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/sim_driver.h"

#include "statemachine/model/action.h"

namespace holdfast::simulation {

using drivers::Owner;
using model::Outcome;
using model::Verdict;

void SimWorld::Plan(const std::string& sandbox, const std::string& action,
                    std::vector<Fault> faults) {
  std::lock_guard lock(mu_);
  auto& queue = faults_[{sandbox, action}];
  queue.insert(queue.end(), faults.begin(), faults.end());
}

Fault SimWorld::Next(const std::string& sandbox, const std::string& action) {
  std::lock_guard lock(mu_);
  if (action != "probe") ++calls_[{sandbox, action}];
  auto found = faults_.find({sandbox, action});
  if (found == faults_.end() || found->second.empty()) return Fault::kNone;
  const Fault fault = found->second.front();
  found->second.pop_front();
  return fault;
}

bool SimWorld::Has(const std::string& kind, const std::string& sandbox) const {
  std::lock_guard lock(mu_);
  return things_.contains({kind, sandbox});
}

std::size_t SimWorld::Count() const {
  std::lock_guard lock(mu_);
  return things_.size();
}

std::set<std::string> SimWorld::Things() const {
  std::lock_guard lock(mu_);
  std::set<std::string> all;
  for (const auto& [key, owner] : things_) all.insert(key.first + " " + key.second);
  return all;
}

std::size_t SimWorld::doubled() const {
  std::lock_guard lock(mu_);
  return doubled_;
}

std::size_t SimWorld::calls(const std::string& sandbox, const std::string& action) const {
  std::lock_guard lock(mu_);
  const auto found = calls_.find({sandbox, action});
  return found == calls_.end() ? 0 : found->second;
}

std::string SimWorld::secrets(const std::string& sandbox, const std::string& action) const {
  std::lock_guard lock(mu_);
  const auto found = secrets_.find({sandbox, action});
  return found == secrets_.end() ? "" : found->second;
}

void SimWorld::Saw(const std::string& sandbox, const std::string& action,
                   const model::Secrets& secrets) {
  std::string text;
  for (const auto& [name, value] : secrets.values()) {
    text += (text.empty() ? "" : ",") + name + "=" + std::string(value.Reveal());
  }
  std::lock_guard lock(mu_);
  secrets_[{sandbox, action}] = text;
}

void SimWorld::Make(const std::string& kind, const Owner& owner) {
  std::lock_guard lock(mu_);
  const auto [there, made] = things_.try_emplace({kind, owner.sandbox.value}, owner);
  if (!made && there->second.generation != owner.generation) ++doubled_;
}

void SimWorld::Remove(const std::string& kind, const std::string& sandbox) {
  std::lock_guard lock(mu_);
  things_.erase({kind, sandbox});
}

void SimWorld::Exit(const std::string& sandbox, int code) {
  drivers::ExitObserver observer;
  drivers::WorkloadExit exit;
  {
    std::lock_guard lock(mu_);
    const auto found = things_.find({"workload", sandbox});
    if (found == things_.end()) return;
    exit.owner = found->second;
    exit.resource = {"workload", sandbox, sandbox};
    exit.exit_code = code;
    exit.reason = "Exited";
    exit.message = "the workload ended with code " + std::to_string(code);
    things_.erase(found);
    observer = observer_;
  }
  if (observer) observer(exit);
}

void SimWorld::Report(const drivers::WorkloadExit& exit) {
  drivers::ExitObserver observer;
  {
    std::lock_guard lock(mu_);
    observer = observer_;
  }
  if (observer) observer(exit);
}

void SimWorld::SetObserver(drivers::ExitObserver observer) {
  std::lock_guard lock(mu_);
  observer_ = std::move(observer);
}

std::vector<drivers::OwnedResource> SimWorld::Owned() const {
  std::lock_guard lock(mu_);
  std::vector<drivers::OwnedResource> all;
  for (const auto& [key, owner] : things_) {
    all.push_back({owner, {key.first, key.second, key.second}});
  }
  return all;
}

void SimWorld::PlantOrphan(const std::string& sandbox) {
  std::lock_guard lock(mu_);
  things_[{"box", sandbox}] = Owner{model::SandboxId{sandbox}, model::Generation{1}};
}

namespace {

class SimDriver final : public drivers::Driver {
 public:
  SimDriver(std::shared_ptr<SimWorld> world, SimOptions options)
      : world_(std::move(world)), options_(std::move(options)) {
    capabilities_.name = options_.name;
    capabilities_.version = "1";
    capabilities_.features = options_.features;
    capabilities_.secret_steps = options_.secret_steps;
    capabilities_.resource_families = {"box", "workload"};
  }
  ~SimDriver() override { world_->SetObserver(nullptr); }

  const drivers::Capabilities& capabilities() const override { return capabilities_; }

  absl::Status Validate(const model::SandboxSpec& spec) override {
    if (spec.image == "refused") return absl::FailedPreconditionError("no image 'refused'");
    return absl::OkStatus();
  }

  absl::StatusOr<model::LaunchPlan> MakePlan(const Owner& owner,
                                             const model::SandboxSpec& spec) override {
    if (world_->Next(owner.sandbox.value, "plan") != Fault::kNone) {
      return absl::FailedPreconditionError("the plan was refused");
    }
    model::LaunchPlan plan;
    plan.env = spec.environment;
    plan.labels = spec.labels;
    return plan;
  }

  absl::StatusOr<model::LaunchPlan> ResolvePlan(const Owner& owner, const model::SandboxSpec&,
                                                model::LaunchPlan plan) override {
    plan.backend = "memory";
    plan.claims.push_back({"provision",
                           {{"box", owner.sandbox.value}},
                           "",
                           options_.undo_idempotent,
                           options_.steps_idempotent});
    plan.claims.push_back({"start",
                           {{"workload", owner.sandbox.value}},
                           "",
                           options_.undo_idempotent,
                           options_.steps_idempotent});
    return plan;
  }

  void Perform(drivers::StepRequest request, drivers::OutcomeCallback done) override {
    const std::string& id = request.owner.sandbox.value;
    world_->Saw(id, request.action, request.secrets);
    const Fault fault = world_->Next(id, request.action);
    if (fault == Fault::kHangBefore) return;
    if (fault == Fault::kFailRetryable || fault == Fault::kFail) {
      Outcome failed = Outcome::Failed("Refused", "the platform refused it");
      failed.retryable = fault == Fault::kFailRetryable;
      failed.no_effect = true;
      std::move(done)(std::move(failed));
      return;
    }
    if (fault == Fault::kUnknownBefore) {
      std::move(done)(Outcome::Unknown("ReplyLost", "the connection broke"));
      return;
    }
    Outcome outcome = Effect(request);
    if (fault == Fault::kHangAfter) return;
    if (fault == Fault::kUnknownAfter) {
      outcome = Outcome::Unknown("ReplyLost", "the connection broke");
    } else if (fault == Fault::kFailDirty) {
      outcome = Outcome::Failed("Broken", "it broke half way");
    }
    std::move(done)(std::move(outcome));
  }

  void Probe(drivers::ProbeRequest request, drivers::OutcomeCallback done) override {
    const std::string& id = request.owner.sandbox.value;
    const Fault fault = world_->Next(id, "probe");
    if (fault == Fault::kHangBefore || fault == Fault::kHangAfter) return;
    if (fault == Fault::kCannotTell) {
      Outcome outcome = Outcome::Probed(Verdict::kCannotTell);
      outcome.reason = "PlatformDown";
      outcome.message = "the platform does not answer";
      std::move(done)(std::move(outcome));
      return;
    }
    const std::string kind = request.action == model::action::kProvision ? "box" : "workload";
    if (!world_->Has(kind, id)) {
      std::move(done)(Outcome::Probed(Verdict::kAbsent));
      return;
    }
    std::move(done)(Outcome::Probed(Verdict::kPresent, {{kind, id, id}}));
  }

  void ListOwned(drivers::OwnedCallback done) override { std::move(done)(world_->Owned()); }
  void Watch(drivers::ExitObserver observer) override { world_->SetObserver(std::move(observer)); }

 private:
  Outcome Effect(const drivers::StepRequest& request) {
    const std::string& id = request.owner.sandbox.value;
    Outcome outcome = Outcome::Done();
    if (request.action == model::action::kProvision) {
      world_->Make("box", request.owner);
      outcome.resources = {{"box", id, id}};
    } else if (request.action == model::action::kStart) {
      world_->Make("workload", request.owner);
      outcome.resources = {{"workload", id, id}};
    } else if (request.action == model::action::kStop) {
      world_->Remove("workload", id);
    } else if (request.action == model::action::kDestroy) {
      world_->Remove("workload", id);
      world_->Remove("box", id);
    }
    return outcome;
  }

  std::shared_ptr<SimWorld> world_;
  const SimOptions options_;
  drivers::Capabilities capabilities_;
};

}  // namespace

std::unique_ptr<drivers::Driver> MakeSimDriver(std::shared_ptr<SimWorld> world,
                                               SimOptions options) {
  return std::make_unique<SimDriver>(std::move(world), std::move(options));
}

}  // namespace holdfast::simulation
