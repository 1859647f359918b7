// SPDX-License-Identifier: Apache-2.0
#include "drivers/process/look.h"

#include <poll.h>

#include <optional>
#include <set>
#include <string_view>

#include "fmt/format.h"
#include "statemachine/model/action.h"
#include "support/status_macros.h"

namespace holdfast::drivers::process {
namespace {

using model::Outcome;
using model::Verdict;

// A supervisor says who it is within milliseconds; on a host that is this slow nothing can be told.
constexpr int kLaunchLooks = 400;

absl::StatusOr<bool> AnyMarked(const Context& context, const Owner& owner) {
  HF_ASSIGN_OR_RETURN(const std::vector<MarkedProcess> marked,
                      FindMarked(context.store.MarkPrefix(), context.store.boot_id()));
  for (const MarkedProcess& one : marked) {
    if (context.store.OwnerOfMark(one) == owner) return true;
  }
  return false;
}

absl::StatusOr<std::optional<SandboxDirectory>> FindOurs(const Context& context,
                                                         const Owner& owner) {
  HF_ASSIGN_OR_RETURN(std::optional<SandboxDirectory> found, context.store.Find(owner.sandbox));
  if (found && !context.store.IsOurs(*found, owner)) found.reset();
  return found;
}

absl::StatusOr<Outcome> ProbeProvision(const Context& context, const Owner& owner) {
  HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found, FindOurs(context, owner));
  if (found) {
    return Outcome::Probed(Verdict::kPresent,
                           {context.store.DirectoryResource(owner, context.store.PathOf(owner))});
  }
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> tombstone,
                      context.store.FindTombstone(owner));
  if (tombstone) {
    return Outcome::Probed(Verdict::kPresent, {context.store.DirectoryResource(owner, *tombstone)});
  }
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> staging, context.store.FindStaging(owner));
  if (staging) return absl::UnavailableError(fmt::format("{} is half made", *staging));
  return Outcome::Probed(Verdict::kAbsent);
}

absl::StatusOr<std::optional<Outcome>> ProbeStart(const Context& context,
                                                  const ProbeRequest& request) {
  HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found,
                      FindOurs(context, request.owner));
  if (!found) return Outcome::Probed(Verdict::kAbsent);
  HF_ASSIGN_OR_RETURN(const Run run, context.store.LookAtRun(*found));
  if (run.phase == RunPhase::kLaunching) return std::nullopt;
  if (run.phase == RunPhase::kNone || run.supervisor.key != request.key) {
    return Outcome::Probed(Verdict::kAbsent);
  }
  // Whether it still runs is the watcher's news, not the start's.
  return Outcome::Probed(Verdict::kPresent,
                         {Store::ProcessResource(request.owner, run.supervisor.identity)});
}

absl::StatusOr<std::optional<Outcome>> ProbeStop(const Context& context, const Owner& owner) {
  HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found, FindOurs(context, owner));
  if (found) {
    HF_ASSIGN_OR_RETURN(const bool supervised, IsSupervised(found->fd.get()));
    if (supervised) return Outcome::Probed(Verdict::kAbsent);
  }
  HF_ASSIGN_OR_RETURN(const bool left, AnyMarked(context, owner));
  return Outcome::Probed(left ? Verdict::kAbsent : Verdict::kPresent);
}

absl::StatusOr<Outcome> ProbeDestroy(const Context& context, const Owner& owner) {
  HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found, FindOurs(context, owner));
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> tombstone,
                      context.store.FindTombstone(owner));
  HF_ASSIGN_OR_RETURN(const std::optional<std::string> staging, context.store.FindStaging(owner));
  HF_ASSIGN_OR_RETURN(const bool left, AnyMarked(context, owner));
  const bool gone = !found && !tombstone && !staging && !left;
  return Outcome::Probed(gone ? Verdict::kPresent : Verdict::kAbsent);
}

absl::StatusOr<std::optional<Outcome>> Probe(const Context& context, const ProbeRequest& request) {
  if (request.action == model::action::kProvision) return ProbeProvision(context, request.owner);
  if (request.action == model::action::kStart) return ProbeStart(context, request);
  if (request.action == model::action::kStop) return ProbeStop(context, request.owner);
  if (request.action == model::action::kDestroy) return ProbeDestroy(context, request.owner);
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is no step of the process driver", request.action));
}

// The identity of the sandbox's living supervisor, if it has one.
absl::StatusOr<std::optional<ProcessIdentity>> LivingSupervisor(const Context& context,
                                                                const Owner& owner) {
  for (int i = 0; i < kLaunchLooks; ++i) {
    HF_ASSIGN_OR_RETURN(const std::optional<SandboxDirectory> found, FindOurs(context, owner));
    if (!found) return std::nullopt;
    HF_ASSIGN_OR_RETURN(const Run run, context.store.LookAtRun(*found));
    if (run.phase == RunPhase::kRunning) return run.supervisor.identity;
    if (run.phase != RunPhase::kLaunching) return std::nullopt;
    poll(nullptr, 0, static_cast<int>(kLookAgain.count()));
  }
  return absl::UnavailableError(
      fmt::format("the supervisor of {} does not say who it is", owner.sandbox.value));
}

}  // namespace

std::optional<model::Outcome> ProbeOnce(const Context& context, const ProbeRequest& request) {
  absl::StatusOr<std::optional<model::Outcome>> answer = Probe(context, request);
  if (!answer.ok()) return CannotTell(answer.status());
  return *std::move(answer);
}

absl::StatusOr<std::vector<OwnedResource>> ListEverything(const Context& context) {
  HF_ASSIGN_OR_RETURN(std::vector<OwnedResource> owned, context.store.ListDirectories());
  std::set<Owner> owners, running;
  for (const OwnedResource& one : owned) owners.insert(one.owner);
  for (const Owner& owner : owners) {
    HF_ASSIGN_OR_RETURN(const std::optional<ProcessIdentity> identity,
                        LivingSupervisor(context, owner));
    if (!identity) continue;
    running.insert(owner);
    owned.push_back({owner, Store::ProcessResource(owner, *identity)});
  }
  // What lives without its supervisor, even where the directory is gone. One stands for all of it.
  HF_ASSIGN_OR_RETURN(const std::vector<MarkedProcess> marked,
                      FindMarked(context.store.MarkPrefix(), context.store.boot_id()));
  for (const MarkedProcess& one : marked) {
    const std::optional<Owner> owner = context.store.OwnerOfMark(one);
    if (!owner || !running.insert(*owner).second) continue;
    owned.push_back({*owner, Store::ProcessResource(*owner, one.identity)});
  }
  return owned;
}

}  // namespace holdfast::drivers::process
