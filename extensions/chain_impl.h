// SPDX-License-Identifier: Apache-2.0
//
// What the chain's source files share: one configured extension with its threads, and how a call of
// it is guarded. Not for anybody else.
#pragma once

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "extensions/activation.h"
#include "extensions/chain.h"
#include "extensions/hook_runner.h"

namespace holdfast::extensions {

// What a call needs of the extension. Shared by the chain and by the calls, because a call that
// hangs outlives the chain.
struct Participant {
  std::unique_ptr<Extension> extension;
  Descriptor descriptor;  // as of the start: what the chain was checked with
};

struct Member {
  std::shared_ptr<Participant> participant;
  std::string config_digest;
  ActivationRule activation;
  model::FailurePolicy on_failure = model::FailurePolicy::kKeep;
  std::chrono::milliseconds deadline{0};
  std::unique_ptr<HookRunner> runner;

  const std::string& name() const { return participant->descriptor.name; }
};

class ExtensionChain::Impl {
 public:
  Member* Find(std::string_view name) {
    for (Member& member : members) {
      if (member.name() == name) return &member;
    }
    return nullptr;
  }

  std::vector<Member> members;  // in the operator's order; constant after Make
  PlanLimits limits;
};

// Calls `call` and turns what it throws into `on_throw(what)`.
template <typename Call, typename OnThrow>
auto Guarded(Call&& call, OnThrow&& on_throw) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& thrown) {
    return on_throw(std::string_view(thrown.what()));
  } catch (...) {
    return on_throw(std::string_view("something that is not a std::exception"));
  }
}

// Why there is no answer, as a status that names the extension.
absl::Status StatusOf(Miss miss, std::string_view extension, std::string_view hook);
// The same for people.
std::string MessageOf(Miss miss, std::string_view extension, std::string_view hook);
std::string MessageOfThrow(std::string_view extension, std::string_view hook,
                           std::string_view what);

// Runs `call` (a function of the extension that returns Answer, a Status or StatusOr) on the
// member's threads, and waits for it until its deadline. `call` must own whatever it uses.
template <typename Answer, typename Call>
Answer CallAndWait(Member& member, std::string_view hook, std::chrono::milliseconds deadline,
                   Call call) {
  auto promise = std::make_shared<std::promise<Answer>>();  // owned by work and missed, one is run
  auto answer = promise->get_future();
  const std::string name = member.name();
  HookRunner::Task task;
  task.work = [promise, name, hook = std::string(hook), participant = member.participant,
               call = std::move(call)]() mutable -> HookRunner::Delivery {
    auto result = Guarded([&]() -> Answer { return call(*participant->extension); },
                          [&](std::string_view what) -> Answer {
                            return absl::InternalError(MessageOfThrow(name, hook, what));
                          });
    return
        [promise, result = std::move(result)]() mutable { promise->set_value(std::move(result)); };
  };
  task.missed = [promise, name, hook = std::string(hook)](Miss miss) {
    promise->set_value(StatusOf(miss, name, hook));
  };
  task.deadline = std::chrono::steady_clock::now() + deadline;
  member.runner->Submit(std::move(task));
  return answer.get();
}

}  // namespace holdfast::extensions
