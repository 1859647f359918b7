// SPDX-License-Identifier: Apache-2.0
#include "tools/holdfast/submit.h"

#include <string>
#include <utility>

#include "fmt/format.h"
#include "tools/client/json.h"
#include "tools/client/render.h"
#include "tools/client/table.h"
#include "tools/holdfast/arguments.h"

namespace holdfast::command_line {
namespace {

using lifecycle::v1::SubmitResponse;

// The operation's kind is known from its end, or from the sandbox while it goes on.
std::string OperationName(const SubmitResponse& response) {
  std::string kind = response.result().kind();
  if (kind.empty() && response.sandbox().operation().id() == response.operation()) {
    kind = response.sandbox().operation().kind();
  }
  return fmt::format("{} #{}", kind.empty() ? "operation" : kind, response.operation());
}

int Tell(const SubmitResponse& response, bool waited, const Context& context) {
  const auto& sandbox = response.sandbox();
  const auto& result = response.result();
  if (context.json()) {
    client::PrintJson(client::ToJson(response), context.output, context.out());
  } else {
    const std::string how = result.finished() ? result.result() : waited ? "Stuck" : "accepted";
    context.out() << fmt::format("{}: {} {}, state {}\n", sandbox.id(), OperationName(response),
                                 how, sandbox.state());
  }
  if (!result.finished() && !waited) return client::kExitOk;
  if (result.result() == "Succeeded") return client::kExitOk;
  // Of a stuck sandbox, the reason is that of the state.
  std::string note = result.finished() ? client::Note(result.reason(), result.message())
                                       : client::Note(sandbox.reason(), sandbox.message());
  if (!note.empty()) note = ": " + client::OneLine(note);
  context.surroundings.err << fmt::format("{}: {} of {} {}{} (see: journal-cli why {})\n", kProgram,
                                          OperationName(response), sandbox.id(),
                                          !result.finished() ? "is stuck and needs an operator"
                                          : result.result() == "Interrupted" ? "was interrupted"
                                                                             : "failed",
                                          note, sandbox.id());
  return client::kExitFailed;
}

int WaitAndTell(absl::StatusOr<SubmitResponse> submitted, const SubmitOptions& options,
                const Context& context) {
  if (!submitted.ok()) return context.Fail(submitted.status());
  // No operation: what was wished for was true already.
  const bool wait = !options.no_wait && submitted->operation() != 0;
  if (wait && !submitted->result().finished()) {
    context.progress.Show(submitted->sandbox());
    submitted = context.session.Await(*std::move(submitted));
    if (!submitted.ok()) return context.Fail(submitted.status());
  }
  return Tell(*submitted, wait, context);
}

}  // namespace

void AddSubmitOptions(CLI::App& verb, SubmitOptions& options) {
  verb.add_option("id", options.id, "The sandbox")->required()->type_name("");
  verb.add_option("--request-id", options.request_id,
                  "Names this command: sent again, it is the same one (default: random)")
      ->type_name("ID");
  verb.add_flag("--no-wait", options.no_wait, "Return when it is accepted and durable");
}

void AddEndOptions(CLI::App& verb, EndOptions& options, const std::string& force_help) {
  CLI::Option* grace =
      verb.add_option("--grace", options.grace, "Between asking and killing (default: 10s)")
          ->check(client::IsDuration())
          ->type_name("DURATION");
  verb.add_flag("--force", options.force, force_help)->excludes(grace);
}

int SubmitAndTell(lifecycle::v1::SubmitRequest request, const SubmitOptions& options,
                  const Context& context) {
  request.set_sandbox_id(options.id);
  request.set_request_id(options.request_id.empty() ? RandomRequestId() : options.request_id);
  return WaitAndTell(context.session.Submit(request), options, context);
}

int RepairAndTell(lifecycle::v1::RepairRequest request, const SubmitOptions& options,
                  const Context& context) {
  request.set_sandbox_id(options.id);
  request.set_request_id(options.request_id.empty() ? RandomRequestId() : options.request_id);
  // The step that the operator sees parked now, and no other that may be parked by the time it is
  // sent again. Where it cannot be seen, the repair itself says why.
  if (const auto seen = context.session.Get(options.id); seen.ok() && seen->has_current()) {
    request.set_intent(seen->current().intent());
  }
  return WaitAndTell(context.session.Repair(request), options, context);
}

}  // namespace holdfast::command_line
