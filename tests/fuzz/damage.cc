// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/damage.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "journal/canonical.h"
#include "journal/segment.h"

namespace holdfast::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPageBytes = 4096;
constexpr int kStepsMax = 16;
// Of SQLite's machine, for one statement: a tree that leads in circles must not hold us up here.
constexpr int kInstructionsMax = 100'000;

enum class Step : std::uint8_t {
  kWriteFile,    // offset (3 bytes), text
  kWriteWal,     // offset (3), text
  kCutFile,      // length (3)
  kCutWal,       // length (3)
  kCopyPage,     // from (1), to (1)
  kSetValue,     // table (1), row (2), column (1), Value (1), then as it needs
  kDeleteRow,    // table (1), row (2)
  kCopyRow,      // table (1), row (2), column to change (1), Value …
  kMakeItMatch,  // -: checksums and chains are those of what the records now say
  kSetVersion,   // number (1)
  kCount
};

// To the archive's directory. A segment is taken by its place among those that were there first.
enum class FileStep : std::uint8_t {
  kRemove,     // segment (1)
  kSwap,       // segment (1), segment (1)
  kCopyTo,     // segment (1), number (1): a copy without a row
  kDraft,      // number (1), text: an attempt that was not finished
  kDirectory,  // segment (1): a directory of its name
  kLink,       // segment (1): a link to the journal
  kForeign,    // text: a file that is none of ours
  kNoArchive,  // -: a file where the directory should be
  kCount
};

enum class Value : std::uint8_t { kNumber, kSmall, kText, kBlob, kNull, kOther, kCount };

std::string Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void Store(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void Overwrite(std::string& bytes, Bytes& script) {
  const std::size_t at = script.TakeIndex(3, bytes.size());
  const std::string text = script.TakeText();
  const std::size_t count = std::min(text.size(), bytes.size() - at);
  bytes.replace(at, count, text, 0, count);
}

void CopyPage(std::string& bytes, Bytes& script) {
  const std::size_t pages = bytes.size() / kPageBytes;
  const std::size_t from = script.TakeIndex(1, pages);
  const std::size_t to = script.TakeIndex(1, pages);
  if (pages > 0)
    bytes.replace(to * kPageBytes, kPageBytes, bytes.substr(from * kPageBytes, kPageBytes));
}

// A connection that takes what it can get: the file may be damaged already.
class Intruder {
 public:
  explicit Intruder(const std::string& path) {
    sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE, nullptr);
    sqlite3_progress_handler(
        db_, kInstructionsMax, [](void*) { return 1; }, nullptr);
  }
  ~Intruder() { sqlite3_close(db_); }
  Intruder(const Intruder&) = delete;
  Intruder& operator=(const Intruder&) = delete;

  using Row = std::vector<std::string>;  // columns as text or bytes
  std::vector<Row> Query(const std::string& sql, const Row& texts = {}) {
    std::vector<Row> rows;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return rows;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      sqlite3_bind_blob(statement, static_cast<int>(i) + 1, texts[i].data(),
                        static_cast<int>(texts[i].size()), SQLITE_STATIC);
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
      Row row;
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
        row.emplace_back(bytes == nullptr ? "" : bytes,
                         static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
      }
      rows.push_back(std::move(row));
    }
    sqlite3_finalize(statement);
    return rows;
  }

 private:
  sqlite3* db_ = nullptr;
};

struct Place {
  std::string table;
  std::vector<std::string> columns;
  std::vector<std::string> keys;  // the row's primary key: columns …
  Intruder::Row key;              // … and values
  bool found = false;
  std::string Where(std::size_t first_parameter) const {
    std::string text;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      // A value came as text or bytes; CAST lets a number match again.
      text += fmt::format("{}CAST({} AS BLOB) = ?{}", i == 0 ? "" : " AND ", keys[i],
                          first_parameter + i);
    }
    return text;
  }
};

Place TakePlace(Intruder& intruder, Bytes& script) {
  Place place;
  const auto tables =
      intruder.Query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  const std::size_t table = script.TakeIndex(1, tables.size());
  const std::size_t row_number = static_cast<std::size_t>(script.TakeNumber(2));
  if (tables.empty()) return place;
  place.table = tables[table][0];
  for (const auto& column :
       intruder.Query(fmt::format("SELECT name, pk FROM pragma_table_info('{}')", place.table))) {
    place.columns.push_back(column[0]);
    if (column[1] != "0") place.keys.push_back(column[0]);
  }
  if (place.keys.empty()) return place;
  const auto rows =
      intruder.Query(fmt::format("SELECT {} FROM {}", fmt::join(place.keys, ", "), place.table));
  if (rows.empty()) return place;
  place.key = rows[row_number % rows.size()];
  place.found = true;
  return place;
}

