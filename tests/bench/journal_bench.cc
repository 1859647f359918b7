// SPDX-License-Identifier: Apache-2.0
//
// What the journal costs beside what it stands on. Every number is a ratio taken in one run on one
// disk, in short rounds that take turns, and medians of each round's ratio are reported:
//   journal  batches of three events of 200 bytes to sandboxes at random, from threads that block
//            in Append, and from one thread that keeps as many in flight with AppendAsync
//   bare     one thread, the same rows into a copy of the same tables with the same statements and
//            pragmas, as many batches in a transaction as the journal's group commit achieved, the
//            heads flushed and the WAL checkpointed as often
//   floor    one thread, one append-only table, the same bytes and syncs, nothing else
// Targets: at 512 appenders and more journal >= 0.85 of bare and >= 0.5 of the floor; alone, its
// p50 and p99 <= 1.15 of a bare commit's.
//
// holdfast_journal_bench [--quick] [--rounds N] [--round MILLISECONDS] [--appenders N]
//   [--way threads|in-flight] [--json FILE] [--directory DIR]
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "journal/journal.h"
#include "tests/bench/bare.h"

namespace holdfast::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Plan {
  int rounds = 7;
  // Several flushes and moves of the WAL into the file, each of which is due about four times a
  // second: a round with one more or one less of them measures chance.
  milliseconds round{1'000};
  milliseconds warm_up{50};  // of each round: threads are there and the pipe is full
  int lone_appends = 400;
};

double Percentile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * fraction)];
}

double Median(const std::vector<double>& values) { return Percentile(values, 0.5); }

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Of this process, on all its threads. What others do on the machine does not show in it.
double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

journal::Batch MakeBatch(std::size_t sandbox, std::uint64_t head) {
  journal::Batch batch;
  batch.sandbox_id = fmt::format("sandbox-{:08}", sandbox);
  batch.expected_sequence = head;
  batch.projection = {.state = "Running", .live = true, .summary = "two words"};
  batch.drafts.reserve(kBatchEvents);
  for (std::size_t i = 0; i < kBatchEvents; ++i) {
    batch.drafts.push_back(
        journal::Draft::Event(std::string(kEventType), std::string(kPayloadBytes, 'p'), kTime));
  }
  return batch;
}

// The journal and the heads that its appenders know.
struct Ours {
  std::unique_ptr<journal::Journal> journal;
  std::vector<std::uint64_t> heads;
};

Ours OpenFilled(const std::string& path) {
  journal::Options options;
  options.path = path;
  options.owner = "bench";
  auto journal = journal::Journal::Open(options);
  if (!journal.ok()) Die(journal.status().ToString());
  Ours ours{*std::move(journal), std::vector<std::uint64_t>(kSandboxes, kBatchEvents)};
  for (std::size_t i = 0; i < kSandboxes; ++i) {
    // As many in flight as the queue takes.
    while (ours.journal->stats().batches_waiting > 8'000) std::this_thread::yield();
    ours.journal->AppendAsync(MakeBatch(i, 0), [](absl::StatusOr<journal::Appended> answer) {
      if (!answer.ok()) Die(answer.status().ToString());
    });
  }
  // The callbacks run in order: when this one is answered, all are.
  if (auto last = ours.journal->Append(MakeBatch(kSandboxes, 0)); !last.ok()) {
    Die(last.status().ToString());
  }
  if (const absl::Status flushed = ours.journal->Flush(); !flushed.ok()) Die(flushed.ToString());
  return ours;
}

// Appender `number` of `count` writes to every count-th sandbox, so that nobody is stale.
class Appender {
 public:
  Appender(Ours& ours, std::size_t number, std::size_t count, std::uint64_t seed)
      : ours_(&ours),
        number_(number),
        count_(count),
        sandboxes_((kSandboxes - number + count - 1) / count),
        random_(static_cast<std::uint32_t>(seed * 1'000 + number)) {}

  journal::Batch Next() {
    sandbox_ = number_ + count_ * (random_() % sandboxes_);
    return MakeBatch(sandbox_, ours_->heads[sandbox_]);
  }
  void Answered(const absl::StatusOr<journal::Appended>& answer) {
    if (!answer.ok()) Die(answer.status().ToString());
    ours_->heads[sandbox_] = answer->last_sequence;
  }

 private:
  Ours* ours_;
  std::size_t number_, count_, sandboxes_;
  std::minstd_rand random_;
  std::size_t sandbox_ = 0;
};

struct Rate {
  double events_per_second = 0;
  double cpu_us_per_batch = 0;
  double batches_per_commit = 0;
};

// What becomes durable while others append.
Rate Watch(const journal::Journal& journal, const Plan& plan) {
  std::this_thread::sleep_for(plan.warm_up);
  const journal::Stats before = journal.stats();
  const double cpu = CpuSeconds();
  const auto start = Clock::now();
  std::this_thread::sleep_for(plan.round);
  const journal::Stats after = journal.stats();
  const double seconds = Seconds(Clock::now() - start);
  const auto batches = std::max(1.0, static_cast<double>(after.batches - before.batches));
  const auto commits = std::max(1.0, static_cast<double>(after.commits - before.commits));
  return {static_cast<double>(after.records - before.records) / seconds,
          (CpuSeconds() - cpu) * 1e6 / batches, batches / commits};
}

Rate RunThreads(Ours& ours, std::size_t count, const Plan& plan, std::uint64_t seed) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      Appender appender(ours, t, count, seed);
      while (!stop.load(std::memory_order_relaxed)) {
        appender.Answered(ours.journal->Append(appender.Next()));
      }
    });
  }
  const Rate rate = Watch(*ours.journal, plan);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return rate;
}

