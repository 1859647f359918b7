// SPDX-License-Identifier: Apache-2.0
//
// For all events: what was written is read back. For all bytes: reading ends with an answer.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <vector>

#include "statemachine/codec/codec.h"
#include "tests/statemachine/events_sample.h"

namespace holdfast::codec {
namespace {

journal::Record Stored(const journal::Draft& draft) {
  journal::Record record;
  record.sequence = 1;
  record.kind = draft.kind;
  record.type = draft.type;
  record.payload = draft.payload;
  record.time_unix_ms = draft.time_unix_ms;
  return record;
}

// One small damage, as disks and bugs do it.
void Damage(std::string& bytes) {
  const std::size_t at = bytes.empty() ? 0 : *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto byte = static_cast<char>(*rc::gen::arbitrary<std::uint8_t>());
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      if (!bytes.empty()) bytes[at] = byte;
      break;
    case 1:
      bytes.resize(at);
      break;
    case 2:
      bytes.insert(at, 1, byte);
      break;
    default:
      bytes += bytes.substr(at);
      break;
  }
}

TEST(CodecProperty, EveryEventComesBackEqual) {
  EXPECT_TRUE(rc::check("Decode(Encode(event)) == event", [] {
    const model::Event event = *tests::AnyEvent();
    const auto time = *rc::gen::arbitrary<std::int64_t>();
    const auto decoded = Decode(Stored(Encode(event, {time})));
    RC_ASSERT(decoded.ok());
    RC_ASSERT(decoded->event == event);
    RC_ASSERT(decoded->time.value == time);
  }));
}

TEST(CodecFuzz, DamagedPayloadsNeverCrashAndWhatIsReadCanBeWritten) {
  const google::protobuf::LogSilencer silencer;
  EXPECT_TRUE(rc::check("damaged payload", [] {
    journal::Record record = Stored(Encode(*tests::AnyEvent(), {}));
    for (int left = *rc::gen::inRange(1, 6); left > 0; --left) Damage(record.payload);
    const auto decoded = Decode(record);
    if (!decoded.ok()) {
      RC_ASSERT(decoded.status().code() == absl::StatusCode::kDataLoss);
      return;
    }
    // Whatever was understood is an event like any other.
    const auto again = Decode(Stored(Encode(decoded->event, {})));
    RC_ASSERT(again.ok());
    RC_ASSERT(again->event == decoded->event);
  }));
}

TEST(CodecFuzz, APayloadUnderAnotherTypeNeverCrashes) {
  const google::protobuf::LogSilencer silencer;
  EXPECT_TRUE(rc::check("payload under another type", [] {
    journal::Record record = Stored(Encode(*tests::AnyEvent(), {}));
    const journal::Draft other = Encode(*tests::AnyEvent(), {});
    record.kind = other.kind;
    record.type = other.type;
    const auto decoded = Decode(record);
    RC_ASSERT(decoded.ok() || decoded.status().code() == absl::StatusCode::kDataLoss);
  }));
}

}  // namespace
}  // namespace holdfast::codec