// An SQL expression, and what is bound to its parameter ?1 if it has one.
std::pair<std::string, std::string> TakeValue(const Place& place, const std::string& column,
                                              Bytes& script) {
  switch (static_cast<Value>(script.TakeIndex(1, static_cast<std::size_t>(Value::kCount)))) {
    case Value::kNumber:
      return {fmt::format("{}", static_cast<std::int64_t>(script.TakeNumber(8))), ""};
    case Value::kSmall:
      return {fmt::format("{}", script.TakeNumber(1)), ""};
    case Value::kText:
      return {"CAST(?1 AS TEXT)", script.TakeText()};
    case Value::kBlob:
      return {"?1", script.TakeText()};
    case Value::kOther:
      return {fmt::format("(SELECT {} FROM {} LIMIT 1 OFFSET {})", column, place.table,
                          script.TakeNumber(1)),
              ""};
    default:
      return {"NULL", ""};
  }
}

void ChangeRow(const std::string& path, Step step, Bytes& script) {
  Intruder intruder(path);
  const Place place = TakePlace(intruder, script);
  if (!place.found) return;
  Intruder::Row bound = place.key;
  if (step == Step::kDeleteRow) {
    intruder.Query(fmt::format("DELETE FROM {} WHERE {}", place.table, place.Where(1)), bound);
    return;
  }
  const std::string column = place.columns[script.TakeIndex(1, place.columns.size())];
  auto [value, bytes] = TakeValue(place, column, script);
  bound.insert(bound.begin(), std::move(bytes));
  // The CAST keeps ?1 in use when the value needs none.
  if (step == Step::kSetValue) {
    intruder.Query(fmt::format("UPDATE OR REPLACE {} SET {} = {} WHERE ?1 IS NOT NULL AND {}",
                               place.table, column, value, place.Where(2)),
                   bound);
    return;
  }
  std::vector<std::string> values;
  for (const std::string& name : place.columns) values.push_back(name == column ? value : name);
  intruder.Query(
      fmt::format("INSERT OR IGNORE INTO {} SELECT {} FROM {} WHERE ?1 IS NOT NULL AND {}",
                  place.table, fmt::join(values, ", "), place.table, place.Where(2)),
      bound);
}

std::uint64_t Number(const std::string& text) {
  return static_cast<std::uint64_t>(std::strtoll(text.c_str(), nullptr, 10));
}

// What somebody does who changes records and knows how the journal vouches for them.
void MakeItMatch(const std::string& path) {
  Intruder intruder(path);
  auto hasher = journal::Hasher::Create();
  if (!hasher.ok()) return;
  std::map<std::string, journal::Hash> last;  // by sandbox
  intruder.Query("BEGIN");
  for (const auto& row : intruder.Query(
           "SELECT r.position, r.previous, r.sequence, r.epoch, r.time_unix_ms, r.kind, "
           "r.sandbox,\n"
           "       r.type, r.payload, s.id\n"
           "FROM records AS r LEFT JOIN sandboxes AS s ON s.key = r.sandbox ORDER BY r.position")) {
    std::string bytes;
    journal::AppendCanonical(
        {.position = Number(row[0]),
         .previous = Number(row[1]),
         .sequence = Number(row[2]),
         .epoch = Number(row[3]),
         .time_unix_ms = static_cast<std::int64_t>(Number(row[4])),
         .kind = static_cast<journal::RecordKind>(static_cast<std::uint8_t>(Number(row[5]))),
         .sandbox_id = row[9],
         .type = row[7],
         .payload = row[8]},
        bytes);
    journal::Hash& hash = last.try_emplace(row[6], journal::kChainStart).first->second;
    hash = hasher->Link(hash, bytes);
    intruder.Query(fmt::format("UPDATE records SET checksum = {}, hash = ?1 WHERE position = {}",
                               journal::Checksum(bytes), row[0]),
                   {std::string(hash.begin(), hash.end())});
  }
  for (const auto& [table, key] :
       {std::pair("sandboxes", "key"), std::pair("pending", "sandbox")}) {
    for (const auto& row :
         intruder.Query(fmt::format("SELECT {}, live, id, state, summary FROM {}", key, table))) {
      intruder.Query(fmt::format(
          "UPDATE {} SET checksum = {} WHERE {} = {}", table,
          journal::RowChecksum(Number(row[0]), Number(row[1]) != 0, row[2], row[3], row[4]), key,
          row[0]));
    }
  }
  intruder.Query("COMMIT");
}