// Nobody blocks: one thread sends the next batches of those who were answered, when they are an
// eighth of all, so that waking it is not what is measured.
Rate RunInFlight(Ours& ours, std::size_t count, const Plan& plan, std::uint64_t seed) {
  std::vector<Appender> appenders;
  std::mutex mutex;
  std::condition_variable answered;
  // Guarded by mutex.
  std::vector<std::size_t> ready;
  std::size_t in_flight = 0;
  bool waits = false;
  for (std::size_t i = 0; i < count; ++i) {
    appenders.emplace_back(ours, i, count, seed);
    ready.push_back(i);
  }
  const std::size_t many = std::max(std::size_t{1}, count / 8);
  const auto worth_waking = [&] { return ready.size() >= many || in_flight == 0; };
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    std::vector<std::size_t> now;
    while (true) {
      {
        std::unique_lock lock(mutex);
        while (!worth_waking()) {
          waits = true;
          answered.wait(lock);
        }
        now.swap(ready);
        if (stop && in_flight == 0) return;
        if (stop) now.clear();
        in_flight += now.size();
      }
      for (const std::size_t i : now) {
        ours.journal->AppendAsync(appenders[i].Next(),
                                  [&, i](const absl::StatusOr<journal::Appended>& answer) {
                                    appenders[i].Answered(answer);
                                    const std::lock_guard lock(mutex);
                                    ready.push_back(i);
                                    --in_flight;
                                    if (!waits || !worth_waking()) return;
                                    waits = false;
                                    answered.notify_one();
                                  });
      }
      now.clear();
    }
  });
  const Rate rate = Watch(*ours.journal, plan);
  stop = true;
  sender.join();
  return rate;
}

// One thread that commits `batches` at a time.
template <typename Commit>
Rate RunLoop(std::size_t batches, const Plan& plan, const Commit& commit) {
  double done = 0;
  const double cpu = CpuSeconds();
  const auto start = Clock::now();
  while (Clock::now() - start < plan.round) {
    commit();
    done += static_cast<double>(batches);
  }
  return {done * kBatchEvents / Seconds(Clock::now() - start), (CpuSeconds() - cpu) * 1e6 / done,
          static_cast<double>(batches)};
}

struct Row {
  std::string_view way;  // "threads", "in flight"
  std::size_t appenders = 0;
  double batches_per_commit = 0;
  double journal = 0, bare = 0, floor = 0;  // events per second
  double to_bare = 0, to_floor = 0;         // medians of each round's ratio
  double journal_cpu = 0, bare_cpu = 0;     // microseconds per batch
};

struct Alone {
  double journal_p50_us = 0, journal_p99_us = 0, bare_p50_us = 0, bare_p99_us = 0;
};

class Bench {
 public:
  Bench(const Plan& plan, const std::string& directory)
      : plan_(plan),
        ours_(OpenFilled(directory + "/journal.db")),
        rows_(CopyOf(directory), (kSandboxes + 1) * kBatchEvents),
        floor_(directory + "/floor.db") {
    // All three write into a WAL that has its full length: one that still grows costs its file
    // system more with each sync. The journal's has grown while it was filled.
    while (!rows_.wal_has_grown()) rows_.Commit(256, random_);
    while (!floor_.wal_has_grown()) floor_.Commit(256);
  }

  Row Measure(std::size_t appenders, bool threads) {
    std::vector<double> journal, bare, floor, batches, to_bare, to_floor, cpu, bare_cpu;
    for (int round = 0; round < plan_.rounds; ++round) {
      const Rate ours = threads ? RunThreads(ours_, appenders, plan_, ++seed_)
                                : RunInFlight(ours_, appenders, plan_, ++seed_);
      const auto size = std::max(std::size_t{1}, static_cast<std::size_t>(ours.batches_per_commit));
      const Rate rows = RunLoop(size, plan_, [&] { rows_.Commit(size, random_); });
      const Rate table = RunLoop(size, plan_, [&] { floor_.Commit(size); });
      batches.push_back(ours.batches_per_commit);
      journal.push_back(ours.events_per_second);
      bare.push_back(rows.events_per_second);
      floor.push_back(table.events_per_second);
      to_bare.push_back(ours.events_per_second / rows.events_per_second);
      to_floor.push_back(ours.events_per_second / table.events_per_second);
      cpu.push_back(ours.cpu_us_per_batch);
      bare_cpu.push_back(rows.cpu_us_per_batch);
    }
    return Row{threads ? "threads" : "in flight",
               appenders,
               Median(batches),
               Median(journal),
               Median(bare),
               Median(floor),
               Median(to_bare),
               Median(to_floor),
               Median(cpu),
               Median(bare_cpu)};
  }

