// SPDX-License-Identifier: Apache-2.0
//
// The bytes that this version writes, one line for each sample event: kind, type, payload in hex.
// Once released, a line must decode for ever; a line that changes is a format change
// (docs/journal-format.md).
#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "statemachine/codec/codec.h"
#include "tests/statemachine/events_sample.h"
#include "tests/statemachine/golden.h"

namespace holdfast::codec {
namespace {

constexpr std::string_view kFile = "tests/golden/codec_v1.txt";

TEST(CodecGolden, TheBytesOfEverySampleAreAsCommitted) {
  std::string text;
  for (const model::Event& event : tests::SampleEvents()) {
    const journal::Draft draft = Encode(event, {});
    text += fmt::format("{} {} {}\n", static_cast<int>(draft.kind), draft.type,
                        absl::BytesToHexString(draft.payload));
  }
  tests::ExpectGolden(kFile, text);
}

TEST(CodecGolden, EveryCommittedLineDecodesToItsSample) {
  std::istringstream lines(tests::ReadSourceFile(kFile));
  int kind = 0;
  std::string type;
  std::string hex;
  for (const model::Event& event : tests::SampleEvents()) {
    ASSERT_TRUE(lines >> kind >> type >> hex) << "a line is missing for " << model::TypeName(event);
    journal::Record record;
    record.kind = static_cast<journal::RecordKind>(kind);
    record.type = type;
    record.payload = absl::HexStringToBytes(hex);
    const auto decoded = Decode(record);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->event, event) << type;
  }
  EXPECT_FALSE(lines >> kind) << "a line without a sample: samples are only appended";
}

}  // namespace
}  // namespace holdfast::codec
