// SPDX-License-Identifier: Apache-2.0
#include "statemachine/codec/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "holdfast/journal/v1/journal.pb.h"
#include "statemachine/codec/utf8.h"
#include "tests/statemachine/events_sample.h"

namespace holdfast::codec {
namespace {

using journal::RecordKind;
using ::testing::HasSubstr;

journal::Record Stored(const journal::Draft& draft) {
  journal::Record record;
  record.sandbox_id = "sb-1";
  record.sequence = 7;
  record.kind = draft.kind;
  record.type = draft.type;
  record.payload = draft.payload;
  record.time_unix_ms = draft.time_unix_ms;
  return record;
}

journal::Record StoredEvent(const model::Event& event) { return Stored(Encode(event, {1'000})); }

void ExpectDataLoss(const journal::Record& record, const std::string& why) {
  const auto decoded = Decode(record);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(decoded.status().message()), HasSubstr(why));
}

TEST(Codec, EverySampleComesBackEqualWithItsSequenceAndTime) {
  for (const model::Event& event : tests::SampleEvents()) {
    const auto decoded = Decode(StoredEvent(event));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->event, event) << model::TypeName(event);
    EXPECT_EQ(decoded->sequence.value, 7U);
    EXPECT_EQ(decoded->time.value, 1'000);
  }
}

TEST(Codec, TypeIsTheModelsTypeName) {
  for (const model::Event& event : tests::SampleEvents()) {
    EXPECT_EQ(Encode(event, {}).type, model::TypeName(event));
  }
}

TEST(Codec, WhatTheJournalMustUnderstandIsIntentOrOutcome) {
  EXPECT_EQ(Encode(model::StepIntended{}, {}).kind, RecordKind::kIntent);
  EXPECT_EQ(Encode(model::StepAnswered{}, {}).kind, RecordKind::kOutcome);
  EXPECT_EQ(Encode(model::StepSkipped{}, {}).kind, RecordKind::kOutcome);
  EXPECT_EQ(Encode(model::EffectVanished{}, {}).kind, RecordKind::kOutcome);
  EXPECT_EQ(Encode(model::StepRetried{}, {}).kind, RecordKind::kEvent);
  EXPECT_EQ(Encode(model::Transitioned{}, {}).kind, RecordKind::kEvent);
}

journal::v1::Outcome OutcomeOf(const model::Event& event) {
  journal::v1::Outcome outcome;
  EXPECT_TRUE(outcome.ParseFromString(Encode(event, {}).payload));
  return outcome;
}

TEST(Codec, AnAttestedSkipClosesItsIntentAsReleased) {
  const auto outcome = OutcomeOf(model::StepSkipped{{12}, "", "", true});
  EXPECT_EQ(outcome.verdict(), journal::v1::Outcome::RELEASED);
  EXPECT_EQ(outcome.intent(), 12U);
  EXPECT_EQ(outcome.attempt(), 0U);
  EXPECT_TRUE(outcome.closes());
}

TEST(Codec, ASkipByPolicyClosesItsIntentAsAbandoned) {
  const auto outcome = OutcomeOf(model::StepSkipped{{12}, "", "", false});
  EXPECT_EQ(outcome.verdict(), journal::v1::Outcome::ABANDONED);
  EXPECT_EQ(outcome.attempt(), 0U);
  EXPECT_TRUE(outcome.closes());
}

TEST(Codec, AVanishedEffectClosesItsIntentAsVanished) {
  const auto outcome = OutcomeOf(model::EffectVanished{{12}, "", "", 0});
  EXPECT_EQ(outcome.verdict(), journal::v1::Outcome::VANISHED);
  EXPECT_EQ(outcome.attempt(), 0U);
  EXPECT_TRUE(outcome.closes());
}

TEST(Codec, ExitCodeZeroIsNotTheSameAsNone) {
  const auto zero = Decode(StoredEvent(model::EffectVanished{{12}, "", "", 0}));
  const auto none = Decode(StoredEvent(model::EffectVanished{{12}, "", "", std::nullopt}));
  ASSERT_TRUE(zero.ok() && none.ok());
  EXPECT_EQ(std::get<model::EffectVanished>(zero->event).exit_code, 0);
  EXPECT_EQ(std::get<model::EffectVanished>(none->event).exit_code, std::nullopt);
}

TEST(Codec, AnEmptyPlanIsNotTheSameAsNone) {
  model::StepAnswered answer;
  answer.outcome = model::Outcome::Done();
  answer.outcome.plan = model::LaunchPlan{};
  const auto decoded = Decode(StoredEvent(answer));
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(std::get<model::StepAnswered>(decoded->event).outcome.plan.has_value());
}

TEST(Codec, TheRequestAndTheMoveOfTheSameNameAreToldApart) {
  const model::Event request = model::SandboxRequested{};
  const model::Event move =
      model::Transitioned{model::Trigger::kSandboxRequested, model::State::kRequested, "", ""};
  ASSERT_EQ(model::TypeName(request), model::TypeName(move));
  EXPECT_EQ(Decode(StoredEvent(request))->event, request);
  EXPECT_EQ(Decode(StoredEvent(move))->event, move);
}

TEST(Codec, TheSameEventIsTheSameBytes) {
  for (const model::Event& event : tests::SampleEvents()) {
    EXPECT_EQ(Encode(event, {}).payload, Encode(event, {}).payload);
  }
  model::SandboxRequested a;
  model::SandboxRequested b;
  for (int i = 0; i < 50; ++i) {
    a.spec.labels[std::to_string(i)] = "x";
    b.spec.labels[std::to_string(49 - i)] = "x";
  }
  EXPECT_EQ(Encode(a, {}).payload, Encode(b, {}).payload);
}

TEST(Codec, TextThatIsNotUtf8IsStoredReadably) {
  model::Transitioned event;
  event.message = "open /tmp/\xFF\xFE: denied";
  const auto decoded = Decode(StoredEvent(event));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(std::get<model::Transitioned>(decoded->event).message,
            "open /tmp/\xEF\xBF\xBD\xEF\xBF\xBD: denied");
}

TEST(Codec, APlanComesBackEqual) {
  for (const model::Event& event : tests::SampleEvents()) {
    const auto* answer = std::get_if<model::StepAnswered>(&event);
    if (answer == nullptr) continue;
    const auto plan = DecodePlan(EncodePlan(*answer->outcome.plan));
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(*plan, *answer->outcome.plan);
  }
}

TEST(CodecStrict, ATypeNobodyKnowsIsDataLoss) {
  journal::Record record = StoredEvent(model::StepRetried{});
  record.type = "SandboxTeleported";
  ExpectDataLoss(record,
                 "record 7 of sandbox sb-1 (SandboxTeleported) cannot be read: this version knows "
                 "no event of this type");
}

TEST(CodecStrict, AKindNobodyKnowsIsDataLoss) {
  journal::Record record = StoredEvent(model::StepRetried{});
  record.kind = static_cast<RecordKind>(9);
  ExpectDataLoss(record, "no record of kind 9");
}

TEST(CodecStrict, ATypeOfAnotherKindIsDataLoss) {
  journal::Record record = StoredEvent(model::StepIntended{});
  record.kind = RecordKind::kOutcome;
  ExpectDataLoss(record, "cannot be read");
  record.kind = RecordKind::kEvent;
  ExpectDataLoss(record, "no event of this type");
  record.kind = RecordKind::kIntent;
  record.type = "StepAnswered";
  ExpectDataLoss(record, "no intent of this type");
}

TEST(CodecStrict, AStateNobodyKnowsIsDataLoss) {
  journal::Record record =
      StoredEvent(model::Transitioned{model::Trigger::kStarted, model::State::kRunning, "", ""});
  record.payload.replace(record.payload.find("Running"), 7, "Flying!");
  ExpectDataLoss(record, "this version knows no state \"Flying!\"");
}

TEST(CodecStrict, ATransitionWhoseTriggerIsNotItsTypeIsDataLoss) {
  journal::Record record =
      StoredEvent(model::Transitioned{model::Trigger::kStarted, model::State::kRunning, "", ""});
  record.type = "StopCompleted";
  ExpectDataLoss(record, "its payload is of the trigger \"Started\"");
}

TEST(CodecStrict, AVerdictThatIsNoAnswerIsDataLoss) {
  journal::v1::Outcome outcome;
  outcome.set_verdict(journal::v1::Outcome::VANISHED);
  journal::Record record = StoredEvent(model::StepAnswered{});
  record.payload = outcome.SerializeAsString();
  ExpectDataLoss(record, "verdict 7 is not a step's answer");
  record.type = "StepSkipped";
  ExpectDataLoss(record, "verdict 7 does not skip a step");
  outcome.clear_verdict();
  record.type = "EffectVanished";
  record.payload = outcome.SerializeAsString();
  ExpectDataLoss(record, "verdict 0 is not Vanished");
}

TEST(CodecStrict, AStepOfNoKindIsDataLoss) {
  journal::Record record = StoredEvent(model::StepIntended{});
  record.payload = journal::v1::Intent().SerializeAsString();
  ExpectDataLoss(record, "0 is no kind of step");
}

TEST(CodecStrict, AnUnreadablePlanInAnOutcomeIsDataLoss) {
  journal::v1::Outcome outcome;
  outcome.set_verdict(journal::v1::Outcome::DONE);
  outcome.set_result("\xFF\xFF");
  journal::Record record = StoredEvent(model::StepAnswered{});
  record.payload = outcome.SerializeAsString();
  ExpectDataLoss(record, "the plan's 2 bytes are not a launch plan");
  EXPECT_FALSE(DecodePlan("\xFF\xFF").ok());
}

TEST(Trap02OneBadRecordAbortsResumeOfAll, UnparsableBytesAreAnErrorOfThatRecordForEveryKind) {
  for (const model::Event& event : tests::SampleEvents()) {
    journal::Record record = StoredEvent(event);
    record.payload = "\xFF\xFF\xFF";
    ExpectDataLoss(record, "its 3 bytes are not a");
  }
}

TEST(Utf8, WellFormedTextIsUnchanged) {
  const std::string text = "a\xC3\xA9\xE2\x86\x92\xF0\x9F\x90\xA2" + std::string(1, '\0');
  EXPECT_EQ(Utf8(text), text);
}

TEST(Utf8, OverlongFormsSurrogatesAndTruncationsAreReplaced) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(Utf8("\xC0\x80"), replaced + replaced);
  EXPECT_EQ(Utf8("\xED\xA0\x80"), replaced + replaced + replaced);
  EXPECT_EQ(Utf8("\xF4\x90\x80\x80"), replaced + replaced + replaced + replaced);
  EXPECT_EQ(Utf8("x\xE2\x86"), "x" + replaced + replaced);
}

}  // namespace
}  // namespace holdfast::codec
