// SPDX-License-Identifier: Apache-2.0
#include "tests/tools/cli_fixture.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>
#include <variant>

#include "statemachine/codec/codec.h"
#include "statemachine/model/action.h"
#include "statemachine/planning/decide.h"
#include "statemachine/planning/fold.h"
#include "support/check.h"
#include "tools/journal-cli/run.h"

namespace holdfast::testing {
namespace {

namespace action = model::action;

model::StepClaims Claims(const std::string& step, const std::string& kind,
                         const std::string& name) {
  model::StepClaims claims;
  claims.step = step;
  claims.claims = {{kind, name}};
  claims.undo_args = "{}";
  return claims;
}

model::Outcome Fails(const std::string& reason, std::string_view message) {
  model::Outcome outcome = model::Outcome::Failed(reason, std::string(message));
  outcome.no_effect = true;
  return outcome;
}

}  // namespace

std::optional<model::Outcome> Obey(const model::StepIntended& step) {
  model::Outcome outcome = model::Outcome::Done();
  for (const model::ResourceClaim& claim : step.claims) {
    outcome.resources.push_back({claim.kind, claim.name, "handle-of-" + claim.name});
  }
  if (step.action == action::kPlan) {
    const std::string id = step.key.substr(0, step.key.find('/'));
    model::LaunchPlan plan;
    plan.backend = "local";
    plan.labels["holdfast.sandbox"] = id;
    plan.claims = {Claims("provision", "directory", id + "-1"),
                   Claims("start", "process", id + "-1"),
                   Claims("before_launch/ipam", "lease", id + "-1")};
    outcome.plan = plan;
  }
  return outcome;
}

model::CreateSandbox CreateWish(const std::string& id) {
  model::CreateSandbox wish;
  wish.spec.name = id;
  wish.spec.driver = "process";
  wish.spec.command = {"sleep", "600"};
  model::ChainEntry ipam;
  ipam.name = "ipam";
  ipam.version = "1";
  ipam.activation = "global";
  ipam.hooks = {std::string(action::kBeforeLaunch), std::string(action::kAfterLaunchFailed),
                std::string(action::kAfterDelete)};
  wish.chain = {ipam};
  return wish;
}

FixtureJournal::FixtureJournal(const std::string& path) {
  auto opened =
      journal::Journal::Open({.path = path, .owner = "fixture", .boot_id = "boot", .limits = {}});
  if (!opened.ok()) ADD_FAILURE() << opened.status();
  HF_CHECK(opened.ok());
  journal_ = *std::move(opened);
}

void FixtureJournal::Append(const std::string& id, const std::vector<model::Event>& events) {
  if (events.empty()) return;
  model::Sandbox& sandbox = sandboxes_[id];
  journal::Batch batch;
  batch.sandbox_id = id;
  batch.expected_sequence = sandbox.head.value;
  for (const model::Event& event : events) {
    const model::Recorded recorded{{sandbox.head.value + 1}, {now_}, event};
    batch.drafts.push_back(codec::Encode(event, {now_}));
    const absl::Status folded = planning::Fold(sandbox, recorded);
    if (!folded.ok()) ADD_FAILURE() << folded;
  }
  batch.projection = {std::string(model::Name(sandbox.state)), sandbox.live(), ""};
  const auto appended = journal_->Append(std::move(batch));
  if (!appended.ok()) ADD_FAILURE() << appended.status();
  now_ += 10;
}

void FixtureJournal::Submit(const std::string& id, const Answer& answer,
                            decltype(model::Command::wish) wish) {
  model::Sandbox& sandbox = sandboxes_[id];
  sandbox.id.value = id;
  const auto decision = planning::Decide(
      sandbox, {.sandbox = {id}, .request_id = "", .wish = std::move(wish)}, {}, {now_});
  if (!decision.ok()) ADD_FAILURE() << decision.status();
  HF_CHECK(decision.ok());
  EXPECT_EQ(decision->refusal, planning::Refusal::kNone) << decision->message;
  Append(id, decision->events);
  Work(id, answer);
}

void FixtureJournal::Work(const std::string& id, const Answer& answer) {
  const model::Sandbox& sandbox = sandboxes_[id];
  while (true) {
    const planning::Work work = planning::Due(sandbox);
    planning::Events events = std::vector<model::Event>();
    if (const auto* attempt = std::get_if<planning::Attempt>(&work)) {
      const auto outcome = answer(planning::FindStep(sandbox, attempt->intent)->what);
      if (!outcome) return;
      events = planning::OnAnswer(sandbox, attempt->intent, attempt->attempt, *outcome, {}, {now_});
    } else if (const auto* timer = std::get_if<planning::Timer>(&work)) {
      now_ = timer->due.value;
      events = planning::OnTimer(sandbox, timer->intent, timer->attempt, {}, {now_});
    } else {
      return;
    }
    if (!events.ok()) ADD_FAILURE() << events.status();
    HF_CHECK(events.ok() && !events->empty());
    Append(id, *events);
  }
}

void WriteFixture(const std::string& path) {
  FixtureJournal fixture(path);
  fixture.Submit("alpha", Obey, CreateWish("alpha"));
  fixture.Submit("bravo", Obey, CreateWish("bravo"));
  fixture.Submit(
      "charlie",
      [](const model::StepIntended& step) -> std::optional<model::Outcome> {
        if (step.action == action::kProvision) return Fails("DiskFull", kCharlieMessage);
        if (step.kind == model::StepKind::kUndo) {
          return model::Outcome::Failed("PoolUnreachable", "the pool does not answer");
        }
        return Obey(step);
      },
      CreateWish("charlie"));
  fixture.Submit("bravo", Obey, model::DeleteSandbox{});
  fixture.Submit(
      "delta",
      [](const model::StepIntended& step) -> std::optional<model::Outcome> {
        if (step.action == action::kProvision) return std::nullopt;
        return Obey(step);
      },
      CreateWish("delta"));
  const absl::Status closed = fixture.journal().Close();
  if (!closed.ok()) ADD_FAILURE() << closed;
}

Result RunProgram(Program program, std::vector<std::string> args,
                  std::map<std::string, std::string> environment) {
  std::ostringstream out;
  std::ostringstream err;
  client::Surroundings surroundings{
      .out = out,
      .err = err,
      .environment = [&environment](const char* name) -> const char* {
        const auto found = environment.find(name);
        return found == environment.end() ? nullptr : found->second.c_str();
      },
      .now = [] { return model::UnixMillis{kNowMillis}; },
  };
  const int code = program(std::move(args), surroundings);
  return {code, out.str(), err.str()};
}

Result FixtureCli::On(const std::string& journal, std::vector<std::string> args) {
  args.insert(args.begin(), {"--journal", journal});
  return RunProgram(journal_cli::Run, std::move(args));
}

Result FixtureCli::Online(std::vector<std::string> args) {
  args.insert(args.begin(), {"--socket", socket_});
  return RunProgram(journal_cli::Run, std::move(args));
}

void Damage(const std::string& path, std::string_view text) {
  std::string bytes = ReadFile(path);
  int found = 0;
  for (std::size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    ++found;
  }
  ASSERT_GT(found, 0) << text << " is not in " << path;
  WriteFile(path, bytes);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = std::string(HOLDFAST_GOLDEN_DIR) + "/" + name;
  if (const char* rewrite = std::getenv("HOLDFAST_REWRITE_GOLDEN");
      rewrite != nullptr && std::string_view(rewrite) == "1") {
    WriteFile(path, text);
    return;
  }
  EXPECT_EQ(text, ReadFile(path)) << "differs from " << path
                                  << "; if it should, run with HOLDFAST_REWRITE_GOLDEN=1";
}

}  // namespace holdfast::testing
