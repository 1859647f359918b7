// SPDX-License-Identifier: Apache-2.0
#include "extensions/chain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "extensions/answer.h"
#include "extensions/chain_impl.h"
#include "extensions/plan_builder.h"
#include "extensions/text.h"
#include "statemachine/model/action.h"
#include "support/status_macros.h"

namespace holdfast::extensions {
namespace {

namespace action = model::action;

constexpr std::string_view kValidate = "validate";
constexpr std::string_view kConfigureLaunch = "configure_launch";

bool IsKnownHook(std::string_view hook) {
  constexpr auto kHooks = std::to_array<std::string_view>(
      {kValidate, kConfigureLaunch, action::kBeforeLaunch, action::kAfterLaunchSucceeded,
       action::kAfterLaunchFailed, action::kBeforeStop, action::kAfterStop, action::kBeforeStart,
       action::kAfterStart, action::kBeforeDelete, action::kAfterDelete});
  return std::find(kHooks.begin(), kHooks.end(), hook) != kHooks.end();
}

bool Has(const Descriptor& descriptor, std::string_view hook) {
  return descriptor.hooks.contains(std::string(hook));
}

absl::Status CheckDescriptor(const Descriptor& descriptor) {
  if (!IsExtensionName(descriptor.name)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a name of an extension; names are 1 to 63 of [a-z0-9-]",
                    CleanText(descriptor.name, 80)));
  }
  for (const std::string& hook : descriptor.hooks) {
    if (!IsKnownHook(hook)) {
      return absl::InvalidArgumentError(fmt::format("extension '{}' declares the unknown hook '{}'",
                                                    descriptor.name, CleanText(hook, 80)));
    }
  }
  // Its leases would be journaled and could never be released.
  if (Has(descriptor, action::kBeforeLaunch) && !descriptor.resource_families.empty() &&
      !(Has(descriptor, action::kAfterLaunchFailed) && Has(descriptor, action::kAfterDelete))) {
    return absl::InvalidArgumentError(fmt::format(
        "extension '{}' makes resources in before_launch but lacks after_launch_failed or "
        "after_delete, which release them",
        descriptor.name));
  }
  return absl::OkStatus();
}

absl::Status CheckFeatures(const Descriptor& descriptor, std::string_view driver,
                           const std::set<std::string>& features) {
  std::vector<std::string> missing;
  std::set_difference(descriptor.required_features.begin(), descriptor.required_features.end(),
                      features.begin(), features.end(), std::back_inserter(missing));
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("extension '{}' requires {}, which driver '{}' does not offer", descriptor.name,
                  fmt::join(missing, ", "), driver));
}

absl::Status NotConfigured(std::string_view extension) {
  return absl::FailedPreconditionError(
      fmt::format("extension '{}' is not configured any more", extension));
}

absl::Status Attributed(std::string_view extension, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      fmt::format("extension '{}': {}", extension,
                                  CleanText(std::string(status.message()), kMessageBytesMax)));
}

// What the contexts of one request's calls point to; owned by each call.
struct Request {
  model::SandboxId sandbox;
  model::Generation generation;
  model::SandboxSpec spec;
  PlanLimits limits;

  HookContext Context(std::string_view hook, std::chrono::milliseconds deadline) const {
    HookContext context;
    context.sandbox = sandbox;
    context.generation = generation;
    context.spec = &spec;
    context.hook = hook;
    context.deadline = std::chrono::steady_clock::now() + deadline;
    return context;
  }
};

}  // namespace

ExtensionChain::ExtensionChain(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExtensionChain::~ExtensionChain() = default;

absl::StatusOr<std::unique_ptr<ExtensionChain>> ExtensionChain::Make(std::vector<ChainItem> items,
                                                                     PlanLimits limits,
                                                                     HookLimits hook_limits) {
  auto impl = std::make_unique<Impl>();
  impl->limits = std::move(limits);
  for (ChainItem& item : items) {
    if (item.extension == nullptr) {
      return absl::InvalidArgumentError("a line of the extension list has no extension");
    }
    const Descriptor& descriptor = item.extension->descriptor();
    HF_RETURN_IF_ERROR(CheckDescriptor(descriptor));
    if (impl->Find(descriptor.name) != nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("extension '{}' is listed twice", descriptor.name));
    }
    if (item.activation_key.empty()) item.activation_key = descriptor.name;
    if (!IsLabelName(item.activation_key)) {
      return absl::InvalidArgumentError(
          fmt::format("extension '{}': '{}' cannot be part of a label's name", descriptor.name,
                      CleanText(item.activation_key, 80)));
    }
    if (item.deadline <= std::chrono::milliseconds(0)) {
      return absl::InvalidArgumentError(
          fmt::format("extension '{}': the deadline must be more than zero", descriptor.name));
    }
    Member& member = impl->members.emplace_back();
    member.participant = std::make_shared<Participant>();
    member.participant->descriptor = descriptor;
    member.participant->extension = std::move(item.extension);
    member.config_digest = std::move(item.config_digest);
    member.activation = {.extension = member.name(),
                         .global = item.global,
                         .key = std::move(item.activation_key),
                         .allowed_workspaces = std::move(item.allowed_workspaces)};
    member.on_failure = item.on_failure;
    member.deadline = item.deadline;
    member.runner = std::make_unique<HookRunner>(hook_limits);
  }
  return std::unique_ptr<ExtensionChain>(new ExtensionChain(std::move(impl)));
}

std::vector<const Descriptor*> ExtensionChain::descriptors() const {
  std::vector<const Descriptor*> all;
  for (const Member& member : impl_->members) all.push_back(&member.participant->descriptor);
  return all;
}

