// SPDX-License-Identifier: Apache-2.0
//
// What is killed: opens the house in the directory it is given and works through a fixed programme
// of creates, stops, starts and deletes, several at once. Says on standard output what was
// acknowledged, one unbuffered line each, so that whoever killed it knows what may not be lost.
//
//   accepted create a     the command is durable
//   finished create a     its operation has ended well
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/crash/house.h"

namespace {

using holdfast::crash::House;

void Say(const std::string& line) {
  const std::string out = line + "\n";
  if (write(STDOUT_FILENO, out.data(), out.size()) < 0) _exit(3);
}

int Fail(const std::string& what, const absl::Status& status) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), std::string(status.message()).c_str());
  return 1;
}

// Submits all at once; a command is said to be accepted when it is durable, and finished when done.
bool Together(House& house,
              std::vector<std::pair<std::string, holdfast::model::Command>> commands) {
  std::vector<std::thread> threads;
  std::mutex mu;
  bool good = true;
  for (auto& [name, command] : commands) {
    threads.emplace_back([&house, &mu, &good, name = name, command = std::move(command)] {
      auto accepted = house.engine->SubmitAndWait(command, /*wait=*/false);
      if (accepted.ok()) Say("accepted " + name);
      auto finished =
          accepted.ok() ? house.engine->SubmitAndWait(command, /*wait=*/true) : accepted;
      if (finished.ok()) {
        Say("finished " + name);
        return;
      }
      std::lock_guard lock(mu);
      good = false;
      Fail(name, finished.status());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return good;
}

// A sandbox of long ago, archived and thrown away: the archive's own way, all of it, which nothing
// of the engine's comes near.
absl::Status ArchiveAndExpire(holdfast::journal::Journal& journal) {
  holdfast::journal::Batch batch;
  batch.sandbox_id = "ancient";
  batch.drafts.push_back(holdfast::journal::Draft::Event("Ended", "", 1));
  batch.projection = {.state = "Deleted", .live = false, .summary = ""};
  if (auto appended = journal.Append(std::move(batch)); !appended.ok()) return appended.status();
  holdfast::journal::ArchiveOptions options;
  options.finished_before_unix_ms = 2;
  if (auto archived = journal.Archive(options); !archived.ok()) return archived.status();
  return journal.ExpireArchives(2).status();
}

// What the programme has deleted; it must be found afterwards as if it were still in the journal.
absl::Status ArchiveTheDeleted(holdfast::journal::Journal& journal) {
  holdfast::journal::ArchiveOptions options;
  options.finished_before_unix_ms = INT64_MAX;
  return journal.Archive(options).status();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace holdfast::crash;  // NOLINT(google-build-using-namespace): the programme's verbs
  if (argc != 2) return 2;
  auto house = House::Open(argv[1]);
  if (!house.ok()) return Fail("open", house.status());
  if (auto status = ArchiveAndExpire(*(*house)->journal); !status.ok()) {
    return Fail("archive ancient", status);
  }
  const bool good =
      Together(**house,
               {{"create a", Create("a")}, {"create b", Create("b")}, {"create c", Create("c")}}) &&
      Together(**house,
               {{"delete a", Delete("a")}, {"stop b", Stop("b")}, {"create d", Create("d")}}) &&
      Together(**house,
               {{"start b", Start("b")}, {"delete c", Delete("c")}, {"stop d", Stop("d")}});
  if (auto status = ArchiveTheDeleted(*(*house)->journal); !status.ok()) {
    return Fail("archive", status);
  }
  return good ? 0 : 1;
}