// The journal's row and the segment's own mark, for what the segment now holds.
void Reseal(const std::string& journal, const std::string& path) {
  Intruder intruder(path);
  auto hasher = journal::Hasher::Create();
  const auto number = journal::SegmentNumber(fs::path(path).filename().string());
  if (!hasher.ok() || !number) return;
  std::vector<journal::SegmentPart> parts;
  for (const auto& row :
       intruder.Query("SELECT r.sandbox, s.id, max(r.position), r.sequence, r.hash, count(*)\n"
                      "FROM records AS r JOIN sandboxes AS s ON s.key = r.sandbox\n"
                      "GROUP BY r.sandbox ORDER BY r.sandbox")) {
    journal::SegmentPart& part = parts.emplace_back();
    part.key = Number(row[0]);
    part.id = row[1];
    part.position = Number(row[2]);
    part.sequence = Number(row[3]);
    std::copy_n(row[4].begin(), std::min(row[4].size(), part.hash.size()), part.hash.begin());
    part.records = Number(row[5]);
  }
  const std::string digest = journal::SegmentDigest(*hasher, parts);
  intruder.Query(fmt::format("UPDATE meta SET value = '{}' WHERE name = 'digest'", digest));
  Intruder(journal).Query(
      fmt::format("UPDATE segments SET digest = x'{}' WHERE number = {}", digest, *number));
}

void TakeFileStep(const std::string& journal, const std::string& archive,
                  const std::vector<std::string>& segments, Bytes& script) {
  const auto step =
      static_cast<FileStep>(script.TakeIndex(1, static_cast<std::size_t>(FileStep::kCount)));
  const auto take_segment = [&] { return segments[script.TakeIndex(1, segments.size())]; };
  const auto in_archive = [&](const std::string& name) {
    return fmt::format("{}/{}", archive, name);
  };
  std::error_code error;  // what an earlier step has made impossible is left out
  switch (step) {
    case FileStep::kRemove:
      fs::remove_all(take_segment(), error);
      break;
    case FileStep::kSwap: {
      const std::string one = take_segment();
      const std::string other = take_segment();
      const std::string bytes = Load(one);
      Store(one, Load(other));
      Store(other, bytes);
      break;
    }
    case FileStep::kCopyTo: {
      const std::string from = take_segment();
      Store(in_archive(journal::SegmentName(script.TakeNumber(1), "00000000")), Load(from));
      break;
    }
    case FileStep::kDraft: {
      const std::string name = journal::DraftName(script.TakeNumber(1));
      Store(in_archive(name), script.TakeText());
      break;
    }
    case FileStep::kDirectory: {
      const std::string name = take_segment();
      fs::remove_all(name, error);
      fs::create_directory(name, error);
      Store(name + "/file", "in it");
      break;
    }
    case FileStep::kLink: {
      const std::string name = take_segment();
      fs::remove_all(name, error);
      fs::create_symlink(journal, name, error);
      break;
    }
    case FileStep::kForeign:
      Store(in_archive("notes.txt"), script.TakeText());
      break;
    case FileStep::kNoArchive:
      fs::remove_all(archive, error);
      Store(archive, "a file");
      break;
    case FileStep::kCount:
      break;
  }
}

// The segments that are there, by name.
std::vector<std::string> SegmentsIn(const std::string& archive) {
  std::vector<std::string> segments;
  std::error_code error;  // most journals have none
  for (const fs::directory_entry& file : fs::directory_iterator(archive, error)) {
    segments.push_back(file.path().string());
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

void TakeStep(const std::string& journal, const std::string& path, Bytes& script) {
  const auto step = static_cast<Step>(script.TakeIndex(1, static_cast<std::size_t>(Step::kCount)));
  const std::string wal = path + "-wal";
  switch (step) {
    case Step::kWriteFile:
    case Step::kWriteWal: {
      const std::string& target = step == Step::kWriteFile ? path : wal;
      std::string bytes = Load(target);
      Overwrite(bytes, script);
      Store(target, bytes);
      break;
    }
    case Step::kCutFile:
    case Step::kCutWal: {
      const std::string& target = step == Step::kCutFile ? path : wal;
      const std::string bytes = Load(target);
      Store(target, bytes.substr(0, script.TakeIndex(3, bytes.size() + 1)));
      break;
    }
    case Step::kCopyPage: {
      std::string bytes = Load(path);
      CopyPage(bytes, script);
      Store(path, bytes);
      break;
    }
    case Step::kSetValue:
    case Step::kDeleteRow:
    case Step::kCopyRow:
      ChangeRow(path, step, script);
      break;
    case Step::kMakeItMatch:
      MakeItMatch(path);
      if (path != journal) Reseal(journal, path);
      break;
    case Step::kSetVersion:
      Intruder(path).Query(fmt::format("PRAGMA user_version = {}", script.TakeNumber(1)));
      break;
    case Step::kCount:
      break;
  }
}

}  // namespace

void DamageJournal(const std::string& path, Bytes& script) {
  const std::string archive = path + ".archive";
  const std::vector<std::string> segments = SegmentsIn(archive);
  for (int step = 0; step < kStepsMax && !script.empty(); ++step) {
    const std::size_t target = segments.empty() ? 0 : script.TakeIndex(1, segments.size() + 2);
    if (target > segments.size()) {
      TakeFileStep(path, archive, segments, script);
    } else {
      TakeStep(path, target == 0 ? path : segments[target - 1], script);
    }
  }
}

}  // namespace holdfast::fuzz
