// SPDX-License-Identifier: Apache-2.0
//
// A damaged journal is read, verified, opened, appended to and closed. It must not crash, hang or
// allocate much, and what Verify calls sound must be readable.
//
// An input: which journal of base/ is damaged (1 byte), then what is done to it and to its archive
// (damage.h).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "journal/journal.h"
#include "support/check.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/damage.h"
#include "tests/journal/sample.h"
#include "tests/journal/testing.h"
#include "tests/support/temp_dir.h"

namespace holdfast::fuzz {
namespace {

namespace fs = std::filesystem;

// More than any base has: what a damaged file says of its size is not believed.
constexpr std::size_t kRowsMax = 1'000;

using Files = std::map<std::string, std::string>;  // name, with its directory, to bytes

// Each journal of base/, unpacked once.
const std::vector<Files>& Bases() {
  static const std::vector<Files> bases = [] {
    std::vector<Files> made;
    for (const journal::Sample& sample : journal::ListSamples(HOLDFAST_FUZZ_BASE)) {
      const testing::TempDir temp;
      journal::UnpackSample(sample, temp.path().string());
      Files& files = made.emplace_back();
      for (const fs::directory_entry& file : fs::recursive_directory_iterator(temp.path())) {
        if (!file.is_regular_file()) continue;
        files[file.path().lexically_relative(temp.path()).string()] =
            journal::ReadBytes(file.path().string());
      }
    }
    return made;
  }();
  return bases;
}

journal::Visit Continue(const journal::Record&) { return journal::Visit::kContinue; }

// All that a reader can be asked. True when nothing of it failed.
bool ReadEverything(journal::Reader& reader) {
  bool ok = reader.ReadTail(0, kRowsMax, Continue).ok();
  ok = reader.LastPosition().ok() && ok;
  ok = reader.MakeCheckpoint(0).ok() && ok;
  ok = reader.ReadOwnership().ok() && ok;
  ok = reader.ListSegments().ok() && ok;
  ok = reader.ListSandboxes(true, "", kRowsMax).ok() && ok;
  ok = reader.ListOpenIntents("").ok() && ok;
  ok = reader.ReadLedger("", true).ok() && ok;
  ok = reader.ReadLedger("", false).ok() && ok;
  const auto live = [](const journal::SandboxRow&, const journal::Snapshot*) {
    return journal::Visit::kContinue;
  };
  ok = reader.ReadLive(live).ok() && ok;
  const auto rows = reader.ListSandboxes(false, "", kRowsMax);
  if (!rows.ok()) return false;
  for (const journal::SandboxRow& row : *rows) {
    ok = reader.FindSandbox(row.sandbox_id).ok() && ok;
    ok = reader.ReadSandbox(row.sandbox_id, 1, Continue).ok() && ok;
    ok = reader.ListOpenIntents(row.sandbox_id).ok() && ok;
    ok = reader.ReadLedger(row.sandbox_id, true).ok() && ok;
    ok = reader.FindSnapshot(row.sandbox_id).ok() && ok;
    ok = reader.ReadSealed(row.sandbox_id).ok() && ok;
  }
  return ok;
}

void Examine(journal::Reader& reader) {
  reader.Verify(journal::VerifyMode::kQuick).status().IgnoreError();  // only that it returns
  const auto report = reader.Verify(journal::VerifyMode::kDeep);
  const bool readable = ReadEverything(reader);
  HF_CHECK(readable || !report.ok() || !report->ok());
}

// What may be appended to: every sandbox that is listed, and one that is new.
void AppendToEach(journal::Journal& journal) {
  std::map<std::string, std::uint64_t> heads = {{"a new one", 0}};
  const auto rows = journal.reader().ListSandboxes(false, "", kRowsMax);
  if (rows.ok()) {
    for (const auto& row : *rows) heads[row.sandbox_id] = row.head_sequence;
  }
  for (const auto& [id, head] : heads) {
    const journal::v1::Resource thing = journal::MakeResource("container", "fuzz");
    using journal::Draft;
    journal::Batch batch = journal::BatchOf(
        id, head,
        {Draft::Event("Event", "payload", 1),
         Draft::Intent(journal::ForwardIntent("p", "k", {thing}), 1),
         Draft::Outcome(journal::MakeOutcome(head + 2, journal::v1::Outcome::DONE, true, {thing}),
                        1)});
    batch.snapshot = "fold";
    batch.sealed = "box";
    // A damaged journal may refuse either.
    journal.Append(std::move(batch)).status().IgnoreError();
    journal.ReplaceSealed(id, "box", "other box").IgnoreError();
  }
}

void OpenAndUse(const std::string& path) {
  auto opened = journal::Journal::Open(journal::OptionsFor(path));
  if (!opened.ok()) return;
  journal::Journal& journal = **opened;
  // Before everything becomes live; what is damaged stays where it is.
  journal::ArchiveOptions all;
  all.finished_before_unix_ms = INT64_MAX;
  journal.Archive(all).status().IgnoreError();
  Examine(journal.reader());
  AppendToEach(journal);
  Examine(journal.reader());
  journal.Flush().IgnoreError();
  journal.ExpireArchives(INT64_MAX).status().IgnoreError();
  Examine(journal.reader());
  journal.Close().IgnoreError();  // the disk is well; a damaged page may be in the way
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace holdfast;  // NOLINT: the fuzzer's C entry
  fuzz::Bytes script(input, size);
  const auto base = static_cast<std::size_t>(script.TakeNumber(1));
  // Not taken modulo their number: an input keeps its meaning when another base is added.
  if (base >= fuzz::Bases().size()) return 0;

  static const testing::TempDir dir;
  for (const auto& file : std::filesystem::directory_iterator(dir.path())) {
    std::filesystem::remove_all(file.path());
  }
  for (const auto& [name, bytes] : fuzz::Bases()[base]) {
    std::filesystem::create_directories(std::filesystem::path(dir.File(name)).parent_path());
    journal::WriteBytes(dir.File(name), bytes);
  }
  const std::string path = dir.File("journal.db");
  fuzz::DamageJournal(path, script);

  if (const auto reader = journal::Reader::Open(path); reader.ok()) fuzz::Examine(**reader);
  fuzz::OpenAndUse(path);
  if (const auto reader = journal::Reader::Open(path); reader.ok()) fuzz::Examine(**reader);
  return 0;
}
