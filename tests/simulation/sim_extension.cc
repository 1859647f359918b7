// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/sim_extension.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "statemachine/model/action.h"

namespace holdfast::simulation {
namespace {

using extensions::HookContext;
using model::Outcome;
using model::Verdict;

class SimExtension final : public extensions::Extension {
 public:
  SimExtension(std::string name, std::shared_ptr<SimWorld> world) : world_(std::move(world)) {
    using namespace model::action;  // NOLINT(google-build-using-namespace): the hooks' names
    descriptor_.name = std::move(name);
    descriptor_.version = "1";
    for (auto hook : {kBeforeLaunch, kAfterLaunchFailed, kAfterDelete, kAfterLaunchSucceeded,
                      kBeforeStop, kAfterStop, kBeforeStart, kAfterStart, kBeforeDelete}) {
      descriptor_.hooks.emplace(hook);
    }
    descriptor_.state_schema_version = 1;
    descriptor_.resource_families = {descriptor_.name};
  }

  const extensions::Descriptor& descriptor() const override { return descriptor_; }

  model::StepClaims ClaimsOfBeforeLaunch(const HookContext& context) override {
    model::StepClaims claims;
    claims.claims = {{descriptor_.name, context.sandbox.value}};
    return claims;
  }

  Outcome Run(const HookContext& context) override {
    const std::string& id = context.sandbox.value;
    const Fault fault = world_->Next(id, descriptor_.name + "." + std::string(context.hook));
    if (fault == Fault::kHangBefore) return Hang(context);
    if (fault == Fault::kUnknownBefore) return Outcome::Unknown("ReplyLost", "the line broke");
    if (fault == Fault::kFail || fault == Fault::kFailRetryable) {
      Outcome failed = Outcome::Failed("Refused", "the network refused it");
      failed.retryable = fault == Fault::kFailRetryable;
      failed.no_effect = true;
      return failed;
    }
    Outcome outcome = Outcome::Done();
    if (context.hook == model::action::kBeforeLaunch) {
      world_->Make(descriptor_.name, {context.sandbox, context.generation});
      outcome = Present(id);
      outcome.verdict = Verdict::kDone;
    } else if (context.hook == model::action::kAfterDelete ||
               context.hook == model::action::kAfterLaunchFailed) {
      world_->Remove(descriptor_.name, id);
    }
    if (fault == Fault::kHangAfter) return Hang(context);
    if (fault == Fault::kUnknownAfter) return Outcome::Unknown("ReplyLost", "the line broke");
    if (fault == Fault::kFailDirty) return Outcome::Failed("Broken", "it broke half way");
    return outcome;
  }

  Outcome Probe(const HookContext& context) override {
    if (world_->Next(context.sandbox.value, descriptor_.name + ".probe") != Fault::kNone) {
      return Outcome::Probed(Verdict::kCannotTell);
    }
    if (!world_->Has(descriptor_.name, context.sandbox.value)) {
      return Outcome::Probed(Verdict::kAbsent);
    }
    return Present(context.sandbox.value);
  }

  absl::StatusOr<std::vector<extensions::OwnedResource>> ListOwned() override {
    std::vector<extensions::OwnedResource> all;
    for (const auto& owned : world_->Owned()) {
      if (owned.resource.kind != descriptor_.name) continue;
      all.push_back({owned.owner.sandbox, owned.owner.generation, owned.resource});
    }
    return all;
  }

 private:
  Outcome Present(const std::string& id) const {
    Outcome outcome = Outcome::Probed(Verdict::kPresent, {{descriptor_.name, id, id}});
    outcome.env["SIM_" + descriptor_.name] = id;
    outcome.state = model::StateBlob{1, id};
    return outcome;
  }

  // Until the deadline: the chain has written the thread off by then.
  static Outcome Hang(const HookContext& context) {
    std::mutex mu;
    std::condition_variable never;
    std::unique_lock lock(mu);
    never.wait_until(lock, context.deadline + std::chrono::milliseconds(20));
    return Outcome::Unknown("TooLate", "");
  }

  std::shared_ptr<SimWorld> world_;
  extensions::Descriptor descriptor_;
};

}  // namespace

std::unique_ptr<extensions::Extension> MakeSimExtension(std::string name,
                                                        std::shared_ptr<SimWorld> world) {
  return std::make_unique<SimExtension>(std::move(name), std::move(world));
}

}  // namespace holdfast::simulation
