// SPDX-License-Identifier: Apache-2.0
//
// A snapshot holds the whole sandbox. The functions named Members list every member of a part of
// the model; one that is added does not compile until it is listed, does not pass until the sample
// sets it, and is then lost loudly if the codec forgets it.
#include "statemachine/codec/snapshot.h"

#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <tuple>
#include <type_traits>

#include "absl/status/status.h"

namespace holdfast::codec {
namespace {

using namespace model;  // NOLINT: this file is nothing but model values

auto Members(const SandboxSpec& part) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = part;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
}
auto Members(const ChainEntry& part) {
  const auto& [a, b, c, d, e, f, g] = part;
  return std::tie(a, b, c, d, e, f, g);
}
auto Members(const ResourceClaim& part) {
  const auto& [a, b] = part;
  return std::tie(a, b);
}
auto Members(const Resource& part) {
  const auto& [a, b, c] = part;
  return std::tie(a, b, c);
}
auto Members(const Undo& part) {
  const auto& [a, b, c, d] = part;
  return std::tie(a, b, c, d);
}
auto Members(const PlanChange& part) {
  const auto& [a, b, c] = part;
  return std::tie(a, b, c);
}
auto Members(const StepClaims& part) {
  const auto& [a, b, c, d, e] = part;
  return std::tie(a, b, c, d, e);
}
auto Members(const LaunchPlan& part) {
  const auto& [a, b, c, d, e, f, g, h] = part;
  return std::tie(a, b, c, d, e, f, g, h);
}
auto Members(const StateBlob& part) {
  const auto& [a, b] = part;
  return std::tie(a, b);
}
auto Members(const StepIntended& part) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l] = part;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
}
auto Members(const Step& part) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = part;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
}
auto Members(const Operation& part) {
  const auto& [a, b, c, d, e, f, g, h, i] = part;
  return std::tie(a, b, c, d, e, f, g, h, i);
}
auto Members(const FinishedOperation& part) {
  const auto& [a, b, c, d, e, f] = part;
  return std::tie(a, b, c, d, e, f);
}
auto Members(const Condition& part) {
  const auto& [a, b, c, d] = part;
  return std::tie(a, b, c, d);
}
auto Members(const Sandbox& part) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z] = part;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z);
}

template <typename Part>
concept HasMembers = requires(const Part& part) {
  Members(part);
};

// Every member differs from the one of a default value, at every depth.
template <typename Part>
void ExpectNothingIsDefault(const Part& part, const std::string& where) {
  const auto look = [&where]<typename Member>(const Member& member, const Member& unset,
                                              std::size_t number) {
    const std::string here = where + "." + std::to_string(number);
    EXPECT_FALSE(member == unset) << "the sample does not set member " << here;
    if constexpr (HasMembers<Member>) {
      ExpectNothingIsDefault(member, here);
    } else if constexpr (requires {
                           requires HasMembers<std::decay_t<decltype(*member.begin())>>;
                         }) {
      for (const auto& element : member) ExpectNothingIsDefault(element, here);
    } else if constexpr (requires { requires HasMembers<std::decay_t<decltype(*member)>>; }) {
      if (member) ExpectNothingIsDefault(*member, here);
    }
  };
  const Part unset{};
  const auto members = Members(part);
  const auto defaults = Members(unset);
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    (look(std::get<kIndex>(members), std::get<kIndex>(defaults), kIndex), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(members)>>{});
}

Step SampleStep() {
  Step step;
  step.intent = {12};
  step.what.operation = {3};
  step.what.kind = StepKind::kUndo;
  step.what.name = "undo provision";
  step.what.participant = "process";
  step.what.action = "destroy";
  step.what.key = "sb-1/3/undo provision";
  step.what.undoes = {11};
  step.what.claims = {{"directory", "sb-1"}};
  step.what.undo = Undo{"process", "destroy", "{}", false};
  step.what.idempotent = false;
  step.what.args = "{}";
  step.what.deadline_ms = 5'000;
  step.phase = StepPhase::kHeld;
  step.attempt = 7;
  step.attempts_base = 2;
  step.probes = 3;
  step.effect_possible = false;
  step.effect_earlier = true;
  step.since = {1};
  step.due = {2};
  step.certain = true;
  step.resources = {{"directory", "sb-1", "inode 7"}};
  step.env = {{"IP", "10.0.0.7"}};
  step.reason = "Broken";
  step.message = "It broke.";
  return step;
}

