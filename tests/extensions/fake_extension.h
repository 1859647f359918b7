// SPDX-License-Identifier: Apache-2.0
//
// An extension whose hooks are what a test says, and a chain of such; for the chain's own tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "extensions/chain.h"

namespace holdfast::extensions {

// Written by hooks of any thread.
class CallLog {
 public:
  void Add(std::string call) {
    const std::lock_guard lock(mu_);
    calls_.push_back(std::move(call));
  }
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mu_);
    return calls_;
  }

 private:
  mutable std::mutex mu_;
  std::vector<std::string> calls_;
};

struct FakeHooks {
  std::function<absl::Status(const HookContext&)> validate;
  std::function<absl::Status(const HookContext&, PlanBuilder&)> configure;
  std::function<model::StepClaims(const HookContext&)> claims;
  std::function<model::Outcome(const HookContext&)> run;
  std::function<model::Outcome(const HookContext&)> probe;
  std::function<absl::StatusOr<std::vector<OwnedResource>>()> owned;
};

class FakeExtension final : public Extension {
 public:
  FakeExtension(Descriptor descriptor, FakeHooks hooks)
      : descriptor_(std::move(descriptor)), hooks_(std::move(hooks)) {}

  const Descriptor& descriptor() const override { return descriptor_; }
  absl::Status Validate(const HookContext& context) override {
    return hooks_.validate ? hooks_.validate(context) : absl::OkStatus();
  }
  absl::Status ConfigureLaunch(const HookContext& context, PlanBuilder& builder) override {
    return hooks_.configure ? hooks_.configure(context, builder) : absl::OkStatus();
  }
  model::StepClaims ClaimsOfBeforeLaunch(const HookContext& context) override {
    return hooks_.claims ? hooks_.claims(context) : model::StepClaims{};
  }
  model::Outcome Run(const HookContext& context) override {
    return hooks_.run ? hooks_.run(context) : model::Outcome::Done();
  }
  model::Outcome Probe(const HookContext& context) override {
    return hooks_.probe ? hooks_.probe(context) : Extension::Probe(context);
  }
  absl::StatusOr<std::vector<OwnedResource>> ListOwned() override {
    return hooks_.owned ? hooks_.owned() : Extension::ListOwned();
  }

 private:
  const Descriptor descriptor_;
  const FakeHooks hooks_;
};

inline std::set<std::string> AllHooks() {
  return {"validate",
          "configure_launch",
          "before_launch",
          "after_launch_succeeded",
          "after_launch_failed",
          "before_stop",
          "after_stop",
          "before_start",
          "after_start",
          "before_delete",
          "after_delete"};
}

inline ChainItem Fake(const std::string& name, FakeHooks hooks = {},
                      std::set<std::string> declared = AllHooks()) {
  ChainItem item;
  item.extension = std::make_unique<FakeExtension>(
      Descriptor{.name = name, .version = "1", .hooks = std::move(declared)}, std::move(hooks));
  return item;
}

template <typename... Items>
std::vector<ChainItem> List(Items&&... items) {
  std::vector<ChainItem> list;
  (list.push_back(std::forward<Items>(items)), ...);
  return list;
}

inline std::unique_ptr<ExtensionChain> MakeChain(std::vector<ChainItem> items,
                                                 PlanLimits limits = {},
                                                 HookLimits hook_limits = {}) {
  auto chain = ExtensionChain::Make(std::move(items), std::move(limits), hook_limits);
  EXPECT_TRUE(chain.ok()) << chain.status();
  return chain.ok() ? *std::move(chain) : nullptr;
}

inline HookCall Call(const std::string& extension, const std::string& hook,
                     std::chrono::milliseconds deadline = std::chrono::seconds(30)) {
  HookCall call;
  call.extension = extension;
  call.hook = hook;
  call.sandbox = {"s1"};
  call.generation = {1};
  call.key = "s1/1/" + hook + "/" + extension;
  call.deadline = std::chrono::steady_clock::now() + deadline;
  return call;
}

using FutureOutcome = std::future<model::Outcome>;

// The callback's answer, once it comes.
inline FutureOutcome Start(ExtensionChain& chain, HookCall call, bool probe = false) {
  auto promise = std::make_shared<std::promise<model::Outcome>>();
  auto answer = promise->get_future();
  StepCallback done = [promise](model::Outcome outcome) { promise->set_value(std::move(outcome)); };
  if (probe) {
    chain.Probe(std::move(call), std::move(done));
  } else {
    chain.Run(std::move(call), std::move(done));
  }
  return answer;
}

inline model::Outcome RunNow(ExtensionChain& chain, HookCall call) {
  return Start(chain, std::move(call)).get();
}
inline model::Outcome ProbeNow(ExtensionChain& chain, HookCall call) {
  return Start(chain, std::move(call), /*probe=*/true).get();
}

inline std::string KeyOfStep(std::string_view step) { return "s1/1/" + std::string(step); }

// Hooks hang at it until the test ends. Shared with them, for they may outlive the test's objects.
class Gate {
 public:
  Gate() : latch_(std::make_shared<std::latch>(1)) {}
  ~Gate() { Open(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void Open() {
    if (!std::exchange(opened_, true)) latch_->count_down();
  }
  std::function<void()> waiter() const {
    return [latch = latch_] { latch->wait(); };
  }

 private:
  const std::shared_ptr<std::latch> latch_;
  bool opened_ = false;
};

}  // namespace holdfast::extensions
