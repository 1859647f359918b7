// SPDX-License-Identifier: Apache-2.0
#include "tests/journal/sample.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <tuple>

#include "fmt/format.h"
#include "journal/canonical.h"
#include "journal/checkpoint.h"
#include "tests/journal/testing.h"
#include "tests/support/temp_dir.h"

namespace holdfast::journal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kJournalFile = "journal.db";
constexpr std::string_view kDumpFile = "dump.txt";
constexpr std::string_view kCheckpointsFile = "checkpoints.txt";
constexpr std::string_view kCompressed = ".gz";

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

std::string Inflate(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) Die("opening " + path);
  std::string bytes;
  char buffer[65'536];
  int count = 0;
  while ((count = gzread(file, buffer, sizeof buffer)) > 0) {
    bytes.append(buffer, static_cast<std::size_t>(count));
  }
  if (gzclose(file) != Z_OK || count != 0) Die("reading " + path);
  return bytes;
}

void Deflate(const std::string& bytes, const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "wb9");
  if (file == nullptr) Die("making " + path);
  const int count = gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  if (count != static_cast<int>(bytes.size()) || gzclose(file) != Z_OK) Die("writing " + path);
}

std::string CheckpointLines(Reader& reader) {
  const auto last = reader.LastPosition();
  if (!last.ok()) Die(last.status().ToString());
  std::string lines;
  for (const std::uint64_t position : {*last / 2, *last}) {
    const auto checkpoint = reader.MakeCheckpoint(position);
    if (!checkpoint.ok()) Die(checkpoint.status().ToString());
    lines += FormatCheckpoint(*checkpoint) + "\n";
  }
  return lines;
}

// The regular files of a journal that hold something, relative to its directory. What SQLite
// derives from the others (-shm) and the lock are not part of it.
std::vector<std::string> FilesOf(const fs::path& journal) {
  const std::string own = journal.filename().string();
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(journal.parent_path())) {
    const std::string relative = entry.path().lexically_relative(journal.parent_path()).string();
    if (!entry.is_regular_file() || entry.file_size() == 0 || !relative.starts_with(own)) continue;
    if (relative == own + "-shm" || relative == own + ".lock") continue;
    files.push_back(relative);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Sample& sample) {
  return out << "v" << sample.version << "_" << sample.name;
}

std::vector<Sample> ListSamples(const std::string& root) {
  std::vector<Sample> samples;
  for (const fs::directory_entry& version : fs::directory_iterator(root)) {
    const std::string folder = version.path().filename().string();
    if (!version.is_directory() || !folder.starts_with('v')) continue;
    for (const fs::directory_entry& sample : fs::directory_iterator(version.path())) {
      samples.push_back(Sample{.version = std::atoi(folder.c_str() + 1),
                               .name = sample.path().filename().string(),
                               .directory = sample.path().string()});
    }
  }
  std::sort(samples.begin(), samples.end(), [](const Sample& left, const Sample& right) {
    return std::tie(left.version, left.name) < std::tie(right.version, right.name);
  });
  return samples;
}

std::string UnpackSample(const Sample& sample, const std::string& directory) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(sample.directory)) {
    if (!entry.is_regular_file() || entry.path().extension() != kCompressed) continue;
    const fs::path target =
        fs::path(directory) / entry.path().lexically_relative(sample.directory).replace_extension();
    fs::create_directories(target.parent_path());
    WriteBytes(target.string(), Inflate(entry.path().string()));
  }
  return (fs::path(directory) / kJournalFile).string();
}

void PackSample(const std::string& path, const std::string& directory) {
  // Renamed to journal.db on the way, so that every sample looks the same inside.
  const testing::TempDir temp;
  const fs::path journal(path);
  const std::size_t name_size = journal.filename().string().size();
  for (const std::string& file : FilesOf(journal)) {
    const std::string name = std::string(kJournalFile) + file.substr(name_size);
    fs::create_directories(fs::path(temp.File(name)).parent_path());
    fs::create_directories((fs::path(directory) / name).parent_path());
    fs::copy_file(journal.parent_path() / file, temp.File(name));
    Deflate(ReadBytes(temp.File(name)),
            (fs::path(directory) / name).string() + std::string(kCompressed));
  }

  const auto reader = Reader::Open(temp.File(std::string(kJournalFile)));
  if (!reader.ok()) Die(reader.status().ToString());
  const auto report = (*reader)->Verify();
  if (!report.ok()) Die(report.status().ToString());
  if (!report->ok()) Die("a sample must be sound:\n" + Summary(*report));
  WriteBytes((fs::path(directory) / kDumpFile).string(), DumpAll(**reader));
  WriteBytes((fs::path(directory) / kCheckpointsFile).string(), CheckpointLines(**reader));
}

std::string DumpAll(Reader& reader) {
  std::string text = Dump(reader);
  const auto rows = reader.ListSandboxes(false, "", SIZE_MAX);
  if (!rows.ok()) return text + rows.status().ToString();
  for (const SandboxRow& row : *rows) {
    const auto snapshot = reader.FindSnapshot(row.sandbox_id);
    if (!snapshot.ok()) return text + snapshot.status().ToString();
    if (snapshot->has_value()) {
      text += fmt::format("snapshot {} {} {}\n", row.sandbox_id, (*snapshot)->sequence,
                          ToHex((*snapshot)->bytes));
    }
    const auto sealed = reader.ReadSealed(row.sandbox_id);
    if (!sealed.ok()) return text + sealed.status().ToString();
    if (sealed->has_value()) text += fmt::format("sealed {} {}\n", row.sandbox_id, ToHex(**sealed));
  }
  return text;
}

std::string GoldenDump(const Sample& sample) {
  return ReadBytes((fs::path(sample.directory) / kDumpFile).string());
}

std::vector<std::string> GoldenCheckpoints(const Sample& sample) {
  std::ifstream file(fs::path(sample.directory) / kCheckpointsFile);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace holdfast::journal
