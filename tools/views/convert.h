// SPDX-License-Identifier: Apache-2.0
//
// The one translation between what the core knows and what the Lifecycle API says. The gateway and
// journal-cli both answer through it, so that a live answer and one from the bare file are the
// same. Pure.
#pragma once

#include <string_view>

#include "holdfast/lifecycle/v1/event.pb.h"
#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "journal/journal.h"
#include "journal/record.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/model/spec.h"
#include "statemachine/planning/explain.h"

namespace holdfast::views {

enum class Form {
  kFull,
  kShort,  // of lists: spec, chain, held and plan left out
};

lifecycle::v1::Sandbox SandboxToProto(const model::Sandbox& sandbox, Form form,
                                      std::string_view quarantine = {});

lifecycle::v1::SandboxSpec SpecToProto(const model::SandboxSpec& spec);
model::SandboxSpec SpecFromProto(const lifecycle::v1::SandboxSpec& spec);

lifecycle::v1::ChainEntry ChainEntryToProto(const model::ChainEntry& entry);
lifecycle::v1::LaunchPlan PlanToProto(const model::LaunchPlan& plan);
lifecycle::v1::StepStatus StepToProto(const model::Step& step);

lifecycle::v1::OperationStatus OperationToProto(const model::Operation& operation);
lifecycle::v1::OperationStatus OperationToProto(const model::FinishedOperation& operation);

// "held", "maybe", "released", "gone".
std::string_view Name(journal::LedgerStatus status);
lifecycle::v1::LedgerEntry LedgerToProto(const journal::LedgerRow& row,
                                         std::string_view sandbox_state);

lifecycle::v1::WhyResponse WhyToProto(const model::Sandbox& sandbox,
                                      const planning::Explanation& explanation);
// The whole answer to Why. A quarantined sandbox is explained by its quarantine.
lifecycle::v1::WhyResponse Why(const model::Sandbox& sandbox, std::string_view quarantine,
                               model::UnixMillis now);

lifecycle::v1::VerifyResponse VerifyToProto(const journal::VerifyReport& report);

}  // namespace holdfast::views
