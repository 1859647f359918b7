// SPDX-License-Identifier: Apache-2.0
//
// journal-cli verify [--deep | --quick | --against CHECKPOINT]
//
// Reads every record and checks checksums, hash chains, order and the journal's own tables; quick,
// only what a restart would read. Against a checkpoint, it also proves that nothing up to there was
// changed; that is read from the file itself, whoever answers.
// Exit codes: 0 sound, and as the checkpoint says; 4 damaged, each damage with its sandbox,
// sequence and position, or not what the checkpoint says; 1 that is no checkpoint.
#include <fstream>
#include <memory>
#include <string>

#include "fmt/format.h"
#include "journal/checkpoint.h"
#include "tools/client/json.h"
#include "tools/journal-cli/command.h"
#include "tools/journal-cli/render.h"
#include "tools/views/convert.h"

namespace holdfast::journal_cli {
namespace {

struct Words {
  bool deep = false;  // the default; to be said aloud
  bool quick = false;
  std::string against;  // a checkpoint, or a file that holds one
};

// The line that was given, or the first such line of the file that was named.
absl::StatusOr<journal::Checkpoint> FindCheckpoint(const std::string& given) {
  if (given.starts_with(journal::kCheckpointMark)) return journal::ParseCheckpoint(given);
  std::ifstream file(given);
  if (!file) return absl::InvalidArgumentError(fmt::format("{} is neither", given));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(journal::kCheckpointMark)) return journal::ParseCheckpoint(line);
  }
  return absl::InvalidArgumentError(fmt::format("the file {} holds none", given));
}

int RunAgainst(const Context& context, const std::string& against) {
  const absl::StatusOr<journal::Checkpoint> checkpoint = FindCheckpoint(against);
  if (!checkpoint.ok()) {
    context.surroundings.err << kProgram << ": --against takes a checkpoint or a file with one: "
                             << std::string(checkpoint.status().message()) << "\n";
    return client::kExitUsage;
  }
  const absl::StatusOr<std::string> path = context.source.JournalPath();
  if (!path.ok()) return context.Fail(path.status());
  const auto reader = journal::Reader::Open(*path);
  if (!reader.ok()) return context.Fail(reader.status());
  const absl::StatusOr<journal::CheckpointProof> proof = journal::Prove(**reader, *checkpoint);
  if (!proof.ok()) return context.Fail(proof.status());
  const auto report = views::VerifyToProto(proof->verified);
  if (context.json()) {
    client::Json document = client::ToJson(report);
    document["against"] = journal::FormatCheckpoint(*checkpoint);
    document["holds"] = proof->holds;
    document["message"] = proof->message;
    client::PrintJson(document, context.output, context.out());
  } else {
    context.out() << RenderVerify(report) << proof->message << "\n";
  }
  return proof->holds ? client::kExitOk : client::kExitIntegrity;
}

int Run(const Context& context, const Words& words) {
  if (!words.against.empty() && words.quick) {
    context.surroundings.err << kProgram
                             << ": --against reads every record, and so excludes --quick\n";
    return client::kExitUsage;
  }
  if (!words.against.empty()) return RunAgainst(context, words.against);
  lifecycle::v1::VerifyRequest request;
  request.set_quick(words.quick);
  const auto report = context.source.Verify(request);
  if (!report.ok()) return context.Fail(report.status());
  if (context.json()) {
    client::PrintJson(client::ToJson(*report), context.output, context.out());
  } else {
    context.out() << RenderVerify(*report);
  }
  return report->damages().empty() ? client::kExitOk : client::kExitIntegrity;
}

}  // namespace

Command AddVerify(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("verify", "Check that every record is as it was written");
  const auto words = std::make_shared<Words>();
  CLI::Option* quick = verb->add_flag("--quick", words->quick, "Only what a restart would read");
  verb->add_flag("--deep", words->deep, "Every record, which is the default")->excludes(quick);
  verb->add_option("--against", words->against,
                   "Also prove that nothing was changed since this checkpoint, or the one in this\n"
                   "file, was made")
      ->type_name("CHECKPOINT");
  return {verb, [words](const Context& context) { return Run(context, *words); }};
}

}  // namespace holdfast::journal_cli
