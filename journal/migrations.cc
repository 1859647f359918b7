// SPDX-License-Identifier: Apache-2.0
#include "journal/migrations.h"

#include <array>
#include <charconv>
#include <string>

#include "fmt/format.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

// No index on records: a second tree in another order would have to be written with every append,
// and costs more than the records themselves. A sandbox's records are found by their back pointers.
// `heads` is apart from `sandboxes` because it is rewritten the most often and so must be narrow.
constexpr char kVersion1[] = R"sql(
CREATE TABLE meta (
  name  TEXT NOT NULL PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
  position     INTEGER PRIMARY KEY,
  sandbox      INTEGER NOT NULL,
  sequence     INTEGER NOT NULL,
  previous     INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  time_unix_ms INTEGER NOT NULL,
  kind         INTEGER NOT NULL,
  checksum     INTEGER NOT NULL,
  type         TEXT NOT NULL,
  hash         BLOB NOT NULL,
  payload      BLOB NOT NULL
) STRICT;

CREATE TABLE heads (
  sandbox  INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  sequence INTEGER NOT NULL
) STRICT;

CREATE TABLE sandboxes (
  key      INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  live     INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  state    TEXT NOT NULL,
  summary  BLOB NOT NULL
) STRICT;
CREATE INDEX sandboxes_live ON sandboxes (id) WHERE live = 1;

CREATE TABLE open_intents (
  sandbox      INTEGER NOT NULL,
  intent       INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  kind         INTEGER NOT NULL,
  undoes       INTEGER NOT NULL,
  participant  TEXT NOT NULL,
  action       TEXT NOT NULL,
  key          TEXT NOT NULL,
  time_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (sandbox, intent)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
  sandbox       INTEGER NOT NULL,
  participant   TEXT NOT NULL,
  kind          TEXT NOT NULL,
  name          TEXT NOT NULL,
  handle        TEXT NOT NULL,
  status        INTEGER NOT NULL,
  intent        INTEGER NOT NULL,
  key           TEXT NOT NULL,
  since_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (sandbox, participant, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_holding ON ledger (sandbox) WHERE status <= 2;
)sql";

// Only `records`, and rows of `pending`, `sealed`, are written with a commit; both grow at their
// end. All that is keyed by the sandbox is flushed later, up to the position `flushed` in `meta`.
constexpr char kVersion2[] = R"sql(
CREATE INDEX sandboxes_live_key ON sandboxes (key) WHERE live = 1;

CREATE TABLE pending (
  position INTEGER PRIMARY KEY,
  sandbox  INTEGER NOT NULL,
  id       TEXT NOT NULL,
  live     INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  state    TEXT NOT NULL,
  summary  BLOB NOT NULL
) STRICT;

CREATE TABLE snapshots (
  sandbox  INTEGER PRIMARY KEY,
  sequence INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  bytes    BLOB NOT NULL
) STRICT;

CREATE TABLE sealed (
  sandbox INTEGER PRIMARY KEY,
  bytes   BLOB NOT NULL
) STRICT;

CREATE TABLE segments (
  number         INTEGER PRIMARY KEY,
  file           TEXT NOT NULL,
  digest         BLOB NOT NULL,
  records        INTEGER NOT NULL,
  sandboxes      INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  last_position  INTEGER NOT NULL,
  sealed_unix_ms INTEGER NOT NULL,
  state          INTEGER NOT NULL
) STRICT;

CREATE TABLE archived (
  fingerprint INTEGER NOT NULL,
  sandbox     INTEGER NOT NULL,
  segment     INTEGER NOT NULL,
  PRIMARY KEY (fingerprint, sandbox, segment)
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value)
SELECT 'flushed', ifnull(max(position), 0) FROM records;
)sql";

constexpr std::array<const char*, kFormatVersion> kSteps = {kVersion1, kVersion2};

constexpr char kStandInForVersion2[] = R"sql(
PRAGMA temp_store = MEMORY;
CREATE TEMP TABLE pending (
  position INTEGER PRIMARY KEY, sandbox, id, live, checksum, state, summary);
CREATE TEMP TABLE snapshots (sandbox INTEGER PRIMARY KEY, sequence, checksum, bytes);
CREATE TEMP TABLE sealed (sandbox INTEGER PRIMARY KEY, bytes);
CREATE TEMP TABLE segments (
  number INTEGER PRIMARY KEY, file, digest, records, sandboxes, first_position, last_position,
  sealed_unix_ms, state);
CREATE TEMP TABLE archived (fingerprint, sandbox, segment);
)sql";

}  // namespace

absl::StatusOr<std::uint32_t> ReadFormatVersion(Database& database) {
  HF_ASSIGN_OR_RETURN(const std::string text, database.QueryText("PRAGMA user_version"));
  std::uint32_t version = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), version);
  if (parsed.ec != std::errc() || version > kFormatVersion) {
    return absl::FailedPreconditionError(
        fmt::format("the journal has format version {}; this program reads up to version {}. Use a "
                    "newer one.",
                    text, kFormatVersion));
  }
  return version;
}

absl::Status Migrate(Database& database, std::uint32_t version) {
  for (std::uint32_t step = version; step < kFormatVersion; ++step) {
    HF_RETURN_IF_ERROR(database.Execute(kSteps[step]));
  }
  return database.SetPragma("user_version", std::to_string(kFormatVersion),
                            std::to_string(kFormatVersion));
}

absl::Status StandIn(Database& database, std::uint32_t version) {
  return version < 2 ? database.Execute(kStandInForVersion2) : absl::OkStatus();
}

}  // namespace holdfast::journal
