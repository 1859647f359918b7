// SPDX-License-Identifier: Apache-2.0
//
// What a long history costs: a journal of many live sandboxes and a hundred times as many records
// is made once, and then, each beside its bound in the same run on the same disk:
//   open    Journal::Open and ReadLive of all, in a process of its own, beside a bare read of the
//   same
//           live rows, heads and snapshots                                      <= 2.0 times
//   memory  what that process has resident when all of it is open and nothing is written   <= 64
//   MiB replay  a million records through Reader::ReadTail, payloads parsed, beside a bare scan of
//   all
//           columns with the same parse                                         >= 0.8 of it
//   disk    bytes in the file for each record beside the bytes of its payload   <= 1.6 times
//
// holdfast_history_bench [--sandboxes N] [--events-each N] [--rounds N] [--json FILE]
//                        [--directory DIR]
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "holdfast/journal/v1/journal.pb.h"
#include "journal/journal.h"
#include "tests/bench/bare.h"

namespace holdfast::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSnapshotBytes = 400;
constexpr std::uint64_t kReplayRecords = 1'000'000;

struct Plan {
  std::size_t sandboxes = 100'000;
  std::size_t events_each = 99;  // in batches of kBatchEvents
  int rounds = 5;
};

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// An answer as a driver gives it, of about the size that the other benchmarks append.
std::string Payload() {
  journal::v1::Outcome message;
  message.set_intent(7);
  message.set_attempt(1);
  message.set_verdict(journal::v1::Outcome::DONE);
  message.set_closes(true);
  for (const char* kind : {"network", "container"}) {
    journal::v1::Resource* resource = message.add_resources();
    resource->set_kind(kind);
    resource->set_name("hf-3f2a-sandbox-00000007");
    resource->set_handle("c0ffee00c0ffee00");
  }
  (*message.mutable_env())["HOLDFAST_ADDRESS"] = "10.70.0.17";
  (*message.mutable_env())["HOLDFAST_SANDBOX"] = "sandbox-00000007";
  std::string bytes = message.SerializeAsString();
  if (bytes.size() > kPayloadBytes) Die("the payload is too long");
  return bytes;
}

