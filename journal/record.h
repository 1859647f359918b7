// SPDX-License-Identifier: Apache-2.0
//
// The vocabulary of the journal: what is appended and what is read. The journal knows records and
// bytes; it never interprets an event. It does know what an intent and an outcome are, because the
// open intents and the ledger of resources are its own projections (docs/journal-format.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::journal::v1 {
class Intent;
class Outcome;
}  // namespace holdfast::journal::v1

namespace holdfast::journal {

enum class RecordKind : std::uint8_t {
  kEvent = 1,    // opaque to the journal
  kIntent = 2,   // payload is holdfast.journal.v1.Intent
  kOutcome = 3,  // payload is holdfast.journal.v1.Outcome
};

// A record as stored. Never changes.
struct Record {
  std::uint64_t position = 0;  // in the whole journal, from 1, strictly increasing
  std::string sandbox_id;
  std::uint64_t sequence = 0;  // in the sandbox, from 1, gapless
  std::uint64_t epoch = 0;     // of the writer
  std::int64_t time_unix_ms = 0;
  RecordKind kind = RecordKind::kEvent;
  std::string type;     // the event's type name; "StepIntended", "StepAnswered" for the others
  std::string payload;  // Protobuf
};

// A record to be.
struct Draft {
  RecordKind kind = RecordKind::kEvent;
  std::string type;
  std::string payload;
  std::int64_t time_unix_ms = 0;

  static Draft Event(std::string type, std::string payload, std::int64_t time_unix_ms);
  static Draft Intent(const v1::Intent& intent, std::int64_t time_unix_ms);
  static Draft Outcome(const v1::Outcome& outcome, std::int64_t time_unix_ms);
};

// The caller's fold of one sandbox after the batch: what the live table keeps for lists and
// restarts.
struct Projection {
  std::string state;    // name of the state reached
  bool live = true;     // something may still have to be done or be released
  std::string summary;  // opaque bytes for the caller's own lists; may be empty
};

// One atomic append to one sandbox.
struct Batch {
  std::string sandbox_id;
  std::uint64_t expected_sequence =
      0;                      // the sandbox's head before this batch; 0: it has no records
  std::vector<Draft> drafts;  // at least one
  Projection projection;
  // The caller's whole fold of the sandbox after this batch, in its own bytes, for
  // Reader::ReadLive. A cache: it may be lost in a crash and never says more than the records do.
  std::optional<std::string> snapshot = std::nullopt;
  // Replaces what is kept for the sandbox under Reader::ReadSealed; durable with the batch. Kept
  // beside the records, not in them, so that it can be encrypted anew, and removed for ever when
  // the sandbox is no longer live. Must be ciphertext (journal/seal.h).
  std::optional<std::string> sealed = std::nullopt;
};

struct Appended {
  std::uint64_t first_position = 0;
  std::uint64_t last_position = 0;
  std::uint64_t last_sequence = 0;
};

// A stored fold of one sandbox's records up to and with `sequence`. Opaque to the journal.
struct Snapshot {
  std::uint64_t sequence = 0;
  std::string bytes;
};

// A sandbox in the live projection.
struct SandboxRow {
  std::string sandbox_id;
  std::uint64_t head_sequence = 0;
  std::uint64_t head_position = 0;
  Projection projection;
};

// An intent under which something may still be owed.
struct OpenIntent {
  std::string sandbox_id;
  std::uint64_t intent = 0;  // sequence of its record
  std::uint64_t position = 0;
  std::string key;
  std::string participant;
  std::string action;
  std::int64_t time_unix_ms = 0;
};

enum class LedgerStatus : std::uint8_t {
  kMaybe = 1,     // intended; no outcome yet, or an unknown one
  kHeld = 2,      // made
  kReleased = 3,  // its undo is done: looked, and it is gone
  kGone = 4,      // found absent without having been undone, or never made
};

// A file of finished sandboxes that were moved out of the journal, whole.
struct Segment {
  std::uint64_t number = 0;  // from 1
  std::string file;          // name within the archive directory, `<journal>.archive/`
  std::string digest;        // SHA-256 of what it holds, hexadecimal (docs/journal-format.md)
  std::uint64_t records = 0;
  std::uint64_t sandboxes = 0;
  std::uint64_t first_position = 0;
  std::uint64_t last_position = 0;
  std::int64_t sealed_unix_ms = 0;
  bool expired =
      false;  // its file was removed, because the operator's retention for archives said so
  // Why it cannot be opened; empty when it can, or has expired. What is in it is left out of lists.
  std::string damage;
};

// A thing in the world that a sandbox holds, may hold, or held.
struct LedgerRow {
  std::string sandbox_id;
  std::string participant;
  std::string kind;
  std::string name;
  std::string handle;
  LedgerStatus status = LedgerStatus::kMaybe;
  std::uint64_t intent = 0;  // sequence of the intent that made it
  std::string key;           // idempotency key of that intent
  std::int64_t since_unix_ms = 0;
};

}  // namespace holdfast::journal