  // One append at a time beside one bare commit at a time, turn about.
  Alone MeasureAlone() {
    std::vector<double> journal, bare;
    Appender appender(ours_, 0, 1, ++seed_);
    for (int i = 0; i < plan_.lone_appends; ++i) {
      journal::Batch batch = appender.Next();
      auto start = Clock::now();
      const auto appended = ours_.journal->Append(std::move(batch));
      journal.push_back(Seconds(Clock::now() - start) * 1e6);
      appender.Answered(appended);
      start = Clock::now();
      rows_.Commit(1, random_);
      bare.push_back(Seconds(Clock::now() - start) * 1e6);
    }
    return Alone{Median(journal), Percentile(journal, 0.99), Median(bare), Percentile(bare, 0.99)};
  }

 private:
  // The bare loop starts from the same file: same tables, same sandboxes, same tree.
  static std::string CopyOf(const std::string& directory) {
    const std::string copy = directory + "/bare.db";
    Bare source(directory + "/journal.db");
    source.Execute(fmt::format("VACUUM INTO '{}'", copy));
    return copy;
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
        "    {{\"appenders\": {}, \"way\": \"{}\", \"batches_per_commit\": {:.1f}, "
        "\"journal_events_per_s\": {:.0f}, \"bare_events_per_s\": {:.0f}, "
        "\"floor_events_per_s\": {:.0f}, \"ratio_to_bare\": {:.3f}, \"ratio_to_floor\": {:.3f}, "
        "\"journal_cpu_us_per_batch\": {:.1f}, \"bare_cpu_us_per_batch\": {:.1f}}}{}\n",
        row.appenders, row.way, row.batches_per_commit, row.journal, row.bare, row.floor,
        row.to_bare, row.to_floor, row.journal_cpu, row.bare_cpu, i + 1 < rows.size() ? "," : "");
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
  std::vector<std::size_t> counts = {1, 8, 64, 512, 4096};
  std::vector<bool> ways = {true, false};  // threads, in flight
  std::string json = "build/bench/journal.json";
  std::string parent = std::filesystem::temp_directory_path().string();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      plan.rounds = 5;
      plan.round = milliseconds(150);
      plan.lone_appends = 150;
    } else if (argument == "--rounds" && i + 1 < argc) {
      plan.rounds = std::max(1, std::atoi(argv[++i]));
    } else if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else if (argument == "--round" && i + 1 < argc) {
      plan.round = milliseconds(std::max(1, std::atoi(argv[++i])));
    } else if (argument == "--appenders" && i + 1 < argc) {
      counts = {std::max<std::size_t>(1, std::strtoul(argv[++i], nullptr, 10))};
    } else if (argument == "--way" && i + 1 < argc) {
      ways = {std::string_view(argv[++i]) == "threads"};
    } else if (argument == "--directory" && i + 1 < argc) {
      parent = argv[++i];
    } else {
      Die("usage: holdfast_journal_bench [--quick] [--rounds N] [--round MILLISECONDS] "
          "[--appenders N] [--way threads|in-flight] [--json FILE] [--directory DIR]");
    }
  }
  std::string directory = parent + "/holdfast-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) Die("cannot make a directory in " + parent);
  std::vector<Row> rows;
  Alone alone;
  {
    Bench bench(plan, directory);
    alone = bench.MeasureAlone();
    fmt::print(
        "one append alone: p50 {:.0f} us, p99 {:.0f} us; bare commit of the same rows: p50 "
        "{:.0f} us, p99 {:.0f} us; p50 ratio {:.2f}\n\n",
        alone.journal_p50_us, alone.journal_p99_us, alone.bare_p50_us, alone.bare_p99_us,
        alone.journal_p50_us / alone.bare_p50_us);
    fmt::print(
        "durable events/s, {} events a batch, payloads of {} bytes, {} sandboxes at random;\n"
        "medians of {} rounds that take turns; CPU in microseconds per batch, all threads\n\n"
        "appenders            batches/commit  journal     bare    floor  journal/bare  "
        "journal/floor  cpu  bare cpu\n",
        kBatchEvents, kPayloadBytes, kSandboxes, plan.rounds);
    for (const std::size_t count : counts) {
      for (const bool threads : ways) {
        const Row row = bench.Measure(count, threads);
        rows.push_back(row);
        fmt::print(
            "{:>9} {:<10} {:>14.1f} {:>8.0f} {:>8.0f} {:>8.0f}  {:>12.2f}  {:>13.2f} "
            "{:>4.0f} {:>9.0f}\n",
            row.appenders, row.way, row.batches_per_commit, row.journal, row.bare, row.floor,
            row.to_bare, row.to_floor, row.journal_cpu, row.bare_cpu);
        std::fflush(stdout);
      }
    }
  }
  std::filesystem::remove_all(directory);
  WriteJson(json, rows, alone);
  return 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) { return holdfast::bench::Main(argc, argv); }
