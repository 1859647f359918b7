// SPDX-License-Identifier: Apache-2.0
//
// What the tests of ipam share: calls as the engine makes them, over a directory.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "extensions/ipam/ipam.h"

namespace holdfast::extensions {

// One process's ipam over a directory. Contexts live for one call.
class IpamUser {
  // First, for its result is deduced.
  template <typename Use>
  auto With(std::string_view hook, const std::string& sandbox, std::uint64_t generation,
            const std::string& undo_args, std::chrono::milliseconds deadline, Use use) {
    const model::SandboxSpec spec;
    const std::string key = sandbox + "/" + std::to_string(generation) + "/before_launch/ipam";
    HookContext context;
    context.sandbox = {sandbox};
    context.generation = {generation};
    context.spec = &spec;
    context.hook = hook;
    context.key = key;
    context.undo_args = undo_args;
    context.deadline = std::chrono::steady_clock::now() + deadline;
    return use(context);
  }

 public:
  explicit IpamUser(const std::string& state_dir,
                    const std::string& range = "10.70.0.10-10.70.0.13",
                    const std::string& pool = "lab") {
    auto made = MakeIpamExtension({.pool = pool, .range = range, .state_dir = state_dir});
    EXPECT_TRUE(made.ok()) << made.status();
    if (made.ok()) extension_ = *std::move(made);
  }

  model::Outcome Lease(const std::string& sandbox, std::uint64_t generation = 1,
                       std::chrono::milliseconds deadline = std::chrono::seconds(30)) {
    return With("before_launch", sandbox, generation, "", deadline,
                [&](const HookContext& context) { return extension_->Run(context); });
  }
  model::Outcome Release(const std::string& sandbox, std::uint64_t generation = 1,
                         const std::string& undo_args = "") {
    return With("after_delete", sandbox, generation, undo_args, std::chrono::seconds(30),
                [&](const HookContext& context) { return extension_->Run(context); });
  }
  model::Outcome Probe(const std::string& sandbox, std::uint64_t generation = 1,
                       const std::string& undo_args = "") {
    return With("before_launch", sandbox, generation, undo_args, std::chrono::seconds(30),
                [&](const HookContext& context) { return extension_->Probe(context); });
  }
  std::string UndoArgs() {
    return With("before_launch", "s1", 1, "", std::chrono::seconds(30),
                [&](const HookContext& context) {
                  return extension_->ClaimsOfBeforeLaunch(context).undo_args;
                });
  }
  std::vector<OwnedResource> Owned() {
    auto owned = extension_->ListOwned();
    EXPECT_TRUE(owned.ok()) << owned.status();
    return owned.ok() ? *std::move(owned) : std::vector<OwnedResource>{};
  }
  Extension& extension() { return *extension_; }

 private:
  std::unique_ptr<Extension> extension_;
};

// The leased address; empty when there is none.
inline std::string AddressOf(const model::Outcome& outcome) {
  const auto at = outcome.env.find("HOLDFAST_IP");
  return at == outcome.env.end() ? "" : at->second;
}

}  // namespace holdfast::extensions
