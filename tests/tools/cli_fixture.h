// SPDX-License-Identifier: Apache-2.0
//
// What the command line tests stand on: a journal with four sandboxes, told through the real core
// so that every record is one that an engine would have written, at fixed times; a run of a program
// with its output; and golden files.
//
//   alpha    Running, with a lease of ipam
//   bravo    Deleted, nothing is left
//   charlie  Stuck: its create failed, and ipam cannot take its lease back
//   delta    Provisioning, nobody has answered yet
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/journal.h"
#include "statemachine/model/command.h"
#include "statemachine/model/event.h"
#include "statemachine/model/sandbox.h"
#include "tests/support/temp_dir.h"
#include "tools/client/command_line.h"

namespace holdfast::testing {

// 2026-11-18T03:33:20.000Z
inline constexpr std::int64_t kStartMillis = 1'794'972'800'000;
// An hour later: when the programs look.
inline constexpr std::int64_t kNowMillis = kStartMillis + 3'600'000;

// In charlie's records only, and in no table beside them.
inline constexpr std::string_view kCharlieMessage = "the disk of the host is full";

class FixtureJournal {
 public:
  explicit FixtureJournal(const std::string& path);

  journal::Journal& journal() { return *journal_; }
  const model::Sandbox& sandbox(const std::string& id) { return sandboxes_[id]; }

  // Answers a step; nullopt: not yet.
  using Answer = std::function<std::optional<model::Outcome>(const model::StepIntended&)>;
  void Submit(const std::string& id, const Answer& answer, decltype(model::Command::wish) wish);

 private:
  void Append(const std::string& id, const std::vector<model::Event>& events);
  void Work(const std::string& id, const Answer& answer);

  std::unique_ptr<journal::Journal> journal_;
  std::map<std::string, model::Sandbox> sandboxes_;
  std::int64_t now_ = kStartMillis;
};

// Does what every step asks for and names what it made.
std::optional<model::Outcome> Obey(const model::StepIntended& step);

model::CreateSandbox CreateWish(const std::string& id);

// Writes the four sandboxes to `path` and closes it.
void WriteFixture(const std::string& path);

struct Result {
  int code = -1;
  std::string out;
  std::string err;
};

using Program = int (*)(std::vector<std::string>, client::Surroundings&);
// With an empty environment but for `environment`.
Result RunProgram(Program program, std::vector<std::string> args,
                  std::map<std::string, std::string> environment = {});

// journal-cli on the four sandboxes, in a directory of the test's own: on the file, and through a
// socket when the test serves something there.
class FixtureCli : public ::testing::Test {
 protected:
  void SetUp() override { WriteFixture(path_); }

  static Result On(const std::string& journal, std::vector<std::string> args);
  Result Offline(std::vector<std::string> args) { return On(path_, std::move(args)); }
  Result Online(std::vector<std::string> args);

  TempDir dir_;
  const std::string path_ = dir_.File("journal.db");
  const std::string socket_ = dir_.File("s");
};

// Flips a bit wherever `text` stands in the file, as a bad disk does; fails the test when it stands
// nowhere.
void Damage(const std::string& path, std::string_view text);

// Expects `text` to be what tests/golden/cli/`name` holds; HOLDFAST_REWRITE_GOLDEN=1 writes it.
void ExpectGolden(const std::string& name, const std::string& text);

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);

}  // namespace holdfast::testing
