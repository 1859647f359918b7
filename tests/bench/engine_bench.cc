// SPDX-License-Identifier: Apache-2.0
//
// What a sandbox costs: creating and deleting many on a driver whose platform is a table in memory,
// so that what is measured is Holdfast alone. Beside it, in the same run on the same disk, the
// bound: the very same records appended to a bare journal in batches of the same size by as many
// appenders. Resident memory is read before, with all of them alive and idle, and after.
//
// holdfast_engine_bench [--quick] [--sandboxes N] [--json FILE] [--directory DIR]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "extensions/chain.h"
#include "journal/journal.h"
#include "statemachine/engine/engine.h"
#include "tests/simulation/sim_driver.h"

namespace {

using namespace holdfast;  // NOLINT(google-build-using-namespace): a program of one file
using Clock = std::chrono::steady_clock;

constexpr int kClients = 64;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Die(std::string(value.status().message()));
  return *std::move(value);
}

double ResidentMib() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
}

std::string IdOf(int i) { return fmt::format("sandbox-{:06}", i); }

// Calls fn(0) … fn(count - 1) from kClients threads; returns the seconds it took.
template <typename Fn>
double FromManyClients(int count, Fn fn) {
  std::atomic<int> next{0};
  const auto began = Clock::now();
  std::vector<std::thread> threads;
  for (int t = 0; t < kClients; ++t) {
    threads.emplace_back([&] {
      for (int i = next++; i < count; i = next++) fn(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return std::chrono::duration<double>(Clock::now() - began).count();
}

struct Measured {
  double create_s = 0, delete_s = 0;
  double before_mib = 0, idle_mib = 0, after_mib = 0;
  std::vector<journal::Record> create_records, delete_records;  // of one sandbox
};

Measured MeasureEngine(const std::string& path, int sandboxes) {
  journal::Options journal_options;
  journal_options.path = path;
  auto journal = Must(journal::Journal::Open(std::move(journal_options)));
  auto chain = Must(extensions::ExtensionChain::Make({}));
  std::vector<std::unique_ptr<drivers::Driver>> drivers;
  auto world = std::make_shared<simulation::SimWorld>();
  drivers.push_back(simulation::MakeSimDriver(world));
  auto engine = Must(engine::Engine::Start(*journal, *chain, std::move(drivers), {}));
  engine->WaitRecovered(std::chrono::seconds(10));

  Measured measured;
  measured.before_mib = ResidentMib();
  measured.create_s = FromManyClients(sandboxes, [&](int i) {
    model::CreateSandbox create;
    create.spec.command = {"sleep", "infinity"};
    create.spec.environment = {{"TEAM", "red"}, {"PURPOSE", "benchmark"}};
    Must(engine->SubmitAndWait({model::SandboxId{IdOf(i)}, "request-" + IdOf(i), create}, true));
  });
  measured.idle_mib = ResidentMib();
  const auto read = [&](std::vector<journal::Record>& into, std::uint64_t from) {
    journal->reader()
        .ReadSandbox(IdOf(0), from,
                     [&](const journal::Record& record) {
                       into.push_back(record);
                       return journal::Visit::kContinue;
                     })
        .IgnoreError();
  };
  read(measured.create_records, 1);
  measured.delete_s = FromManyClients(sandboxes, [&](int i) {
    Must(engine->SubmitAndWait({model::SandboxId{IdOf(i)}, "", model::DeleteSandbox{}}, true));
  });
  read(measured.delete_records, measured.create_records.size() + 1);
  measured.after_mib = ResidentMib();
  if (world->Count() != 0) Die("something is left over");
  engine.reset();
  if (auto closed = journal->Close(); !closed.ok()) Die(std::string(closed.message()));
  return measured;
}

// Commits of one operation: each begins with the command or an answer and ends before the next one.
std::vector<std::vector<journal::Draft>> Batches(const std::vector<journal::Record>& records) {
  std::vector<std::vector<journal::Draft>> batches(1);
  for (const journal::Record& record : records) {
    if (record.kind == journal::RecordKind::kOutcome) batches.emplace_back();
    batches.back().push_back({record.kind, record.type, record.payload, record.time_unix_ms});
  }
  return batches;
}

// The same records, appended to a bare journal.
double MeasureBare(const std::string& path, int sandboxes,
                   const std::vector<std::vector<journal::Draft>>& batches) {
  journal::Options options;
  options.path = path;
  auto journal = Must(journal::Journal::Open(std::move(options)));
  const double seconds = FromManyClients(sandboxes, [&](int i) {
    std::uint64_t head = 0;
    for (const auto& drafts : batches) {
      journal::Batch batch{IdOf(i), head, drafts, {"Running", true, ""}};
      head = Must(journal->Append(std::move(batch))).last_sequence;
    }
  });
  if (auto closed = journal->Close(); !closed.ok()) Die(std::string(closed.message()));
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  int sandboxes = 10'000;
  std::string json = "build/bench/engine.json";
  std::string directory = ".";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      sandboxes = 1'000;
    } else if (argument == "--sandboxes" && i + 1 < argc) {
      sandboxes = std::max(1, std::atoi(argv[++i]));
    } else if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else if (argument == "--directory" && i + 1 < argc) {
      directory = argv[++i];
    } else {
      Die("usage: holdfast_engine_bench [--quick] [--sandboxes N] [--json FILE] [--directory DIR]");
    }
  }
  std::string scratch = directory + "/holdfast-bench-XXXXXX";
  if (mkdtemp(scratch.data()) == nullptr) Die("cannot make a directory in " + directory);

  const Measured engine = MeasureEngine(scratch + "/engine.db", sandboxes);
  const auto create = Batches(engine.create_records);
  const auto del = Batches(engine.delete_records);
  const double bare_create = MeasureBare(scratch + "/create.db", sandboxes, create);
  std::filesystem::remove_all(scratch);

  const double per = 1e6 / sandboxes;
  const double kib = 1024.0 / sandboxes;
  fmt::print("{} sandboxes, {} clients, in-memory driver, one run on one disk\n\n", sandboxes,
             kClients);
  fmt::print("{:<44}{:>12}\n", "what", "per sandbox");
  fmt::print("{:<44}{:>9.0f} us\n", "create", engine.create_s * per);
  fmt::print("{:<44}{:>9.0f} us\n", "its records into a bare journal (the bound)",
             bare_create * per);
  fmt::print("{:<44}{:>12.2f}\n", "  create / bound", engine.create_s / bare_create);
  fmt::print("{:<44}{:>9.0f} us\n", "delete", engine.delete_s * per);
  fmt::print("{:<44}{:>8} / {}\n", "records / commits of a create", engine.create_records.size(),
             create.size());
  fmt::print("{:<44}{:>8} / {}\n", "records / commits of a delete", engine.delete_records.size(),
             del.size());
  fmt::print("{:<44}{:>8.1f} KiB\n", "resident memory, alive and idle",
             (engine.idle_mib - engine.before_mib) * kib);
  fmt::print("{:<44}{:>8.1f} MiB\n", "resident memory of the process before", engine.before_mib);
  fmt::print("{:<44}{:>8.1f} MiB\n", "  with all of them idle", engine.idle_mib);
  fmt::print("{:<44}{:>8.1f} MiB\n", "  after all were deleted", engine.after_mib);

  std::filesystem::create_directories(std::filesystem::path(json).parent_path());
  std::ofstream(json) << fmt::format(
      "{{\"sandboxes\": {}, \"create_us\": {:.1f}, \"bare_create_us\": {:.1f}, \"delete_us\": "
      "{:.1f}, "
      "\"idle_kib\": {:.2f}, \"before_mib\": {:.1f}, \"idle_mib\": {:.1f}, \"after_mib\": "
      "{:.1f}}}\n",
      sandboxes, engine.create_s * per, bare_create * per, engine.delete_s * per,
      (engine.idle_mib - engine.before_mib) * kib, engine.before_mib, engine.idle_mib,
      engine.after_mib);
  return 0;
}
