// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "statemachine/engine/loading.h"
#include "statemachine/model/action.h"
#include "support/status_macros.h"

namespace holdfast::engine {
namespace {

using std::chrono::milliseconds;

// How long one driver may take to list what it owns before recovery goes on without it.
constexpr milliseconds kListDeadline{15'000};
constexpr std::size_t kPage = 1000;
constexpr std::size_t kFindingsMax = 1000;

// participant, sandbox, kind, name
using ThingKey = std::tuple<std::string, std::string, std::string, std::string>;

class Recovery {
 public:
  Recovery(journal::Journal& journal, Participants& participants, Lanes& lanes,
           const Options& options, std::vector<model::SandboxId> live)
      : journal_(journal),
        participants_(participants),
        lanes_(lanes),
        options_(options),
        live_(std::move(live)) {}

  StartupReport Run(const std::function<void()>& loaded) {
    const auto began = std::chrono::steady_clock::now();
    const std::string& boot_before = journal_.previous_ownership().boot_id;
    report_.host_rebooted =
        !boot_before.empty() && !options_.boot_id.empty() && boot_before != options_.boot_id;
    Load();
    Classify();
    loaded();
    CompareWithWorld();
    for (const model::SandboxId& id : live_) lanes_.Release(id);
    report_.took =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    return std::move(report_);
  }

 private:
  void Find(std::string finding) {
    if (report_.findings.size() < kFindingsMax) report_.findings.push_back(std::move(finding));
  }

  void Load() {
    std::mutex mu;  // of the findings
    LoadLive(journal_.reader(), live_,
             [&](const model::SandboxId& id, absl::StatusOr<Loaded> loaded) {
               if (loaded.ok() && !loaded->ignored.empty()) {
                 std::lock_guard lock(mu);
                 Find(fmt::format("sandbox '{}' was folded from its first record: {}", id.value,
                                  loaded->ignored));
               }
               lanes_.Adopt(id, std::move(loaded));
             });
  }

  // Every live sandbox is counted once.
  void Classify() {
    for (const model::SandboxId& id : live_) {
      ++report_.total;
      const auto found = lanes_.Find(id);
      if (!found) {  // its row says live, its records say otherwise
        ++report_.parked;
        Find(fmt::format("sandbox '{}' is listed as live but has no readable records", id.value));
        continue;
      }
      const model::Sandbox& sandbox = found->sandbox;
      if (!found->quarantine.empty()) {
        ++report_.parked;
        Find(fmt::format("sandbox '{}' is set aside: {}", id.value, found->quarantine));
      } else if (sandbox.state == model::State::kStuck) {
        ++report_.parked;
      } else if (!sandbox.operation) {
        ++report_.restored;
      } else if (sandbox.state == model::State::kRollingBack ||
                 sandbox.state == model::State::kDeleting) {
        ++report_.undone;
      } else {
        ++report_.resumed;
      }
    }
  }

  // What is there, by participant; a participant that could not be asked is left out, because not
  // knowing is not the same as nothing being there.
  void AskTheWorld() {
    std::vector<
        std::pair<std::string, std::future<absl::StatusOr<std::vector<drivers::OwnedResource>>>>>
        asked;
    for (drivers::Driver* driver : participants_.drivers()) {
      auto promise =
          std::make_shared<std::promise<absl::StatusOr<std::vector<drivers::OwnedResource>>>>();
      asked.emplace_back(driver->capabilities().name, promise->get_future());
      driver->ListOwned([promise](auto owned) { promise->set_value(std::move(owned)); });
    }
    for (auto& [name, answer] : asked) {
      if (answer.wait_for(kListDeadline) != std::future_status::ready) {
        Find(fmt::format("driver '{}' did not say in time what it owns", name));
        continue;
      }
      auto owned = answer.get();
      if (!owned.ok()) {
        Find(fmt::format("driver '{}' cannot say what it owns: {}", name,
                         std::string(owned.status().message())));
        continue;
      }
      for (const std::string& family : participants_.Find(name)->capabilities().resource_families) {
        answered_.emplace(name, family);
      }
      for (const auto& one : *owned) {
        world_.emplace(
            ThingKey{name, one.owner.sandbox.value, one.resource.kind, one.resource.name},
            one.resource.handle);
      }
    }
    auto owned = participants_.chain().ListOwned();
    if (!owned.ok()) {
      Find(fmt::format("the extensions cannot say what they own: {}",
                       std::string(owned.status().message())));
      return;
    }
    for (const auto* descriptor : participants_.chain().descriptors()) {
      for (const std::string& family : descriptor->resource_families) {
        answered_.emplace(descriptor->name, family);
      }
    }
    for (const auto& one : *owned) {
      world_.emplace(ThingKey{one.extension, one.resource.sandbox.value, one.resource.resource.kind,
                              one.resource.resource.name},
                     one.resource.resource.handle);
    }
  }

  void CompareWithWorld() {
    AskTheWorld();
    auto ledger = journal_.reader().ReadLedger("", /*all=*/false);
    if (!ledger.ok()) {
      Find(fmt::format("the ledger cannot be read: {}", std::string(ledger.status().message())));
      return;
    }
    std::set<std::string> live;
    for (const model::SandboxId& id : live_) live.insert(id.value);
    std::set<ThingKey> known;
    std::map<std::string, std::vector<const journal::LedgerRow*>> ghosts;
    for (const journal::LedgerRow& row : *ledger) {
      ThingKey key{row.participant, row.sandbox_id, row.kind, row.name};
      const bool there = world_.contains(key);
      known.insert(std::move(key));
      // What is served already was made after the world was asked.
      if (!live.contains(row.sandbox_id)) continue;
      // What may be there (and is not) is settled by the probe of its step; only what was held is
      // missed.
      if (there || row.status != journal::LedgerStatus::kHeld ||
          !answered_.contains({row.participant, row.kind})) {
        if (!there && row.status == journal::LedgerStatus::kHeld) unasked_.insert(row.sandbox_id);
        continue;
      }
      if (BeingReleased(row)) continue;
      ++report_.ghosts;
      Find(fmt::format("ghost: {} '{}' of sandbox '{}' ({}) is in the ledger and not in the world",
                       row.kind, row.name, row.sandbox_id, row.participant));
      ghosts[row.sandbox_id].push_back(&row);
    }
    for (const auto& [key, handle] : world_) {
      if (known.contains(key)) continue;
      const auto& [participant, sandbox, kind, name] = key;
      ++report_.orphans;
      Find(fmt::format("orphan: {} '{}' of sandbox '{}' ({}) is in the world and not in the ledger",
                       kind, name, sandbox, participant));
    }
    for (const model::SandboxId& id : live_) TellSandbox(id, ghosts);
  }

  // Whether its undo was under way when the process died: then it is no surprise that it is gone.
  bool BeingReleased(const journal::LedgerRow& row) {
    const auto found = lanes_.Find(model::SandboxId{row.sandbox_id});
    return found && found->sandbox.current &&
           found->sandbox.current->what.undoes == model::IntentId{row.intent};
  }

  // A sandbox hears of what it lost. A workload that is gone has ended; anything else is drift.
  void TellSandbox(const model::SandboxId& id,
                   const std::map<std::string, std::vector<const journal::LedgerRow*>>& ghosts) {
    const auto found = lanes_.Find(id);
    if (!found || !found->quarantine.empty()) return;
    const auto missed = ghosts.find(id.value);
    std::string drift;
    if (missed != ghosts.end()) {
      for (const journal::LedgerRow* row : missed->second) {
        const model::Step* step = planning::FindStep(found->sandbox, model::IntentId{row->intent});
        if (step != nullptr && step->what.action == model::action::kStart) {
          model::EffectVanished vanished;
          vanished.intent = step->intent;
          vanished.reason = report_.host_rebooted ? "HostRebooted" : "Lost";
          vanished.message = report_.host_rebooted
                                 ? "the host was restarted, and the workload with it"
                                 : "the workload is not in the world any more";
          lanes_.Post(id, VanishedInput{std::move(vanished)});
        } else {
          if (!drift.empty()) drift += "; ";
          drift += fmt::format("{} '{}' is missing", row->kind, row->name);
        }
      }
    }
    if (found->sandbox.operation) return;  // it is being worked at; what it misses comes out there
    // Not knowing is not agreement.
    if (drift.empty() && unasked_.contains(id.value)) return;
    const auto agreement =
        drift.empty() ? model::Agreement::kConsistent : model::Agreement::kDrifted;
    if (agreement != found->sandbox.agreement || drift != found->sandbox.agreement_message) {
      lanes_.Post(id, ComparedInput{agreement, drift});
    }
  }

  journal::Journal& journal_;
  Participants& participants_;
  Lanes& lanes_;
  const Options& options_;
  const std::vector<model::SandboxId> live_;
  StartupReport report_;
  std::map<ThingKey, std::string> world_;
  std::set<std::pair<std::string, std::string>> answered_;  // participant, family
  std::set<std::string> unasked_;  // sandboxes that hold what nobody could be asked about
};

}  // namespace

absl::StatusOr<std::vector<model::SandboxId>> HoldBackLive(journal::Journal& journal,
                                                           Lanes& lanes) {
  std::vector<model::SandboxId> live;
  std::string after;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const std::vector<journal::SandboxRow> page,
                        journal.reader().ListSandboxes(/*live_only=*/true, after, kPage));
    for (const journal::SandboxRow& row : page) {
      live.push_back(model::SandboxId{row.sandbox_id});
      lanes.HoldBack(live.back());
    }
    if (page.size() < kPage) return live;
    after = page.back().sandbox_id;
  }
}

StartupReport Recover(journal::Journal& journal, Participants& participants, Lanes& lanes,
                      const Options& options, std::vector<model::SandboxId> live,
                      const std::function<void()>& loaded) {
  return Recovery(journal, participants, lanes, options, std::move(live)).Run(loaded);
}

}  // namespace holdfast::engine
