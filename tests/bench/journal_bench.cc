// SPDX-License-Identifier: Apache-2.0
//
// What the journal costs beside what it stands on. Every number is a ratio taken in one run on one
// disk, rounds interleaved, medians reported:
//   journal  threads that block in Append, three events of 200 bytes a batch, sandboxes hit at
//   random bare     one thread, the same rows into the same tables with the same pragmas, as many
//   batches in
//            a transaction as the group commit achieved
//   floor    one thread, one append-only table, the same bytes and syncs, nothing else
// Targets: at 512 appenders journal >= 0.7 of bare; alone, its p50 <= 1.3 of a bare commit's.
//
// holdfast_journal_bench [--quick] [--appenders N] [--json FILE] [--directory DIR]
#include <sqlite3.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "journal/journal.h"

namespace holdfast::journal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSandboxes = 10'000;
constexpr std::size_t kBatchEvents = 3;
constexpr std::size_t kPayloadBytes = 200;
constexpr int kCheckpointPages = 8'000;  // as the journal's writer

struct Plan {
  int rounds = 5;
  std::chrono::milliseconds round{1'500};
  int lone_appends = 400;
};

[[noreturn]] void Die(std::string_view why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(1);
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double Percentile(std::vector<double>& values, double fraction) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * fraction)];
}

std::string SandboxId(std::size_t index) { return fmt::format("sandbox-{:08}", index); }

Batch MakeBatch(std::size_t sandbox, std::uint64_t head) {
  static const std::string payload(kPayloadBytes, 'p');
  Batch batch{.sandbox_id = SandboxId(sandbox),
              .expected_sequence = head,
              .drafts = {},
              .projection = {.state = "Running", .live = true, .summary = "two words"}};
  for (std::size_t i = 0; i < kBatchEvents; ++i) {
    batch.drafts.push_back(Draft::Event("SandboxChanged", payload, 1'700'000'000'000));
  }
  return batch;
}

// A connection with the journal's pragmas and a few prepared statements. It checks nothing but
// errors.
class Bare {
 public:
  explicit Bare(const std::string& path) {
    if (sqlite3_open_v2(path.c_str(), &db_,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        nullptr) != SQLITE_OK) {
      Die(sqlite3_errmsg(db_));
    }
    Execute("PRAGMA page_size = 4096");
    Execute("PRAGMA journal_mode = WAL");
    Execute("PRAGMA synchronous = FULL");
    Execute("PRAGMA cache_size = -65536");
    Execute(fmt::format("PRAGMA wal_autocheckpoint = {}", kCheckpointPages));
  }
  ~Bare() {
    for (sqlite3_stmt* statement : statements_) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void Execute(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      Die(sqlite3_errmsg(db_));
    }
  }
  sqlite3_stmt* Prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK) {
      Die(sqlite3_errmsg(db_));
    }
    statements_.push_back(statement);
    return statement;
  }
  void Run(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) Die(sqlite3_errmsg(db_));
    sqlite3_reset(statement);
  }
  sqlite3* db() { return db_; }

 private:
  sqlite3* db_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
};

// The journal's rows without the journal: no checks, no hash, no checksum, no threads.
class BareRows {
 public:
  BareRows(const std::string& path, std::vector<std::uint64_t> positions,
           std::vector<std::uint64_t> heads, std::uint64_t last_position)
      : bare_(path),
        begin_(bare_.Prepare("BEGIN IMMEDIATE")),
        commit_(bare_.Prepare("COMMIT")),
        insert_(bare_.Prepare(
            "INSERT INTO records (position, sandbox, sequence, previous, epoch, time_unix_ms, kind,"
            " checksum, type, hash, payload) VALUES (?1, ?2, ?3, ?4, 1, 1700000000000, 1, ?5,"
            " 'SandboxChanged', ?6, ?7)")),
        head_(bare_.Prepare("UPDATE heads SET position = ?2, sequence = ?3 WHERE sandbox = ?1")),
        positions_(std::move(positions)),
        heads_(std::move(heads)),
        last_position_(last_position) {}

