// SPDX-License-Identifier: Apache-2.0
//
// Makes the sample journals beside this file, with the journal library as it is: run it when a new
// version of the format is about to be released, before anything else can write it. What it writes
// is meant to hold every kind of thing that the format knows; add here what a version brings.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "tests/journal/sample.h"
#include "tests/journal/testing.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

constexpr const char* kHelp =
    "make_sample all closed DIR    a journal of everything, closed in order\n"
    "make_sample all killed DIR    the same, as a killed writer leaves it\n"
    "make_sample all archived DIR  the same, with finished sandboxes in segments; also killed\n"
    "make_sample all segments DIR  with a segment that has expired, one that is kept, and one "
    "whose\n"
    "                              records are half removed from the journal; closed in order\n"
    "make_sample few closed DIR    a small one; also killed, and segments, of which none is "
    "removed\n"
    "make_sample pack JOURNAL DIR  of a journal that was made by somebody else\n"
    "make_sample dump JOURNAL      prints what tests compare\n";

// Appends to many sandboxes and remembers where each stands.
class Author {
 public:
  explicit Author(Journal& journal) : journal_(journal) {}

  // The sequence of the last record after it.
  std::uint64_t Append(const std::string& id, std::vector<Draft> drafts, Projection projection,
                       std::optional<std::string> snapshot = {},
                       std::optional<std::string> sealed = {}) {
    const absl::StatusOr<SandboxRow> row = journal_.reader().FindSandbox(id);
    const std::uint64_t head = row.ok() ? row->head_sequence : 0;
    const auto appended = journal_.Append(Batch{.sandbox_id = id,
                                                .expected_sequence = head,
                                                .drafts = std::move(drafts),
                                                .projection = std::move(projection),
                                                .snapshot = std::move(snapshot),
                                                .sealed = std::move(sealed)});
    if (!appended.ok()) {
      std::fprintf(stderr, "%s\n", appended.status().ToString().c_str());
      std::abort();
    }
    return appended->last_sequence;
  }
  std::uint64_t Live(const std::string& id, std::vector<Draft> drafts, std::string state = "Busy") {
    return Append(id, std::move(drafts), {.state = std::move(state), .live = true, .summary = id});
  }
  void End(const std::string& id, std::vector<Draft> drafts) {
    Append(id, std::move(drafts), {.state = "Deleted", .live = false, .summary = ""});
  }

  // Times are the sample's own, so that only the journal's name and owner differ between runs.
  std::int64_t Tick() { return now_unix_ms_ += 250; }
  Draft Event(std::string type = "SomethingHappened", std::string payload = "payload") {
    return Draft::Event(std::move(type), std::move(payload), Tick());
  }
  Draft Forward(const std::string& key, const std::vector<v1::Resource>& claims) {
    return Draft::Intent(ForwardIntent("docker", key, claims), Tick());
  }
  Draft Undo(const std::string& key, std::uint64_t undoes) {
    return Draft::Intent(UndoIntent("docker", key, undoes), Tick());
  }
  Draft Answer(std::uint64_t intent, v1::Outcome::Verdict verdict, bool closes,
               const std::vector<v1::Resource>& resources = {}, bool no_effect = false) {
    v1::Outcome outcome = MakeOutcome(intent, verdict, closes, resources);
    outcome.set_no_effect(no_effect);
    return Draft::Outcome(outcome, Tick());
  }

 private:
  Journal& journal_;
  std::int64_t now_unix_ms_ = 1'700'000'000'000;
};

std::vector<v1::Outcome::Verdict> AllVerdicts() {
  std::vector<v1::Outcome::Verdict> verdicts;
  for (int number = v1::Outcome::Verdict_MIN; number <= v1::Outcome::Verdict_MAX; ++number) {
    if (number == v1::Outcome::VERDICT_UNSPECIFIED || !v1::Outcome::Verdict_IsValid(number)) {
      continue;
    }
    verdicts.push_back(static_cast<v1::Outcome::Verdict>(number));
  }
  return verdicts;
}

