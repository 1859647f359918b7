// SPDX-License-Identifier: Apache-2.0
//
// For all histories: a snapshot taken anywhere stands for the records before it.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "statemachine/codec/codec.h"
#include "statemachine/codec/snapshot.h"
#include "statemachine/planning/fold.h"
#include "tests/statemachine/planned_sandbox.h"

namespace holdfast {
namespace {

// The history as a journal would give it back.
std::vector<model::Recorded> Reread(const std::vector<model::Recorded>& history) {
  std::vector<model::Recorded> reread;
  for (const model::Recorded& recorded : history) {
    const journal::Draft draft = codec::Encode(recorded.event, recorded.time);
    journal::Record record;
    record.sequence = recorded.sequence.value;
    record.kind = draft.kind;
    record.type = draft.type;
    record.payload = draft.payload;
    record.time_unix_ms = draft.time_unix_ms;
    auto decoded = codec::Decode(record);
    RC_ASSERT(decoded.ok());
    reread.push_back(*std::move(decoded));
  }
  return reread;
}

TEST(SnapshotProperty, FoldingAnyPrefixThenASnapshotThenTheSuffixEqualsFoldingAll) {
  EXPECT_TRUE(rc::check("Decode(Encode(Fold(prefix))) + suffix == Fold(all)", [] {
    tests::PlannedSandbox planned;
    for (int left = *rc::gen::inRange(0, 80); left > 0; --left) tests::LiveOn(planned);
    const std::vector<model::Recorded> history = Reread(planned.history());
    const model::Sandbox& all = planned.sandbox();
    RC_CLASSIFY(std::any_of(history.begin(), history.end(),
                            [](const model::Recorded& recorded) {
                              return model::TypeName(recorded.event) == "WorkParked";
                            }),
                "stuck on its way");
    RC_CLASSIFY(all.generation.value > 1, "more than one generation");

    model::Sandbox prefix;
    prefix.id = all.id;
    for (std::size_t split = 0; split <= history.size(); ++split) {
      auto rest = codec::DecodeSnapshot(codec::EncodeSnapshot(prefix), all.id.value);
      RC_ASSERT(rest.ok());
      RC_ASSERT(*rest == prefix);
      for (std::size_t i = split; i < history.size(); ++i) {
        RC_ASSERT(planning::Fold(*rest, history[i]).ok());
      }
      RC_ASSERT(*rest == all);
      if (split < history.size()) RC_ASSERT(planning::Fold(prefix, history[split]).ok());
    }
  }));
}

TEST(SnapshotFuzz, DamagedSnapshotsNeverCrashAndWhatIsReadCanBeWritten) {
  const google::protobuf::LogSilencer silencer;
  tests::PlannedSandbox planned;
  while (planned.Step(tests::Succeed)) {
  }
  const std::string whole = codec::EncodeSnapshot(planned.sandbox());
  EXPECT_TRUE(rc::check("damaged snapshot", [&whole] {
    std::string bytes = whole;
    for (int left = *rc::gen::inRange(1, 6); left > 0 && !bytes.empty(); --left) {
      const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
      if (*rc::gen::arbitrary<bool>()) {
        bytes[at] = static_cast<char>(*rc::gen::arbitrary<std::uint8_t>());
      } else {
        bytes.erase(at, *rc::gen::inRange<std::size_t>(1, 20));
      }
    }
    const auto decoded = codec::DecodeSnapshot(bytes, "sb-1");
    if (!decoded.ok()) {
      RC_ASSERT(decoded.status().code() == absl::StatusCode::kDataLoss ||
                decoded.status().code() == absl::StatusCode::kFailedPrecondition);
      return;
    }
    const auto again = codec::DecodeSnapshot(codec::EncodeSnapshot(*decoded), "sb-1");
    RC_ASSERT(again.ok());
    RC_ASSERT(*again == *decoded);
  }));
}

}  // namespace
}  // namespace holdfast
