// SPDX-License-Identifier: Apache-2.0
//
// Decoding of whatever a record may hold, as the journal understands it and as the codec does; of
// snapshots; of what is sealed, and of the file with the keys. It must not crash, hang or allocate
// much; and what was understood is written and understood again as the same.
//
// An input: what it is (1 byte, see Kind), then for a record its sequence (2 bytes), its type
// (length in 1 byte, text) and its payload; for the others the bytes to decode.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "journal/journal.h"
#include "journal/ledger.h"
#include "journal/prepared.h"
#include "journal/seal.h"
#include "statemachine/codec/codec.h"
#include "statemachine/codec/snapshot.h"
#include "support/check.h"
#include "tests/fuzz/bytes.h"
#include "tests/support/temp_dir.h"

namespace holdfast::fuzz {
namespace {

// The first three are journal::RecordKind.
enum class Kind : std::uint8_t { kPlan = 4, kSnapshot = 5, kSealed = 6, kKeyFile = 7 };

void UnderstandAsJournal(const journal::Record& record) {
  auto meaning = journal::ParseMeaning(record.kind, record.sequence, record.payload);
  if (!meaning.ok()) return;
  journal::LedgerFold fold;
  if (meaning->intent != nullptr) {
    fold.Apply(record.sequence, record.position, record.time_unix_ms, *meaning->intent);
  }
  if (meaning->outcome != nullptr) {
    // Something to answer: the intent that it names.
    journal::v1::Intent intent;
    intent.set_kind(journal::v1::Intent::FORWARD);
    intent.set_participant("p");
    fold.Apply(meaning->outcome->intent(), 1, 0, intent);
    HF_CHECK(fold.Apply(record.time_unix_ms, *meaning->outcome));  // the intent is there
  }
}

void Append(const journal::Record& record) {
  journal::Batch batch{.sandbox_id = record.sandbox_id,
                       .expected_sequence = record.sequence - 1,
                       .drafts = {journal::Draft{.kind = record.kind,
                                                 .type = record.type,
                                                 .payload = record.payload,
                                                 .time_unix_ms = record.time_unix_ms}},
                       .projection = {}};
  const auto prepared = journal::Prepare(std::move(batch), journal::Limits{});
  const bool refused = absl::IsInvalidArgument(prepared.status());
  HF_CHECK(prepared.ok() || refused);  // Prepare accepts or refuses
}

void UnderstandAsCodec(const journal::Record& record) {
  const auto decoded = codec::Decode(record);
  if (!decoded.ok()) return;
  const journal::Draft once = codec::Encode(decoded->event, decoded->time);
  journal::Record again = record;
  again.kind = once.kind;
  again.type = once.type;
  again.payload = once.payload;
  const auto redecoded = codec::Decode(again);
  HF_CHECK(redecoded.ok());  // what was encoded is decoded
  const journal::Draft twice = codec::Encode(redecoded->event, redecoded->time);
  HF_CHECK(once.type == twice.type && once.payload == twice.payload);  // and is the same
}

void UnderstandPlan(const std::string& bytes) {
  const auto plan = codec::DecodePlan(bytes);
  if (!plan.ok()) return;
  const std::string once = codec::EncodePlan(*plan);
  const auto again = codec::DecodePlan(once);
  HF_CHECK(again.ok());                         // what was encoded is decoded
  HF_CHECK(codec::EncodePlan(*again) == once);  // and is the same
}

void UnderstandSnapshot(const std::string& bytes) {
  const auto sandbox = codec::DecodeSnapshot(bytes, "s");
  if (!sandbox.ok()) return;
  const std::string once = codec::EncodeSnapshot(*sandbox);
  const auto again = codec::DecodeSnapshot(once, "s");
  HF_CHECK(again.ok());                             // what was encoded is decoded
  HF_CHECK(codec::EncodeSnapshot(*again) == once);  // and is the same
}

// A directory for the files of keys.
const testing::TempDir& Scratch() {
  static const testing::TempDir dir;
  return dir;
}

std::string WriteKeyFile(const std::string& text) {
  const std::string path = Scratch().File("keys");
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return path;
}

void UnderstandSealed(const std::string& bytes) {
  static const std::unique_ptr<journal::Sealer> sealer = [] {
    auto made = journal::Sealer::FromKeyFile(WriteKeyFile("k " + std::string(64, 'a') + "\n"));
    HF_CHECK(made.ok());
    return *std::move(made);
  }();
  journal::KeyIdOf(bytes).status().IgnoreError();  // only that it returns
  HF_CHECK(!sealer->Open(bytes, "context").ok());  // nobody seals by chance
  const auto box = sealer->Seal(bytes, "context");
  HF_CHECK(box.ok());
  const auto opened = sealer->Open(*box, "context");
  HF_CHECK(opened.ok() && opened->Reveal() == bytes);
}

void UnderstandKeyFile(const std::string& text) {
  const auto keys = journal::ReadKeyFile(WriteKeyFile(text));
  HF_CHECK(!keys.ok() || !keys->empty());
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace holdfast;  // NOLINT: the fuzzer's C entry
  fuzz::Bytes bytes(input, size);
  const auto kind = static_cast<std::uint8_t>(bytes.TakeNumber(1));
  switch (static_cast<fuzz::Kind>(kind)) {
    case fuzz::Kind::kPlan:
      fuzz::UnderstandPlan(bytes.TakeRest());
      return 0;
    case fuzz::Kind::kSnapshot:
      fuzz::UnderstandSnapshot(bytes.TakeRest());
      return 0;
    case fuzz::Kind::kSealed:
      fuzz::UnderstandSealed(bytes.TakeRest());
      return 0;
    case fuzz::Kind::kKeyFile:
      fuzz::UnderstandKeyFile(bytes.TakeRest());
      return 0;
  }
  journal::Record record;
  record.position = 1;
  record.sandbox_id = "s";
  record.epoch = 1;
  record.time_unix_ms = 1'000;
  record.kind = static_cast<journal::RecordKind>(kind);
  record.sequence = bytes.TakeNumber(2) + 1;
  record.type = bytes.TakeText();
  record.payload = bytes.TakeRest();
  fuzz::UnderstandAsJournal(record);
  fuzz::Append(record);
  fuzz::UnderstandAsCodec(record);
  return 0;
}