  void Commit(std::size_t batches, std::mt19937_64& random) {
    bare_.Run(begin_);
    for (std::size_t i = 0; i < batches; ++i) {
      const std::size_t sandbox = random() % kSandboxes;
      // Sandboxes were made in order, so a sandbox's key is the position of its first record.
      const std::uint64_t key = sandbox * kBatchEvents + 1;
      for (std::size_t event = 0; event < kBatchEvents; ++event) {
        const std::uint64_t position = ++last_position_;
        Bind(insert_, 1, position);
        Bind(insert_, 2, key);
        Bind(insert_, 3, ++heads_[sandbox]);
        Bind(insert_, 4, positions_[sandbox]);
        Bind(insert_, 5, 0xdeadbeef);
        sqlite3_bind_blob(insert_, 6, payload_.data(), 32, SQLITE_STATIC);
        sqlite3_bind_blob(insert_, 7, payload_.data(), kPayloadBytes, SQLITE_STATIC);
        bare_.Run(insert_);
        positions_[sandbox] = position;
      }
      Bind(head_, 1, key);
      Bind(head_, 2, positions_[sandbox]);
      Bind(head_, 3, heads_[sandbox]);
      bare_.Run(head_);
    }
    bare_.Run(commit_);
  }

 private:
  static void Bind(sqlite3_stmt* statement, int index, std::uint64_t value) {
    sqlite3_bind_int64(statement, index, static_cast<sqlite3_int64>(value));
  }
  Bare bare_;
  sqlite3_stmt* begin_;
  sqlite3_stmt* commit_;
  sqlite3_stmt* insert_;
  sqlite3_stmt* head_;
  std::vector<std::uint64_t> positions_;  // head of each sandbox
  std::vector<std::uint64_t> heads_;      // its sequence
  std::uint64_t last_position_;
  const std::string payload_ = std::string(kPayloadBytes, 'p');
};

class Floor {
 public:
  explicit Floor(const std::string& path) : bare_(path) {
    bare_.Execute("CREATE TABLE floor (position INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    begin_ = bare_.Prepare("BEGIN IMMEDIATE");
    commit_ = bare_.Prepare("COMMIT");
    insert_ = bare_.Prepare("INSERT INTO floor (bytes) VALUES (?1)");
  }
  void Commit(std::size_t batches) {
    bare_.Run(begin_);
    for (std::size_t i = 0; i < batches * kBatchEvents; ++i) {
      sqlite3_bind_blob(insert_, 1, bytes_.data(), static_cast<int>(bytes_.size()), SQLITE_STATIC);
      bare_.Run(insert_);
    }
    bare_.Run(commit_);
  }

 private:
  Bare bare_;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  // Payload, hash, type and about 25 bytes of numbers: what a row of `records` takes.
  const std::string bytes_ = std::string(kPayloadBytes + 32 + 14 + 25, 'p');
};

// The journal and the heads that its appenders know.
struct Ours {
  std::unique_ptr<Journal> journal;
  std::vector<std::uint64_t> heads;
};

Ours OpenFilled(const std::string& path) {
  Options options;
  options.path = path;
  options.owner = "bench";
  auto journal = Journal::Open(options);
  if (!journal.ok()) Die(journal.status().ToString());
  Ours ours{*std::move(journal), std::vector<std::uint64_t>(kSandboxes, kBatchEvents)};
  for (std::size_t i = 0; i < kSandboxes; ++i) {
    ours.journal->AppendAsync(MakeBatch(i, 0), [](absl::StatusOr<Appended> answer) {
      if (!answer.ok()) Die(answer.status().ToString());
    });
  }
  // The callbacks run in order: when this one is answered, all are.
  if (auto last = ours.journal->Append(MakeBatch(kSandboxes, 0)); !last.ok()) {
    Die(last.status().ToString());
  }
  return ours;
}

struct Throughput {
  double events_per_second = 0;
  double batches_per_commit = 0;
};

// Blocking appenders. Each owns every threads-th sandbox, so that nobody's expectation is stale.
Throughput RunJournal(Ours& ours, std::size_t threads, std::chrono::milliseconds duration,
                      std::uint64_t seed) {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> batches = 0;
  std::vector<std::thread> appenders;
  const std::uint64_t commits_before = ours.journal->stats().commits;
  const auto start = Clock::now();
  for (std::size_t t = 0; t < threads; ++t) {
    appenders.emplace_back([&, t] {
      std::mt19937_64 random(seed * 1'000 + t);
      const std::size_t mine = (kSandboxes - t + threads - 1) / threads;
      std::uint64_t done = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        const std::size_t sandbox = t + threads * (random() % mine);
        const auto appended = ours.journal->Append(MakeBatch(sandbox, ours.heads[sandbox]));
        if (!appended.ok()) Die(appended.status().ToString());
        ours.heads[sandbox] = appended->last_sequence;
        ++done;
      }
      batches += done;
    });
  }
  std::this_thread::sleep_for(duration);
  stop = true;
  for (std::thread& appender : appenders) appender.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const auto commits = static_cast<double>(ours.journal->stats().commits - commits_before);
  return {static_cast<double>(batches * kBatchEvents) / seconds,
          static_cast<double>(batches) / std::max(commits, 1.0)};
}

template <typename Commit>
double RunLoop(std::size_t batches, std::chrono::milliseconds duration, const Commit& commit) {
  std::uint64_t done = 0;
  const auto start = Clock::now();
  while (Clock::now() - start < duration) {
    commit();
    done += batches;
  }
  return static_cast<double>(done * kBatchEvents) /
         std::chrono::duration<double>(Clock::now() - start).count();
}

struct Row {
  std::size_t appenders = 0;
  double batches_per_commit = 0;
  double journal = 0, bare = 0, floor = 0;  // events per second
  double to_bare = 0, to_floor = 0;         // medians of each round's ratio
};

struct Alone {
  double journal_p50_us = 0, journal_p99_us = 0, bare_p50_us = 0, bare_p99_us = 0;
};

class Bench {
 public:
  Bench(const Plan& plan, const std::string& directory)
      : plan_(plan),
        ours_(OpenFilled(directory + "/journal.db")),
        rows_(CopyOf(directory), FirstHeads(), std::vector<std::uint64_t>(kSandboxes, kBatchEvents),
              (kSandboxes + 1) * kBatchEvents),
        floor_(directory + "/floor.db") {}

