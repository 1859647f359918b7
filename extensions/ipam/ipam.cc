// SPDX-License-Identifier: Apache-2.0
#include "extensions/ipam/ipam.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "extensions/ipam/address_range.h"
#include "extensions/ipam/lease_store.h"
#include "statemachine/model/action.h"
#include "support/status_macros.h"

namespace holdfast::extensions {
namespace {

namespace action = model::action;
using ipam::AddressRange;
using ipam::FormatAddress;
using ipam::Lease;
using ipam::LeaseStore;
using ipam::Snapshot;
using model::Outcome;
using model::Verdict;

constexpr std::uint32_t kStateSchema = 1;
constexpr std::string_view kLeaseKind = "lease";

bool IsPoolName(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string Text(const absl::Status& status) { return std::string(status.message()); }

bool IsOf(const Lease& lease, const HookContext& context) {
  return lease.sandbox == context.sandbox && lease.generation == context.generation;
}

const Lease* FindByKey(const Snapshot& snapshot, const HookContext& context) {
  const auto at = std::find_if(
      snapshot.leases.begin(), snapshot.leases.end(),
      [&](const Lease& lease) { return IsOf(lease, context) && lease.key == context.key; });
  return at == snapshot.leases.end() ? nullptr : &*at;
}

// FNV-1a, 32 bit. Spreads the sandboxes over the pool, so that creates at the same time rarely want
// the same address first.
std::uint64_t StartPoint(std::string_view sandbox) {
  std::uint32_t hash = 0x811c9dc5U;
  for (const char c : sandbox) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
  return hash;
}

class IpamExtension final : public Extension {
 public:
  IpamExtension(IpamConfig config, AddressRange range, std::string directory)
      : config_(std::move(config)), range_(range), directory_(std::move(directory)) {
    descriptor_.name = config_.name;
    descriptor_.version = "1";
    descriptor_.hooks = {std::string(action::kBeforeLaunch),
                         std::string(action::kAfterLaunchFailed),
                         std::string(action::kAfterDelete)};
    descriptor_.state_schema_version = kStateSchema;
    descriptor_.resource_families = {std::string(kLeaseKind)};
  }

  const Descriptor& descriptor() const override { return descriptor_; }

  model::StepClaims ClaimsOfBeforeLaunch(const HookContext& context) override {
    model::StepClaims claims;
    claims.claims.push_back(
        {.kind = std::string(kLeaseKind), .name = ResourceName(context.sandbox)});
    claims.undo_args = nlohmann::json{{"directory", directory_}, {"pool", config_.pool}}.dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace);
    return claims;
  }

  Outcome Run(const HookContext& context) override {
    if (context.hook == action::kBeforeLaunch) return Allocate(context);
    if (context.hook == action::kAfterLaunchFailed || context.hook == action::kAfterDelete) {
      return Release(context);
    }
    return Outcome::Done();
  }

  Outcome Probe(const HookContext& context) override {
    for (const LeaseStore& store : StoresOf(context)) {
      const auto lock = store.Lock(context.sandbox, context.deadline);
      if (!lock.ok()) return CannotTell(lock.status());
      const auto snapshot = store.Scan();
      if (!snapshot.ok()) return CannotTell(snapshot.status());
      const Lease* lease = FindByKey(*snapshot, context);
      if (lease == nullptr) continue;
      // Whoever made it may have died before it was durable.
      if (auto status = store.Sync(); !status.ok()) return CannotTell(status);
      Outcome present = Answer(context.sandbox, lease->address);
      present.verdict = Verdict::kPresent;
      return present;
    }
    return Outcome::Probed(Verdict::kAbsent);
  }

  absl::StatusOr<std::vector<OwnedResource>> ListOwned() override {
    HF_ASSIGN_OR_RETURN(const Snapshot snapshot, LeaseStore(directory_, config_.pool).Scan());
    std::vector<OwnedResource> owned;
    for (const Lease& lease : snapshot.leases) {
      owned.push_back({.sandbox = lease.sandbox,
                       .generation = lease.generation,
                       .resource = ResourceOf(lease.sandbox, lease.address)});
    }
    return owned;
  }

 private:
  std::string ResourceName(const model::SandboxId& sandbox) const {
    return config_.pool + "/" + sandbox.value;
  }

  model::Resource ResourceOf(const model::SandboxId& sandbox, std::uint32_t address) const {
    return {.kind = std::string(kLeaseKind),
            .name = ResourceName(sandbox),
            .handle = FormatAddress(address)};
  }

  // The answer of before_launch; follows from the lease alone.
  Outcome Answer(const model::SandboxId& sandbox, std::uint32_t address) const {
    Outcome done = Outcome::Done();
    const std::string text = FormatAddress(address);
    done.resources = {ResourceOf(sandbox, address)};
    done.env = {{"HOLDFAST_IP", text}, {"HOLDFAST_IP_POOL", config_.pool}};
    done.state = model::StateBlob{.schema_version = kStateSchema,
                                  .bytes = nlohmann::json{{"address", text}}.dump()};
    return done;
  }

  // Where the step's lease may be: as its undo says, for the configuration may have changed since;
  // and as the configuration says, for it may have changed between two attempts of the step.
  std::vector<LeaseStore> StoresOf(const HookContext& context) const {
    std::vector<LeaseStore> stores;
    const auto args = nlohmann::json::parse(context.undo_args, nullptr, /*allow_exceptions=*/false);
    if (args.is_object() && args.contains("directory") && args["directory"].is_string() &&
        args.contains("pool") && args["pool"].is_string()) {
      stores.emplace_back(args["directory"].get<std::string>(), args["pool"].get<std::string>());
    }
    if (stores.empty() || stores.front().directory() != directory_) {
      stores.emplace_back(directory_, config_.pool);
    }
    return stores;
  }

  static Outcome CannotTell(const absl::Status& status) {
    Outcome outcome = Outcome::Probed(Verdict::kCannotTell);
    outcome.reason = "PoolUnreadable";
    outcome.message = Text(status);
    return outcome;
  }

  // Nothing was made by this attempt; what earlier ones made is not known when it could not look.
  static Outcome NotAllocated(const absl::Status& status, bool looked, const HookContext& context) {
    Outcome outcome = Outcome::Failed("PoolUnavailable", Text(status));
    outcome.retryable = true;
    outcome.no_effect = looked || context.attempt <= 1;
    return outcome;
  }

  Outcome Allocate(const HookContext& context) const {
    const LeaseStore store(directory_, config_.pool);
    const auto lock = store.Lock(context.sandbox, context.deadline);
    if (!lock.ok()) return NotAllocated(lock.status(), /*looked=*/false, context);
    if (auto status = store.RemoveUnfinished(context.sandbox, context.generation); !status.ok()) {
      return NotAllocated(status, /*looked=*/false, context);
    }
    const auto snapshot = store.Scan();
    if (!snapshot.ok()) return NotAllocated(snapshot.status(), /*looked=*/false, context);
    if (const Lease* lease = FindByKey(*snapshot, context)) {
      if (auto status = store.Sync(); !status.ok()) {
        return Outcome::Unknown("LeaseNotSynced", Text(status));
      }
      return Answer(context.sandbox, lease->address);
    }

    const std::uint64_t start = StartPoint(context.sandbox.value);
    std::uint64_t offset = 0;
    const auto next_candidate = [&]() -> std::optional<std::uint32_t> {
      while (offset < range_.size()) {
        const std::uint32_t address = range_.At(start + offset++);
        if (!snapshot->taken.contains(address)) return address;
      }
      return std::nullopt;
    };
    const auto address = store.Take({.address = 0,
                                     .sandbox = context.sandbox,
                                     .generation = context.generation,
                                     .key = std::string(context.key)},
                                    context.deadline, next_candidate);
    if (!address.ok()) {
      if (address.status().code() == absl::StatusCode::kDataLoss) {
        return Outcome::Unknown("LeaseNotSynced", Text(address.status()));
      }
      return NotAllocated(address.status(), /*looked=*/true, context);
    }
    if (!*address) return PoolExhausted(*snapshot);
    return Answer(context.sandbox, **address);
  }

  Outcome PoolExhausted(const Snapshot& snapshot) const {
    Outcome outcome = Outcome::Failed(
        "PoolExhausted",
        fmt::format("pool '{}' ({}) has no free address: {} of its {} are taken, {} by leases in "
                    "{}; delete sandboxes, or configure a larger range",
                    config_.pool, config_.range, range_.size(), range_.size(),
                    snapshot.leases.size(), directory_));
    outcome.no_effect = true;
    return outcome;
  }

  Outcome Release(const HookContext& context) const {
    for (const LeaseStore& store : StoresOf(context)) {
      if (auto released = ReleaseIn(store, context); !released.ok()) {
        return Outcome::Unknown("PoolUnreadable", Text(released));
      }
    }
    return Outcome::Done();
  }

  static absl::Status ReleaseIn(const LeaseStore& store, const HookContext& context) {
    HF_ASSIGN_OR_RETURN(const auto lock, store.Lock(context.sandbox, context.deadline));
    HF_RETURN_IF_ERROR(store.RemoveUnfinished(context.sandbox, context.generation));
    HF_ASSIGN_OR_RETURN(const Snapshot snapshot, store.Scan());
    for (const Lease& lease : snapshot.leases) {
      if (IsOf(lease, context)) HF_RETURN_IF_ERROR(store.Remove(lease));
    }
    // Also when there was none: whoever removed it may have died before that was durable.
    return store.Sync();
  }

  const IpamConfig config_;
  const AddressRange range_;
  const std::string directory_;
  Descriptor descriptor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Extension>> MakeIpamExtension(IpamConfig config) {
  if (!IsPoolName(config.pool)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a name of a pool; names are 1 to 63 of [a-z0-9-]", config.pool));
  }
  // It is journaled with the undo, hence the characters.
  if (!config.state_dir.starts_with('/') ||
      !std::all_of(config.state_dir.begin(), config.state_dir.end(),
                   [](char c) { return c >= 0x20 && c < 0x7f; })) {
    return absl::InvalidArgumentError(fmt::format(
        "state_dir '{}' is not an absolute path of printable ASCII characters", config.state_dir));
  }
  HF_ASSIGN_OR_RETURN(const AddressRange range, ipam::ParseAddressRange(config.range));
  std::string directory = config.state_dir + "/" + config.pool;
  HF_RETURN_IF_ERROR(LeaseStore(directory, config.pool).Prepare());
  return std::unique_ptr<Extension>(
      std::make_unique<IpamExtension>(std::move(config), range, std::move(directory)));
}

}  // namespace holdfast::extensions