absl::Status ExtensionChain::CheckDriver(std::string_view driver,
                                         const std::set<std::string>& features) const {
  for (const Member& member : impl_->members) {
    if (!member.activation.global) continue;
    HF_RETURN_IF_ERROR(CheckFeatures(member.participant->descriptor, driver, features));
  }
  return absl::OkStatus();
}

absl::Status ExtensionChain::CheckDriver(std::string_view driver,
                                         const std::set<std::string>& features,
                                         const model::Chain& frozen) const {
  for (const model::ChainEntry& entry : frozen) {
    const Member* member = impl_->Find(entry.name);
    if (member == nullptr) return NotConfigured(entry.name);
    HF_RETURN_IF_ERROR(CheckFeatures(member->participant->descriptor, driver, features));
  }
  return absl::OkStatus();
}

absl::StatusOr<model::Chain> ExtensionChain::Activate(const model::SandboxSpec& spec) const {
  model::Chain frozen;
  for (const Member& member : impl_->members) {
    HF_ASSIGN_OR_RETURN(std::string why, Activation(member.activation, spec));
    if (why.empty()) continue;
    const Descriptor& descriptor = member.participant->descriptor;
    frozen.push_back({.name = descriptor.name,
                      .version = descriptor.version,
                      .config_digest = member.config_digest,
                      .activation = std::move(why),
                      .hooks = descriptor.hooks,
                      .on_failure = member.on_failure,
                      .deadline = member.deadline});
  }
  return frozen;
}

absl::Status ExtensionChain::Validate(const model::Chain& frozen, const model::SandboxId& sandbox,
                                      model::Generation generation,
                                      const model::SandboxSpec& spec) {
  const auto request = std::make_shared<const Request>(Request{sandbox, generation, spec, {}});
  for (const model::ChainEntry& entry : frozen) {
    Member* member = impl_->Find(entry.name);
    if (member == nullptr) return NotConfigured(entry.name);
    if (!Has(member->participant->descriptor, kValidate)) continue;
    HF_RETURN_IF_ERROR(Attributed(
        entry.name, CallAndWait<absl::Status>(
                        *member, kValidate, entry.deadline,
                        [request, deadline = entry.deadline](Extension& extension) {
                          return extension.Validate(request->Context(kValidate, deadline));
                        })));
  }
  return absl::OkStatus();
}

absl::StatusOr<model::LaunchPlan> ExtensionChain::ConfigureLaunch(
    const model::Chain& frozen, const model::SandboxId& sandbox, model::Generation generation,
    const model::SandboxSpec& spec, const std::function<std::string(std::string_view)>& key_of_step,
    model::LaunchPlan plan) {
  const auto request =
      std::make_shared<const Request>(Request{sandbox, generation, spec, impl_->limits});
  for (const model::ChainEntry& entry : frozen) {
    Member* member = impl_->Find(entry.name);
    if (member == nullptr) return NotConfigured(entry.name);
    if (!Has(member->participant->descriptor, kConfigureLaunch)) continue;
    auto changed = CallAndWait<absl::StatusOr<model::LaunchPlan>>(
        *member, kConfigureLaunch, entry.deadline,
        [request, name = entry.name, deadline = entry.deadline,
         mine = plan](Extension& extension) mutable -> absl::StatusOr<model::LaunchPlan> {
          BoundedPlanBuilder builder(name, request->spec, request->limits, mine);
          HookContext context = request->Context(kConfigureLaunch, deadline);
          context.plan = &mine;
          const absl::Status status = extension.ConfigureLaunch(context, builder);
          HF_RETURN_IF_ERROR(builder.first_error());
          HF_RETURN_IF_ERROR(status);
          return std::move(mine);
        });
    if (!changed.ok()) return Attributed(entry.name, changed.status());
    plan = *std::move(changed);
  }

  // Claims follow from the plan as all of them left it.
  const auto configured = std::make_shared<const model::LaunchPlan>(plan);
  for (const model::ChainEntry& entry : frozen) {
    Member* member = impl_->Find(entry.name);
    if (member == nullptr) return NotConfigured(entry.name);
    if (!Has(member->participant->descriptor, action::kBeforeLaunch)) continue;
    const std::string step = fmt::format("{}/{}", action::kBeforeLaunch, entry.name);
    auto claims = CallAndWait<absl::StatusOr<model::StepClaims>>(
        *member, action::kBeforeLaunch, entry.deadline,
        [request, configured, key = key_of_step(step),
         deadline = entry.deadline](Extension& extension) -> absl::StatusOr<model::StepClaims> {
          HookContext context = request->Context(action::kBeforeLaunch, deadline);
          context.plan = configured.get();
          context.key = key;
          return extension.ClaimsOfBeforeLaunch(context);
        });
    if (!claims.ok()) return Attributed(entry.name, claims.status());
    if (auto wrong = WhatIsWrongWith(claims->claims, claims->undo_args); !wrong.empty()) {
      return Attributed(entry.name, absl::InternalError("its claims cannot be kept: " + wrong));
    }
    claims->step = step;
    plan.claims.push_back(*std::move(claims));
  }
  return plan;
}

absl::StatusOr<std::vector<ExtensionChain::Owned>> ExtensionChain::ListOwned() {
  constexpr std::string_view kListing = "list owned";
  std::vector<Owned> all;
  for (Member& member : impl_->members) {
    auto owned = CallAndWait<absl::StatusOr<std::vector<OwnedResource>>>(
        member, kListing, member.deadline,
        [](Extension& extension) { return extension.ListOwned(); });
    if (!owned.ok()) return Attributed(member.name(), owned.status());
    for (OwnedResource& resource : *owned) {
      all.push_back({.extension = member.name(), .resource = std::move(resource)});
    }
  }
  return all;
}

}  // namespace holdfast::extensions
