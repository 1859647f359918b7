// SPDX-License-Identifier: Apache-2.0
//
// The states of a sandbox's lifecycle, the triggers that move it, and its agreement with the world.
// One list each; names are persisted (never numbers), so a name, once released, is for ever.
// The moves themselves are in statemachine/lifecycle.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::model {

// clang-format off
// X(name, the situation in the world, and what ends it)
#define HOLDFAST_STATES(X)                                                                          \
  X(Requested,    "accepted and durable; nothing has been asked of anybody yet")                   \
  X(Validating,   "driver and extensions are being asked whether they can do it")                  \
  X(Planning,     "driver and extensions agree on what will be launched; no side effects")         \
  X(Preparing,    "extensions allocate what the launch needs, one after the other")                \
  X(Provisioning, "the driver makes what the workload needs; the workload does not run yet")       \
  X(Starting,     "the driver starts the workload")                                                \
  X(Running,      "the workload runs")                                                             \
  X(Stopping,     "the workload is being stopped; what it keeps stays")                            \
  X(Stopped,      "the workload does not run; everything it keeps is still there")                 \
  X(RollingBack,  "a failed operation is being undone, newest step first")                         \
  X(Failed,       "the sandbox could not be created; nothing of it is left")                       \
  X(Deleting,     "everything the sandbox holds is being released, newest first")                  \
  X(Deleted,      "nothing is left; terminal until the id is used again")                          \
  X(Stuck,        "a step can neither be finished nor undone without an operator")

// X(name, what happened)
#define HOLDFAST_TRIGGERS(X)                                                                        \
  X(ValidationStarted,  "the request is being checked")                                            \
  X(ValidationPassed,   "driver and extensions can do it")                                         \
  X(PlanResolved,       "the plan and its backend are fixed")                                      \
  X(ExtensionsPrepared, "every before_launch is done")                                             \
  X(Provisioned,        "the driver made what the workload needs")                                 \
  X(Started,            "the workload runs: the pivot of create and start")                        \
  X(StopRequested,      "a stop was accepted")                                                     \
  X(StopCompleted,      "the driver says that the workload does not run any more")                 \
  X(StartRequested,     "a start was accepted")                                                    \
  X(WorkloadExited,     "the workload ended by itself, or is gone")                                \
  X(OperationFailed,    "the operation cannot go forward before its pivot")                        \
  X(RollbackCompleted,  "everything the failed operation did is undone")                           \
  X(DeleteRequested,    "a delete was accepted")                                                   \
  X(DeleteCompleted,    "nothing is left")                                                         \
  X(WorkParked,         "a step needs an operator")                                                \
  X(RepairRequested,    "an operator asked to take the parked work up again")                      \
  X(SandboxRequested,   "the id of a deleted sandbox is used again")
// clang-format on

enum class State : std::uint8_t {
#define HOLDFAST_X(name, text) k##name,
  HOLDFAST_STATES(HOLDFAST_X)
#undef HOLDFAST_X
};

enum class Trigger : std::uint8_t {
#define HOLDFAST_X(name, text) k##name,
  HOLDFAST_TRIGGERS(HOLDFAST_X)
#undef HOLDFAST_X
};

// Whether the sandbox agrees with the world, as far as anybody looked. Independent of the state.
enum class Agreement : std::uint8_t { kConsistent, kReconciling, kDrifted };

std::string_view Name(State state);
std::string_view Describe(State state);
std::optional<State> StateFromName(std::string_view name);
std::string_view Name(Trigger trigger);
std::string_view Describe(Trigger trigger);
std::optional<Trigger> TriggerFromName(std::string_view name);
std::string_view Name(Agreement agreement);
std::optional<Agreement> AgreementFromName(std::string_view name);

}  // namespace holdfast::model
