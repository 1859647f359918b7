// SPDX-License-Identifier: Apache-2.0
#include "tests/journal/testing.h"

#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "fmt/format.h"

namespace holdfast::journal {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
  return text;
}

sqlite3* OpenRaw(const std::string& path) {
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) {
    Die(fmt::format("opening {}: {}", path, sqlite3_errmsg(db)));
  }
  return db;
}

}  // namespace

Options OptionsFor(const std::string& path) {
  Options options;
  options.path = path;
  options.owner = "test";
  options.boot_id = "boot-1";
  // When a test wants the tables flushed, it says so.
  options.limits.flush_after = std::chrono::hours{1};
  return options;
}

std::unique_ptr<Journal> OpenJournal(const std::string& path) {
  auto journal = Journal::Open(OptionsFor(path));
  if (!journal.ok()) Die(journal.status().ToString());
  return *std::move(journal);
}

Batch EventBatch(std::string sandbox_id, std::uint64_t expected_sequence, std::size_t events,
                 std::string_view payload) {
  std::vector<Draft> drafts;
  for (std::size_t i = 0; i < events; ++i) {
    drafts.push_back(Draft::Event("SomethingHappened", std::string(payload), 1'000));
  }
  return BatchOf(std::move(sandbox_id), expected_sequence, std::move(drafts));
}

Batch BatchOf(std::string sandbox_id, std::uint64_t expected_sequence, std::vector<Draft> drafts) {
  return Batch{.sandbox_id = std::move(sandbox_id),
               .expected_sequence = expected_sequence,
               .drafts = std::move(drafts),
               .projection = {.state = "Running", .live = true, .summary = "summary"}};
}

v1::Resource MakeResource(std::string_view kind, std::string_view name, std::string_view handle) {
  v1::Resource resource;
  resource.set_kind(std::string(kind));
  resource.set_name(std::string(name));
  resource.set_handle(std::string(handle));
  return resource;
}

v1::Intent ForwardIntent(std::string_view participant, std::string_view key,
                         const std::vector<v1::Resource>& claims) {
  v1::Intent intent;
  intent.set_kind(v1::Intent::FORWARD);
  intent.set_participant(std::string(participant));
  intent.set_action("make");
  intent.set_key(std::string(key));
  for (const v1::Resource& claim : claims) *intent.add_claims() = claim;
  return intent;
}

v1::Intent UndoIntent(std::string_view participant, std::string_view key, std::uint64_t undoes) {
  v1::Intent intent;
  intent.set_kind(v1::Intent::UNDO);
  intent.set_participant(std::string(participant));
  intent.set_action("unmake");
  intent.set_key(std::string(key));
  intent.set_undoes(undoes);
  return intent;
}

v1::Outcome MakeOutcome(std::uint64_t intent, v1::Outcome::Verdict verdict, bool closes,
                        const std::vector<v1::Resource>& resources) {
  v1::Outcome outcome;
  outcome.set_intent(intent);
  outcome.set_attempt(1);
  outcome.set_verdict(verdict);
  outcome.set_closes(closes);
  for (const v1::Resource& resource : resources) *outcome.add_resources() = resource;
  return outcome;
}

std::vector<Record> ReadAll(Reader& reader, std::string_view sandbox_id) {
  std::vector<Record> records;
  const absl::Status status = reader.ReadSandbox(sandbox_id, 1, [&](const Record& record) {
    records.push_back(record);
    return Visit::kContinue;
  });
  if (!status.ok()) Die(status.ToString());
  return records;
}

std::vector<Record> ReadTailAll(Reader& reader) {
  std::vector<Record> records;
  const absl::Status status = reader.ReadTail(0, SIZE_MAX, [&](const Record& record) {
    records.push_back(record);
    return Visit::kContinue;
  });
  if (!status.ok()) Die(status.ToString());
  return records;
}

std::string Dump(Reader& reader) {
  std::string text;
  const absl::Status tail = reader.ReadTail(0, SIZE_MAX, [&](const Record& record) {
    text += fmt::format("record {} {} {} {} {} {} {} {}\n", record.position, record.sandbox_id,
                        record.sequence, record.epoch, record.time_unix_ms,
                        static_cast<int>(record.kind), record.type, Hex(record.payload));
    return Visit::kContinue;
  });
  if (!tail.ok()) return "tail: " + tail.ToString();
  const auto rows = reader.ListSandboxes(false, "", SIZE_MAX);
  if (!rows.ok()) return "sandboxes: " + rows.status().ToString();
  for (const SandboxRow& listed : *rows) {
    const auto row = reader.FindSandbox(listed.sandbox_id);
    if (!row.ok()) return "sandbox: " + row.status().ToString();
    text += fmt::format("sandbox {} {} {} {} {} {}\n", row->sandbox_id, row->head_sequence,
                        row->head_position, row->projection.state, row->projection.live,
                        Hex(row->projection.summary));
  }
  const auto intents = reader.ListOpenIntents("");
  if (!intents.ok()) return "intents: " + intents.status().ToString();
  for (const OpenIntent& intent : *intents) {
    text += fmt::format("open {} {} {} {} {} {} {}\n", intent.sandbox_id, intent.intent,
                        intent.position, intent.key, intent.participant, intent.action,
                        intent.time_unix_ms);
  }
  const auto ledger = reader.ReadLedger("", true);
  if (!ledger.ok()) return "ledger: " + ledger.status().ToString();
  for (const LedgerRow& row : *ledger) {
    text += fmt::format("ledger {} {} {} {} {} {} {} {} {}\n", row.sandbox_id, row.participant,
                        row.kind, row.name, row.handle, static_cast<int>(row.status), row.intent,
                        row.key, row.since_unix_ms);
  }
  return text;
}

std::string Summary(const VerifyReport& report) {
  std::string text;
  for (const Damage& damage : report.damages) {
    text += fmt::format("{} {} {} {}\n", damage.kind, damage.sandbox_id, damage.position,
                        damage.sequence);
  }
  return text;
}

void Meddle(const std::string& path, const std::string& sql) {
  sqlite3* db = OpenRaw(path);
  char* message = nullptr;
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
    Die(fmt::format("{}: {}", sql, message));
  }
  sqlite3_close(db);
}

std::vector<std::string> QueryRows(const std::string& path, const std::string& sql) {
  sqlite3* db = OpenRaw(path);
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    Die(fmt::format("{}: {}", sql, sqlite3_errmsg(db)));
  }
  std::vector<std::string> rows;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      if (i > 0) row += '|';
      const bool blob = sqlite3_column_type(statement, i) == SQLITE_BLOB;
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
      const std::string_view value(bytes == nullptr ? "" : bytes,
                                   static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
      row += blob ? Hex(value) : std::string(value);
    }
    rows.push_back(std::move(row));
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return rows;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteBytes(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) Die("writing " + path);
}

}  // namespace holdfast::journal