// Every member set to something else than its default.
Sandbox SampleSandbox() {
  Sandbox s;
  s.id = {"sb-1"};
  s.head = {40};
  s.generation = {2};
  s.last_operation = {3};
  s.created = {10};
  s.changed = {11};
  s.state = State::kStuck;
  s.state_since = {12};
  s.reason = "Parked";
  s.message = "It waits for an operator.";
  s.agreement = Agreement::kDrifted;
  s.agreement_message = "directory is missing";
  s.spec.name = "name";
  s.spec.workspace = "team";
  s.spec.driver = "process";
  s.spec.image = "image";
  s.spec.command = {"sh", "-c", "true"};
  s.spec.environment = {{"A", "1"}};
  s.spec.labels = {{"l", "v"}};
  s.spec.tty = true;
  s.spec.log_level = "debug";
  s.spec.cpu_request = "1";
  s.spec.cpu_limit = "2";
  s.spec.memory_request = "3";
  s.spec.memory_limit = "4";
  s.spec.driver_config = "{}";
  s.spec.platform_config = "{}";
  s.spec.gpu = true;
  s.spec.gpu_count = 2;
  s.chain = {{"ipam",
              "1.0",
              "digest",
              "global",
              {"before_launch"},
              FailurePolicy::kFail,
              std::chrono::milliseconds(7)}};
  s.secret_fields = {"sandbox_token"};
  s.plan = LaunchPlan{{{"B", "2"}},
                      {{"k", "v"}},
                      {"--quiet"},
                      "bare",
                      "type.of.Plan",
                      std::string("\0\xff", 2),
                      {{"ipam", "env.B", "2"}},
                      {{"provision", {{"directory", "sb-1"}}, "{}", false, false}}};
  s.operation = Operation{
      {3}, OperationKind::kDelete, "request-1", {13}, true, 9, {"stop"}, "Failed", "It failed."};
  s.current = SampleStep();
  s.held = {SampleStep(), SampleStep()};
  s.extension_state = {{"ipam", {4, std::string("\0\x80", 2)}}};
  s.touched = {"ipam"};
  s.launched = true;
  s.parked_in = State::kDeleting;
  s.exit_code = 0;
  s.finished = {{{2},
                 OperationKind::kStop,
                 "request-0",
                 OperationResult::kInterrupted,
                 "Overtaken",
                 "A delete came."}};
  s.conditions = {{"after_start/ipam", "Failed", "It failed.", {14}}};
  return s;
}

TEST(SnapshotCodec, TheSampleSetsEveryMemberOfEveryPart) {
  const Sandbox sample = SampleSandbox();

  ExpectNothingIsDefault(sample, "Sandbox");
  for (const auto& [participant, blob] : sample.extension_state) {
    ExpectNothingIsDefault(blob, "StateBlob");
  }
}

TEST(SnapshotCodec, EveryMemberComesBack) {
  const Sandbox sample = SampleSandbox();

  const auto decoded = DecodeSnapshot(EncodeSnapshot(sample), "sb-1");

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, sample);
}

TEST(SnapshotCodec, WhatIsNotSetComesBackNotSet) {
  Sandbox bare;
  bare.id = {"sb-1"};

  const auto decoded = DecodeSnapshot(EncodeSnapshot(bare), "sb-1");

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, bare);
}

TEST(SnapshotCodec, RefusesTheSnapshotOfAnotherSandbox) {
  const auto decoded = DecodeSnapshot(EncodeSnapshot(SampleSandbox()), "sb-2");

  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
}

TEST(SnapshotCodec, RefusesAnotherVersionAndNamesIt) {
  std::string bytes = EncodeSnapshot(SampleSandbox());
  ASSERT_EQ(bytes.substr(0, 2), std::string({'\x08', static_cast<char>(kSnapshotVersion)}));
  bytes[1] = static_cast<char>(kSnapshotVersion + 1);

  const auto decoded = DecodeSnapshot(bytes, "sb-1");

  ASSERT_EQ(decoded.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(decoded.status().message().find("version 1 is read"), absl::string_view::npos);
}

TEST(SnapshotCodec, RefusesBytesThatAreNoSnapshot) {
  const google::protobuf::LogSilencer silencer;
  const std::string whole = EncodeSnapshot(SampleSandbox());
  for (const std::string& bytes :
       {std::string(), std::string("\xff\xff"), whole.substr(0, whole.size() - 1)}) {
    EXPECT_EQ(DecodeSnapshot(bytes, "sb-1").status().code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace holdfast::codec
