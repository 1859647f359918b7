// SPDX-License-Identifier: Apache-2.0
//
// holdfast repair ID (--retry | --mark-released --note TEXT) [--request-id R] [--no-wait]
//
// Takes up what is parked in a Stuck sandbox. `journal-cli why ID` says which of the two fits.
// Exit codes: 0 the operation it was parked in succeeded; 2 no such sandbox; 3 it failed, or is
// Stuck again; 5 refused, or no gateway.
#include <memory>
#include <string>
#include <utility>

#include "tools/holdfast/submit.h"

namespace holdfast::command_line {
namespace {

struct Options {
  SubmitOptions submit;
  bool retry = false;
  bool mark_released = false;
  std::string note;
};

int Run(const Options& options, const Context& context) {
  lifecycle::v1::RepairRequest request;
  request.set_kind(options.retry ? lifecycle::v1::RepairRequest::RETRY
                                 : lifecycle::v1::RepairRequest::MARK_RELEASED);
  request.set_note(options.note);
  return RepairAndTell(std::move(request), options.submit, context);
}

}  // namespace

Command AddRepair(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("repair", "Take up what is parked in a Stuck sandbox");
  AddSubmitOptions(*verb, options->submit);
  CLI::Option* retry =
      verb->add_flag("--retry", options->retry, "Try the parked step again, with fresh attempts");
  CLI::Option* note =
      verb->add_option("--note", options->note, "Who says so, and why; kept in the journal")
          ->type_name("TEXT");
  verb->add_flag("--mark-released", options->mark_released,
                 "You attest that what the parked step concerns is not in the world")
      ->excludes(retry)
      ->needs(note);
  // One of the two, so that nothing is attested by default.
  verb->final_callback([options] {
    if (!options->retry && !options->mark_released) {
      throw CLI::RequiredError("--retry or --mark-released");
    }
  });
  return {verb, [options](const Context& context) { return Run(*options, context); }};
}

}  // namespace holdfast::command_line
