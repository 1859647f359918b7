// SPDX-License-Identifier: Apache-2.0
//
// Persisted names of the small enums. A name, once released, is for ever.
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "statemachine/model/event.h"
#include "statemachine/model/outcome.h"
#include "statemachine/model/sandbox.h"

namespace holdfast::model {
namespace {

constexpr auto kVerdicts = std::to_array<std::string_view>(
    {"Done", "Failed", "Unknown", "Present", "Absent", "CannotTell"});
constexpr auto kOperationKinds =
    std::to_array<std::string_view>({"create", "start", "stop", "delete"});
constexpr auto kOperationResults =
    std::to_array<std::string_view>({"Succeeded", "Failed", "Interrupted"});
constexpr auto kStepPhases = std::to_array<std::string_view>(
    {"InFlight", "Probing", "WaitingRetry", "WaitingProbe", "Parked", "Held"});

template <typename Enum, std::size_t N>
std::optional<Enum> Find(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view Name(Verdict verdict) { return kVerdicts.at(static_cast<std::size_t>(verdict)); }
std::optional<Verdict> VerdictFromName(std::string_view name) {
  return Find<Verdict>(kVerdicts, name);
}

std::string_view Name(OperationKind kind) {
  return kOperationKinds.at(static_cast<std::size_t>(kind));
}
std::optional<OperationKind> OperationKindFromName(std::string_view name) {
  return Find<OperationKind>(kOperationKinds, name);
}

std::string_view Name(OperationResult result) {
  return kOperationResults.at(static_cast<std::size_t>(result));
}
std::optional<OperationResult> OperationResultFromName(std::string_view name) {
  return Find<OperationResult>(kOperationResults, name);
}

std::string_view Name(StepPhase phase) { return kStepPhases.at(static_cast<std::size_t>(phase)); }
std::optional<StepPhase> StepPhaseFromName(std::string_view name) {
  return Find<StepPhase>(kStepPhases, name);
}

std::string_view TypeName(const Event& event) {
  return std::visit(
      [](const auto& e) -> std::string_view {
        using T = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<T, SandboxRequested>) return "SandboxRequested";
        if constexpr (std::is_same_v<T, OperationAccepted>) return "OperationAccepted";
        if constexpr (std::is_same_v<T, OperationFinished>) return "OperationFinished";
        if constexpr (std::is_same_v<T, Transitioned>) return Name(e.trigger);
        if constexpr (std::is_same_v<T, StepIntended>) return "StepIntended";
        if constexpr (std::is_same_v<T, StepAnswered>) return "StepAnswered";
        if constexpr (std::is_same_v<T, StepRetryScheduled>) return "StepRetryScheduled";
        if constexpr (std::is_same_v<T, StepRetried>) return "StepRetried";
        if constexpr (std::is_same_v<T, StepSkipped>) return "StepSkipped";
        if constexpr (std::is_same_v<T, EffectVanished>) return "EffectVanished";
        if constexpr (std::is_same_v<T, AgreementChanged>) return "AgreementChanged";
      },
      event);
}

}  // namespace holdfast::model