  Row Measure(std::size_t appenders) {
    std::vector<double> journal, bare, floor, batches, to_bare, to_floor;
    for (int round = 0; round < plan_.rounds; ++round) {
      const Throughput ours = RunJournal(ours_, appenders, plan_.round, ++seed_);
      const auto size =
          std::max<std::size_t>(1, static_cast<std::size_t>(ours.batches_per_commit + 0.5));
      const double bare_rate = RunLoop(size, plan_.round, [&] { rows_.Commit(size, random_); });
      const double floor_rate = RunLoop(size, plan_.round, [&] { floor_.Commit(size); });
      journal.push_back(ours.events_per_second);
      batches.push_back(ours.batches_per_commit);
      bare.push_back(bare_rate);
      floor.push_back(floor_rate);
      to_bare.push_back(ours.events_per_second / bare_rate);
      to_floor.push_back(ours.events_per_second / floor_rate);
    }
    return Row{appenders,     Median(batches), Median(journal), Median(bare),
               Median(floor), Median(to_bare), Median(to_floor)};
  }

  // One append at a time beside one bare commit at a time, turn about.
  Alone MeasureAlone() {
    std::vector<double> journal, bare;
    for (int i = 0; i < plan_.lone_appends; ++i) {
      const std::size_t sandbox = random_() % kSandboxes;
      Batch batch = MakeBatch(sandbox, ours_.heads[sandbox]);
      auto start = Clock::now();
      const auto appended = ours_.journal->Append(std::move(batch));
      journal.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
      if (!appended.ok()) Die(appended.status().ToString());
      ours_.heads[sandbox] = appended->last_sequence;
      start = Clock::now();
      rows_.Commit(1, random_);
      bare.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
    return Alone{Percentile(journal, 0.5), Percentile(journal, 0.99), Percentile(bare, 0.5),
                 Percentile(bare, 0.99)};
  }

 private:
  // The bare loop starts from the same file: same tables, same sandboxes, same tree.
  std::string CopyOf(const std::string& directory) {
    const std::string copy = directory + "/bare.db";
    Bare source(directory + "/journal.db");
    source.Execute(fmt::format("VACUUM INTO '{}'", copy));
    return copy;
  }
  std::vector<std::uint64_t> FirstHeads() const {
    std::vector<std::uint64_t> positions(kSandboxes);
    for (std::size_t i = 0; i < kSandboxes; ++i) positions[i] = (i + 1) * kBatchEvents;
    return positions;
  }

  const Plan plan_;
  std::uint64_t seed_ = 0;
  std::mt19937_64 random_{7};
  Ours ours_;
  BareRows rows_;
  Floor floor_;
};

void WriteJson(const std::string& path, const std::vector<Row>& rows, const Alone& alone) {
  std::string text = "{\n  \"throughput\": [\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    text += fmt::format(
        "    {{\"appenders\": {}, \"batches_per_commit\": {:.1f}, \"journal_events_per_s\": "
        "{:.0f}, "
        "\"bare_events_per_s\": {:.0f}, \"floor_events_per_s\": {:.0f}, \"ratio_to_bare\": {:.3f}, "
        "\"ratio_to_floor\": {:.3f}}}{}\n",
        row.appenders, row.batches_per_commit, row.journal, row.bare, row.floor, row.to_bare,
        row.to_floor, i + 1 < rows.size() ? "," : "");
  }
  text += fmt::format(
      "  ],\n  \"alone\": {{\"journal_p50_us\": {:.0f}, \"journal_p99_us\": {:.0f}, "
      "\"bare_p50_us\": {:.0f}, \"bare_p99_us\": {:.0f}, \"ratio_p50\": {:.3f}}}\n}}\n",
      alone.journal_p50_us, alone.journal_p99_us, alone.bare_p50_us, alone.bare_p99_us,
      alone.journal_p50_us / alone.bare_p50_us);
  const std::filesystem::path file(path);
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  std::ofstream out(path);
  out << text;
  if (!out.flush()) Die("cannot write " + path);
}