bool MakesThings(v1::Outcome::Verdict verdict) {
  return verdict == v1::Outcome::DONE || verdict == v1::Outcome::PRESENT;
}

// Every verdict on a forward step and on an undo, each closing and not, with and without effect:
// all statuses of the ledger, and intents that are open and that are closed.
void AppendVerdicts(Author& author) {
  const std::vector<v1::Resource> claims = {MakeResource("container", "box"),
                                            MakeResource("network", "net")};
  const std::vector<v1::Resource> made = {MakeResource("container", "box", "handle-1")};
  for (const v1::Outcome::Verdict verdict : AllVerdicts()) {
    const std::string name = v1::Outcome::Verdict_Name(verdict);
    for (const bool closes : {true, false}) {
      const std::string id = fmt::format("forward {} {}", name, closes ? "closed" : "open");
      author.Live(id, {author.Event(), author.Forward(id + "/1", claims)});
      author.Live(id, {author.Answer(2, verdict, closes,
                                     MakesThings(verdict) ? made : std::vector<v1::Resource>{})});
    }
    const std::string id = fmt::format("undo {}", name);
    author.Live(id,
                {author.Forward(id + "/1", claims), author.Answer(1, v1::Outcome::DONE, true, made),
                 author.Undo(id + "/1", 1), author.Answer(3, verdict, true)});
  }
  author.Live("failed without effect", {author.Forward("f/1", claims),
                                        author.Answer(1, v1::Outcome::FAILED, true, {}, true)});
  author.Live("failed but made something",
              {author.Forward("f/2", claims), author.Answer(1, v1::Outcome::FAILED, true, made)});
}

// One thing that changes hands, answers that come twice, an undo that nobody has answered.
void AppendCourses(Author& author) {
  const v1::Resource claim = MakeResource("lease", "address");
  author.Live("takes over", {author.Forward("t/1", {claim}),
                             author.Answer(1, v1::Outcome::DONE, true,
                                           {MakeResource("lease", "address", "10.0.0.1")}),
                             author.Forward("t/2", {claim}),
                             author.Answer(3, v1::Outcome::DONE, true,
                                           {MakeResource("lease", "address", "10.0.0.2"),
                                            MakeResource("lease", "unclaimed", "10.0.0.3")})});
  author.Live("answered twice",
              {author.Forward("a/1", {claim}), author.Answer(1, v1::Outcome::UNKNOWN, true),
               author.Answer(1, v1::Outcome::PRESENT, true, {claim}),
               author.Answer(1, v1::Outcome::VANISHED, true)});
  author.Live("in flight", {author.Event("Requested"), author.Forward("i/1", {claim})});
  author.Live("undo in flight",
              {author.Forward("u/1", {claim}), author.Answer(1, v1::Outcome::DONE, true, {claim}),
               author.Undo("u/1", 1)});
  for (const std::string id : {"ended", "ended and back"}) {
    author.Live(id,
                {author.Forward(id, {claim}), author.Answer(1, v1::Outcome::DONE, true, {claim})});
    author.End(id, {author.Undo(id, 1), author.Answer(3, v1::Outcome::DONE, true)});
  }
}