void Fill(const std::string& path, const Plan& plan) {
  journal::Options options;
  options.path = path;
  options.owner = "bench";
  auto journal = journal::Journal::Open(options);
  if (!journal.ok()) Die(journal.status().ToString());
  const std::string payload = Payload();
  const std::size_t batches = plan.events_each / kBatchEvents;
  for (std::size_t round = 0; round < batches; ++round) {
    for (std::size_t i = 0; i < plan.sandboxes; ++i) {
      // Neighbours in one round are far apart in the next: a coprime step visits each once.
      const std::size_t sandbox = (i * 7'919 + round * 104'729) % plan.sandboxes;
      journal::Batch batch;
      batch.sandbox_id = fmt::format("sandbox-{:08}", sandbox);
      batch.expected_sequence = round * kBatchEvents;
      batch.projection = {.state = "Running", .live = true, .summary = ""};
      for (std::size_t event = 0; event < kBatchEvents; ++event) {
        batch.drafts.push_back(journal::Draft::Event(std::string(kEventType), payload, kTime));
      }
      if (round + 1 == batches) batch.snapshot = std::string(kSnapshotBytes, 's');
      while ((*journal)->stats().batches_waiting > 8'000) std::this_thread::yield();
      (*journal)->AppendAsync(std::move(batch), [](absl::StatusOr<journal::Appended> answer) {
        if (!answer.ok()) Die(answer.status().ToString());
      });
    }
  }
  if (const absl::Status closed = (*journal)->Close(); !closed.ok()) Die(closed.ToString());
}

double ResidentMiB() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Opened {
  double seconds = 0;
  double resident_mib = 0;
  std::uint64_t sandboxes = 0;
};

// Runs `work` in a fresh process, as a restart does.
template <typename Work>
Opened InChild(const Work& work) {
  int ends[2];
  if (::pipe(ends) != 0) Die("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    const Opened opened = work();
    const bool written = ::write(ends[1], &opened, sizeof(opened)) == sizeof(opened);
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  Opened opened;
  const bool read = ::read(ends[0], &opened, sizeof(opened)) == sizeof(opened);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  if (!read) Die("the process that was to open the journal failed");
  return opened;
}

Opened OpenJournal(const std::string& path) {
  const auto start = Clock::now();
  journal::Options options;
  options.path = path;
  options.owner = "bench";
  auto journal = journal::Journal::Open(options);
  if (!journal.ok()) Die(journal.status().ToString());
  Opened opened;
  std::size_t bytes = 0;
  const absl::Status read = (*journal)->reader().ReadLive(
      [&](const journal::SandboxRow& row, const journal::Snapshot* snapshot) {
        ++opened.sandboxes;
        bytes += row.sandbox_id.size() + (snapshot == nullptr ? 0 : snapshot->bytes.size());
        return journal::Visit::kContinue;
      });
  if (!read.ok() || bytes == 0) Die(read.ToString());
  opened.seconds = Seconds(start);
  opened.resident_mib = ResidentMiB();
  return opened;
}

Opened ReadRows(const std::string& path) {
  const auto start = Clock::now();
  Opened opened;
  Bare bare(path);
  sqlite3_stmt* rows = bare.Prepare(
      "SELECT s.key, s.id, s.state, s.summary, h.position, h.sequence, n.sequence, n.bytes "
      "FROM sandboxes AS s JOIN heads AS h ON h.sandbox = s.key "
      "LEFT JOIN snapshots AS n ON n.sandbox = s.key "
      "WHERE s.live = 1 ORDER BY s.key");
  std::size_t bytes = 0;
  while (sqlite3_step(rows) == SQLITE_ROW) {
    ++opened.sandboxes;
    const std::string id(reinterpret_cast<const char*>(sqlite3_column_text(rows, 1)));
    const std::string snapshot(static_cast<const char*>(sqlite3_column_blob(rows, 7)),
                               static_cast<std::size_t>(sqlite3_column_bytes(rows, 7)));
    bytes += id.size() + snapshot.size();
  }
  if (bytes == 0) Die("no live rows");
  opened.seconds = Seconds(start);
  opened.resident_mib = ResidentMiB();
  return opened;
}

double ReplayJournal(const std::string& path, std::uint64_t records) {
  auto reader = journal::Reader::Open(path);
  if (!reader.ok()) Die(reader.status().ToString());
  journal::v1::Outcome message;
  std::uint64_t seen = 0;
  const auto start = Clock::now();
  const absl::Status read = (*reader)->ReadTail(0, records, [&](const journal::Record& record) {
    if (!message.ParseFromString(record.payload)) Die("a payload cannot be parsed");
    ++seen;
    return journal::Visit::kContinue;
  });
  if (!read.ok() || seen == 0) Die(read.ToString());
  return static_cast<double>(seen) / Seconds(start);
}

double ReplayBare(const std::string& path, std::uint64_t records) {
  Bare bare(path);
  sqlite3_stmt* rows = bare.Prepare(
      "SELECT position, sandbox, sequence, previous, epoch, time_unix_ms, kind, checksum, type, "
      "hash, payload FROM records ORDER BY position LIMIT ?1");
  sqlite3_bind_int64(rows, 1, static_cast<sqlite3_int64>(records));
  journal::v1::Outcome message;
  std::uint64_t seen = 0;
  std::uint64_t numbers[8] = {};
  std::string type;
  std::string hash;
  const auto text = [&](int column, std::string& copy) {
    copy.assign(static_cast<const char*>(sqlite3_column_blob(rows, column)),
                static_cast<std::size_t>(sqlite3_column_bytes(rows, column)));
  };
  const auto start = Clock::now();
  while (sqlite3_step(rows) == SQLITE_ROW) {
    for (int column = 0; column < 8; ++column) {
      numbers[column] = static_cast<std::uint64_t>(sqlite3_column_int64(rows, column));
    }
    text(8, type);
    text(9, hash);
    if (numbers[0] == 0 || type.empty() || hash.empty()) Die("a record is empty");
    if (!message.ParseFromArray(sqlite3_column_blob(rows, 10), sqlite3_column_bytes(rows, 10))) {
      Die("a payload cannot be parsed");
    }
    ++seen;
  }
  if (seen == 0) Die("no records");
  return static_cast<double>(seen) / Seconds(start);
}

struct Result {
  double records = 0;
  double open_s = 0, rows_s = 0, open_ratio = 0, resident_mib = 0;
  double replay = 0, bare_replay = 0, replay_ratio = 0;
  double record_bytes = 0, payload_bytes = 0, disk_ratio = 0;
};

Result Measure(const std::string& path, const Plan& plan) {
  Result result;
  result.records = static_cast<double>(plan.sandboxes * plan.events_each);
  result.payload_bytes = static_cast<double>(Payload().size());
  std::vector<double> open, rows, open_ratio, resident, replay, bare, replay_ratio;
  for (int round = 0; round < plan.rounds; ++round) {
    const Opened ours = InChild([&] { return OpenJournal(path); });
    const Opened theirs = InChild([&] { return ReadRows(path); });
    if (ours.sandboxes != plan.sandboxes || theirs.sandboxes != plan.sandboxes) {
      Die("not all live sandboxes were read");
    }
    open.push_back(ours.seconds);
    rows.push_back(theirs.seconds);
    open_ratio.push_back(ours.seconds / theirs.seconds);
    resident.push_back(ours.resident_mib);
    replay.push_back(ReplayJournal(path, kReplayRecords));
    bare.push_back(ReplayBare(path, kReplayRecords));
    replay_ratio.push_back(replay.back() / bare.back());
  }
  result.open_s = Median(open);
  result.rows_s = Median(rows);
  result.open_ratio = Median(open_ratio);
  result.resident_mib = Median(resident);
  result.replay = Median(replay);
  result.bare_replay = Median(bare);
  result.replay_ratio = Median(replay_ratio);
  // All of the file: live rows, snapshots and indexes are paid for by the records too.
  result.record_bytes = static_cast<double>(std::filesystem::file_size(path)) / result.records;
  result.disk_ratio = result.record_bytes / result.payload_bytes;
  return result;
}

void Print(const Result& result, const Plan& plan) {
  fmt::print(
      "{} live sandboxes, {:.0f} records of {:.0f} bytes; medians of {} rounds that take turns\n\n"
      "what                        journal        bound    ratio  to reach\n"
      "open                       {:>6.3f} s     {:>6.3f} s   {:>6.2f}  <= 2.0 of reading the live "
      "rows\n"
      "memory, open and idle    {:>6.1f} MiB         64 MiB   {:>6.2f}  <= 1.0\n"
      "replay, decoded        {:>7.0f} rec/s {:>7.0f} rec/s   {:>6.2f}  >= 0.8 of scan and parse\n"
      "disk                    {:>5.1f} B/rec   {:>5.1f} B/rec   {:>6.2f}  <= 1.6 of the payload\n",
      plan.sandboxes, result.records, result.payload_bytes, plan.rounds, result.open_s,
      result.rows_s, result.open_ratio, result.resident_mib, result.resident_mib / 64,
      result.replay, result.bare_replay, result.replay_ratio, result.record_bytes,
      result.payload_bytes, result.disk_ratio);
}

void WriteJson(const std::string& path, const Result& result, const Plan& plan) {
  const std::filesystem::path file(path);
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  std::ofstream out(path);
  out << fmt::format(
      "{{\n  \"sandboxes\": {},\n  \"records\": {:.0f},\n"
      "  \"open\": {{\"seconds\": {:.4f}, \"bound_seconds\": {:.4f}, \"ratio\": {:.3f}}},\n"
      "  \"memory\": {{\"resident_mib\": {:.1f}}},\n"
      "  \"replay\": {{\"records_per_s\": {:.0f}, \"bound_records_per_s\": {:.0f}, \"ratio\": "
      "{:.3f}}},\n"
      "  \"disk\": {{\"bytes_per_record\": {:.1f}, \"payload_bytes\": {:.1f}, \"ratio\": {:.3f}}}\n"
      "}}\n",
      plan.sandboxes, result.records, result.open_s, result.rows_s, result.open_ratio,
      result.resident_mib, result.replay, result.bare_replay, result.replay_ratio,
      result.record_bytes, result.payload_bytes, result.disk_ratio);
  if (!out.flush()) Die("cannot write " + path);
}

int Main(int argc, char** argv) {
  Plan plan;
  std::string json = "build/bench/history.json";
  std::string parent = std::filesystem::temp_directory_path().string();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (i + 1 == argc) Die("each option needs a value");
    if (argument == "--sandboxes") {
      plan.sandboxes = std::max<std::size_t>(1, std::strtoul(argv[++i], nullptr, 10));
    } else if (argument == "--events-each") {
      plan.events_each =
          std::max<std::size_t>(1, std::strtoul(argv[++i], nullptr, 10) / kBatchEvents) *
          kBatchEvents;
    } else if (argument == "--rounds") {
      plan.rounds = std::max(1, std::atoi(argv[++i]));
    } else if (argument == "--json") {
      json = argv[++i];
    } else if (argument == "--directory") {
      parent = argv[++i];
    } else {
      Die("usage: holdfast_history_bench [--sandboxes N] [--events-each N] [--rounds N] "
          "[--json FILE] [--directory DIR]");
    }
  }
  std::string directory = parent + "/holdfast-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) Die("cannot make a directory in " + parent);
  const std::string path = directory + "/journal.db";
  Fill(path, plan);
  const Result result = Measure(path, plan);
  std::filesystem::remove_all(directory);
  Print(result, plan);
  WriteJson(json, result, plan);
  return 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) { return holdfast::bench::Main(argc, argv); }
