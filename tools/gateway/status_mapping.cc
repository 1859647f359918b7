// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/status_mapping.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <string>

#include "support/check.h"

namespace holdfast::gateway {
namespace {

using openshell::compute::v1::DriverCondition;
using openshell::compute::v1::DriverSandboxStatus;

struct Row {
  model::State state;
  OpenShellView view;
};

constexpr bool kReady = true, kSuspended = true, kGoing = true, kTransient = true;
constexpr bool kNot = false;

using enum model::State;
// clang-format off
constexpr auto kTable = std::to_array<Row>({
    // state          ready   reason                   suspended    deleting   transient
    {kRequested,    {kNot,   "Starting",              kNot,        kNot,      kTransient}},
    {kValidating,   {kNot,   "Starting",              kNot,        kNot,      kTransient}},
    {kPlanning,     {kNot,   "Starting",              kNot,        kNot,      kTransient}},
    {kPreparing,    {kNot,   "DependenciesNotReady",  kNot,        kNot,      kTransient}},
    {kProvisioning, {kNot,   "Starting",              kNot,        kNot,      kTransient}},
    {kStarting,     {kNot,   "Starting",              kNot,        kNot,      kTransient}},
    {kRunning,      {kReady, "BackendReady",          kNot,        kNot,      kNot}},
    // OpenShell has no condition for "being stopped"; its own row says Stopping meanwhile.
    {kStopping,     {kNot,   "DependenciesNotReady",  kNot,        kNot,      kTransient}},
    // Both conditions: a row that OpenShell still has as Stopping converges by the second one.
    {kStopped,      {kNot,   "ContainerStopped",      kSuspended,  kNot,      kNot}},
    {kRollingBack,  {kNot,   "ReconcilerError",       kNot,        kNot,      kTransient}},
    {kFailed,       {kNot,   "CreateFailed",          kNot,        kNot,      kNot}},
    {kDeleting,     {kNot,   "Deleting",              kNot,        kGoing,    kNot}},
    {kDeleted,      {kNot,   "Deleted",               kNot,        kGoing,    kNot}},
    {kStuck,        {kNot,   "NeedsOperator",         kNot,        kNot,      kNot}},
});
// clang-format on

// Lower case; what an OpenShell gateway waits for.
constexpr auto kTransientReasons = std::to_array<std::string_view>(
    {"reconcilererror", "dependenciesnotready", "supervisornotconnected", "starting",
     "containerstarting", "containercreated", "healthcheckstarting", "inspectfailed"});

void AddCondition(DriverSandboxStatus& status, std::string_view type, bool is_true,
                  std::string_view reason, std::string_view message, model::UnixMillis since) {
  DriverCondition& condition = *status.add_conditions();
  condition.set_type(std::string(type));
  condition.set_status(is_true ? "True" : "False");
  condition.set_reason(std::string(reason));
  condition.set_message(std::string(message));
  const std::time_t seconds = static_cast<std::time_t>(since.value / 1000);
  condition.set_last_transition_time(
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), since.value % 1000));
  condition.mutable_transition_time()->set_seconds(seconds);
  condition.mutable_transition_time()->set_nanos(static_cast<std::int32_t>(since.value % 1000) *
                                                 1'000'000);
}

// A delete that waits for an operator is still a delete: OpenShell keeps its row as Deleting.
bool IsParkedDelete(const model::Sandbox& sandbox) {
  return sandbox.state == kStuck && sandbox.parked_in == model::State::kDeleting;
}

}  // namespace

const OpenShellView& ViewOf(model::State state) {
  const auto row = std::find_if(kTable.begin(), kTable.end(),
                                [state](const Row& r) { return r.state == state; });
  HF_CHECK(row != kTable.end());
  return row->view;
}

bool IsTransientReason(std::string_view reason) {
  std::string lower(reason);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kTransientReasons.begin(), kTransientReasons.end(), lower) !=
         kTransientReasons.end();
}

DriverSandboxStatus StatusOf(const model::Sandbox& sandbox, std::string_view quarantine) {
  DriverSandboxStatus status;
  status.set_sandbox_name(sandbox.spec.name);
  status.set_instance_id(fmt::format("{}.{}", sandbox.id.value, sandbox.generation.value));
  if (!quarantine.empty()) {
    AddCondition(status, "Ready", false, "RecordsUnreadable", quarantine, sandbox.changed);
    return status;
  }
  const OpenShellView& view = ViewOf(sandbox.state);
  // What went wrong is more useful than that something did, unless it would read as "not yet".
  const bool own_reason = !view.ready && !view.transient && !view.suspended && !view.deleting &&
                          !sandbox.reason.empty() && !IsTransientReason(sandbox.reason);
  status.set_deleting(view.deleting || IsParkedDelete(sandbox));
  if (view.suspended) {
    AddCondition(status, "Suspended", true, view.reason, sandbox.message, sandbox.state_since);
  }
  AddCondition(status, "Ready", view.ready, own_reason ? sandbox.reason : view.reason,
               sandbox.message, sandbox.state_since);
  return status;
}

}  // namespace holdfast::gateway
