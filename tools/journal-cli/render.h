// SPDX-License-Identifier: Apache-2.0
//
// journal-cli's own answers as text for people; those it shares are in tools/client/render.h. Pure:
// the same answer is the same bytes. UTC times, nothing cut, no colour.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "tools/journal-cli/leaks.h"

namespace holdfast::journal_cli {

std::string RenderHistory(const std::vector<lifecycle::v1::HistoryEntry>& entries);
std::string RenderLedger(const std::vector<lifecycle::v1::LedgerEntry>& entries);
std::string RenderLeaks(const std::vector<Leak>& leaks);
std::string RenderWhy(const lifecycle::v1::WhyResponse& why);
std::string RenderVerify(const lifecycle::v1::VerifyResponse& report);

// The states that a history went through, in order, the first one named too.
std::vector<std::string> PathOf(const std::vector<lifecycle::v1::HistoryEntry>& entries);
// The diagram with the states of `path` marked and the path in a comment.
std::string MarkPath(std::string diagram, std::string_view format, std::string_view id,
                     const std::vector<std::string>& path);

}  // namespace holdfast::journal_cli