int Main(int argc, char** argv) {
  Plan plan;
  std::vector<std::size_t> appender_counts = {1, 8, 64, 512};
  std::string json = "build/bench/journal.json";
  std::string parent = std::filesystem::temp_directory_path().string();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      plan = Plan{.rounds = 3, .round = std::chrono::milliseconds(350), .lone_appends = 150};
    } else if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else if (argument == "--appenders" && i + 1 < argc) {
      appender_counts = {std::max<std::size_t>(1, std::strtoul(argv[++i], nullptr, 10))};
    } else if (argument == "--directory" && i + 1 < argc) {
      parent = argv[++i];
    } else {
      Die("usage: holdfast_journal_bench [--quick] [--appenders N] [--json FILE] [--directory "
          "DIR]");
    }
  }
  std::string directory = parent + "/holdfast-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) Die("cannot make a directory in " + parent);
  std::vector<Row> rows;
  Alone alone;
  {
    Bench bench(plan, directory);
    fmt::print(
        "durable events/s, {} events a batch, payloads of {} bytes, {} sandboxes at random;\n"
        "medians of {} interleaved rounds\n\n"
        "appenders  batches/commit    journal       bare      floor  journal/bare  "
        "journal/floor\n",
        kBatchEvents, kPayloadBytes, kSandboxes, plan.rounds);
    for (const std::size_t appenders : appender_counts) {
      const Row row = bench.Measure(appenders);
      rows.push_back(row);
      fmt::print("{:>9}  {:>14.1f} {:>10.0f} {:>10.0f} {:>10.0f}  {:>12.2f}  {:>13.2f}\n",
                 row.appenders, row.batches_per_commit, row.journal, row.bare, row.floor,
                 row.to_bare, row.to_floor);
    }
    alone = bench.MeasureAlone();
    fmt::print(
        "\none append alone: p50 {:.0f} us, p99 {:.0f} us; bare commit of the same rows: p50 "
        "{:.0f} us, p99 {:.0f} us; p50 ratio {:.2f}\n",
        alone.journal_p50_us, alone.journal_p99_us, alone.bare_p50_us, alone.bare_p99_us,
        alone.journal_p50_us / alone.bare_p50_us);
  }
  std::filesystem::remove_all(directory);
  WriteJson(json, rows, alone);
  return 0;
}

}  // namespace
}  // namespace holdfast::journal

int main(int argc, char** argv) { return holdfast::journal::Main(argc, argv); }