// What strings and blobs may hold. Ids differ in letter case and in what surrounds them.
void AppendOddities(Author& author) {
  const std::vector<std::string> ids = {"A",
                                        "a",
                                        " a",
                                        "a ",
                                        "Ünïcode/☃/😀",
                                        "'; DROP TABLE records; --",
                                        "100%_?*[]\\",
                                        "two\nlines",
                                        "tab\tand \"quotes\"",
                                        std::string(512, 'x')};
  for (const std::string& id : ids) author.Live(id, {author.Event()});

  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  std::string large;  // several pages
  while (large.size() < 12'000) large += fmt::format("{},", large.size());
  author.Append("payloads",
                {author.Event("Empty", ""), author.Event("One", std::string(1, '\0')),
                 author.Event("Bytes", bytes), author.Event("Large", large),
                 author.Event(std::string(512, 't'), "of a long type"),
                 author.Event("Ünïcode type ☃", "of an odd type"), Draft::Event("AtZero", "", 0),
                 Draft::Event("BeforeZero", "", -1), Draft::Event("Last", "", INT64_MAX),
                 Draft::Event("First", "", INT64_MIN)},
                {.state = "", .live = true, .summary = bytes});
  author.Append("long summary", {author.Event()},
                {.state = std::string(512, 's'), .live = true, .summary = large});
}

// What lies beside the records: folds of their appender, and ciphertext.
void AppendBeside(Author& author) {
  const Projection live = {.state = "Busy", .live = true, .summary = "s"};
  author.Append("with a snapshot", {author.Event()}, live, "a fold");
  author.Live("with a snapshot", {author.Event("AfterTheSnapshot")});
  author.Append("with two snapshots", {author.Event()}, live, "a first fold");
  author.Append("with two snapshots", {author.Event()}, live, "a second fold");
  author.Append("with an empty snapshot", {author.Event()}, live, "");
  author.Append("with a box", {author.Event()}, live, "a fold", "ciphertext");
  author.Append("with another box", {author.Event()}, live, {}, "ciphertext 1");
  author.Append("with another box", {author.Event()}, live, {}, "ciphertext 2");
  author.Append("ended with a box", {author.Event()}, live, "a fold", "ciphertext");
  author.End("ended with a box", {author.Event()});
}

// Written under the second epoch.
void AppendAfterReopen(Author& author) {
  author.Append("with a snapshot", {author.Event()},
                {.state = "Busy", .live = true, .summary = "changed"}, "a later fold");
  author.Append("with a box", {author.Event()}, {.state = "Idle", .live = true, .summary = ""}, {},
                "other ciphertext");
  author.Live("in flight", {author.Answer(2, v1::Outcome::UNKNOWN, false)}, "Recovering");
  author.Live("undo in flight", {author.Answer(3, v1::Outcome::DONE, true)}, "Recovering");
  author.Live("ended and back", {author.Event("Requested"),
                                 author.Forward("b/1", {MakeResource("lease", "address")})});
  author.Live("only in the second epoch", {author.Event("Requested")});
  for (int i = 0; i < 40; ++i) author.Live("a", {author.Event("Beat", fmt::format("{}", i))});
}

void AppendFew(Author& author) {
  const v1::Resource claim = MakeResource("lease", "address");
  author.Live("busy", {author.Event("Requested"), author.Forward("b/1", {claim})});
  author.Live("busy", {author.Answer(2, v1::Outcome::DONE, true, {claim})});
  author.Append("other", {author.Event("Requested")},
                {.state = "Busy", .live = true, .summary = ""}, "a fold", "ciphertext");
  author.Live("ended",
              {author.Forward("e/1", {claim}), author.Answer(1, v1::Outcome::UNKNOWN, true)});
  author.Live("busy", {author.Event("Large", std::string(5'000, 'x')), author.Undo("b/1", 2)});
  author.End("ended", {author.Answer(1, v1::Outcome::ABSENT, true)});
}

// Finished sandboxes go into segments of at most two.
void Archive(Journal& journal) {
  ArchiveOptions options;
  options.finished_before_unix_ms = INT64_MAX;
  options.sandboxes_per_segment_max = 2;
  const auto report = journal.Archive(options);
  if (report.ok() && report->kept.empty() && report->segments > 0) return;
  std::fprintf(stderr, "nothing was archived: %s\n", report.status().ToString().c_str());
  std::abort();
}

// A segment is adopted, and of its records so many slices are removed from the journal, as when a
// writer ends meanwhile.
void ArchiveUntil(Journal& journal, int slices) {
  const auto before = journal.reader().ListSegments();
  ArchiveOptions options;
  options.finished_before_unix_ms = INT64_MAX;
  int removed = 0;
  // Asked before a segment is built, and before each slice.
  options.stop = [&] {
    const auto now = journal.reader().ListSegments();
    return now.ok() && before.ok() && now->size() > before->size() && removed++ >= slices;
  };
  const auto report = journal.Archive(options);
  if (report.ok() && report->kept.empty() && report->segments == 1) return;
  std::fprintf(stderr, "not archived: %s\n", report.status().ToString().c_str());
  std::abort();
}

void Expire(Journal& journal) {
  const auto report = journal.ExpireArchives(INT64_MAX);
  if (report.ok() && !report->segments.empty()) return;
  std::fprintf(stderr, "nothing was removed: %s\n", report.status().ToString().c_str());
  std::abort();
}

// Each state that a segment can be in, `few` with little in it.
void AppendSegments(Journal& journal, Author& author, bool few) {
  const v1::Resource claim = MakeResource("lease", "address");
  const auto live_and_end = [&](const std::string& id) {
    author.Live(id, {author.Forward(id + "/1", {claim}),
                     author.Answer(1, v1::Outcome::DONE, true, {claim})});
    author.End(id, {author.Undo(id + "/1", 1), author.Answer(3, v1::Outcome::DONE, true)});
  };
  live_and_end("thrown away");
  Archive(journal);
  Expire(journal);
  live_and_end("kept");
  live_and_end("kept and back");
  Archive(journal);
  author.Live("kept and back", {author.Event("Back"), author.Forward("b/1", {claim})});
  // More than are removed in one slice.
  for (int batch = 0; batch < (few ? 1 : 25); ++batch) {
    std::vector<Draft> drafts;
    for (int i = 0; i < (few ? 3 : 100); ++i) drafts.push_back(author.Event("Beat", ""));
    author.Live("being moved", std::move(drafts));
  }
  author.End("being moved", {author.Event("Ended")});
  live_and_end("moved along");
  ArchiveUntil(journal, few ? 0 : 1);
  author.Live("the last", {author.Event("Requested")});
}

void WriteSample(bool all, std::string_view end, const std::string& directory) {
  const testing::TempDir temp;
  const std::string path = temp.File("journal.db");
  {
    const std::unique_ptr<Journal> journal = OpenJournal(path);
    Author author(*journal);
    if (all) {
      AppendVerdicts(author);
      AppendCourses(author);
      AppendOddities(author);
      AppendBeside(author);
    } else {
      AppendFew(author);
    }
  }
  std::unique_ptr<Journal> journal = OpenJournal(path);
  Author author(*journal);
  // Before one of them comes back to life.
  if (end == "archived") Archive(*journal);
  if (all) {
    AppendAfterReopen(author);
  } else {
    author.Live("other", {author.Event("InTheSecondEpoch")});
  }
  if (end == "archived") {
    author.End("ended and back", {author.Answer(6, v1::Outcome::ABSENT, true)});
    Archive(*journal);
    author.Live("ended and back", {author.Event("BackAgain")});
  }
  if (end == "segments") AppendSegments(*journal, author, !all);
  if (end == "closed" || end == "segments") journal.reset();
  PackSample(path, directory);
}

int Run(const std::vector<std::string>& arguments) {
  const auto is = [&](std::size_t i, std::string_view word) {
    return arguments.size() > i && arguments[i] == word;
  };
  if (arguments.size() == 3 && (is(0, "all") || is(0, "few")) &&
      (is(1, "closed") || is(1, "killed") || is(1, "segments") ||
       (is(0, "all") && is(1, "archived")))) {
    WriteSample(is(0, "all"), arguments[1], arguments[2]);
  } else if (arguments.size() == 3 && is(0, "pack")) {
    PackSample(std::filesystem::absolute(arguments[1]).string(), arguments[2]);
  } else if (arguments.size() == 2 && is(0, "dump")) {
    const auto reader = Reader::Open(arguments[1]);
    if (!reader.ok()) {
      std::fprintf(stderr, "%s\n", reader.status().ToString().c_str());
      return 1;
    }
    std::fputs(DumpAll(**reader).c_str(), stdout);
  } else {
    std::fputs(kHelp, stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace holdfast::journal

int main(int argc, char** argv) {
  return holdfast::journal::Run(std::vector<std::string>(argv + 1, argv + argc));
}
